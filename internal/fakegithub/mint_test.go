package fakegithub_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

func TestMintScope(t *testing.T) {
	everything := map[string]string{"contents": "write", "issues": "read", "members": "read", "metadata": "read"}
	both := []string{"octo-corp/api", "octo-corp/web"}
	for _, test := range []struct {
		name, body   string
		permissions  map[string]string
		repositories []string
		named        bool // the answer names the repositories
	}{
		{"no body", "", everything, both, false},
		{"empty object", "{}", everything, both, false},
		{"null", "null", everything, both, false},
		{"an empty list means every repository", `{"repositories": []}`, everything, both, false},
		{"an empty list of ids as well", `{"repository_ids": []}`, everything, both, false},
		{"empty permissions mean every permission", `{"permissions": {}}`, everything, both, false},
		{"one repository, other case", `{"repositories": ["API"]}`, everything, both[:1], true},
		{"by id", `{"repository_ids": [1002]}`, everything, both[:1], true},
		{
			"metadata comes along", `{"permissions": {"contents": "read"}}`,
			map[string]string{"contents": "read", "metadata": "read"},
			both, false,
		},
		{"not with an organization permission", `{"permissions": {"members": "read"}}`, map[string]string{"members": "read"}, both, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, fakegithub.Config{})
			if f.api.ID != 1002 {
				t.Fatalf("the table needs another id than %d", f.api.ID)
			}
			r := f.send("POST", f.mintPath(), f.JWT(time.Now()), test.body)
			if r.StatusCode != http.StatusCreated {
				t.Fatalf("got %d %q", r.StatusCode, r.message())
			}
			got := f.Tokens()[0]
			if diff := cmp.Diff(test.permissions, got.Permissions); diff != "" {
				t.Errorf("permissions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.repositories, got.Repositories); diff != "" {
				t.Errorf("repositories (-want +got):\n%s", diff)
			}
			if _, named := r.body["repositories"]; named != test.named {
				t.Errorf("answer names repositories: %v, want %v", named, test.named)
			}
			if r.body["repository_selection"] != "selected" {
				t.Errorf("repository_selection %v", r.body["repository_selection"])
			}
			if !f.Alive(got.Value) || got.InstallationID != 4242 {
				t.Errorf("token is not alive or not of the installation: %d", got.InstallationID)
			}
		})
	}
}

func TestMintRefusals(t *testing.T) {
	const (
		permissions  = "The permissions requested are not granted to this installation."
		repositories = "There is at least one repository that does not exist or is not accessible to the parent installation."
	)
	many := `{"repositories": [` + strings.Repeat(`"api",`, 500) + `"api"]}`
	f := newFixture(t, fakegithub.Config{})
	f.AddRepository(fakegithub.Repository{Owner: "other", Name: "thing"})
	for _, test := range []struct {
		name, body string
		status     int
		message    string
	}{
		{"level too high", `{"permissions": {"issues": "write"}}`, 422, permissions},
		{"not granted", `{"permissions": {"secrets": "read"}}`, 422, permissions},
		{"unknown key", `{"permissions": {"pull-requests": "read"}}`, 422, permissions},
		{"unknown level", `{"permissions": {"contents": "everything"}}`, 422, permissions},
		{"unknown repository", `{"repositories": ["nothing"]}`, 422, repositories},
		{"not selected", `{"repositories": ["vault"]}`, 422, repositories},
		{"one of two", `{"repositories": ["api", "vault"]}`, 422, repositories},
		{"with owner", `{"repositories": ["octo-corp/api"]}`, 422, repositories},
		{"of another owner", `{"repositories": ["thing"]}`, 422, repositories},
		{"unknown id", `{"repository_ids": [1]}`, 422, repositories},
		{"broken", `{"repositories": `, 400, "Problems parsing JSON"},
		{"array", `[]`, 400, "Body should be a JSON object"},
		{"scalar", `"api"`, 400, "Body should be a JSON object"},
		{"more than 500", many, 422, "Invalid request.\n\nNo more than 500 items are allowed; 501 were supplied."},
		{
			"ids as text", `{"repository_ids": ["1"]}`, 422,
			"Invalid request.\n\nFor 'properties/repository_ids', [\"1\"] is not an array of integers.",
		},
		{"null list", `{"repositories": null}`, 422, "Invalid request.\n\nFor 'properties/repositories', null is not an array of strings."},
		{"misspelt field", `{"repository": ["api"]}`, 422, "Invalid request.\n\n\"repository\" is not a permitted key."},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := f.send("POST", f.mintPath(), f.JWT(time.Now()), test.body)
			if r.StatusCode != test.status || r.message() != test.message || r.body["status"] != strconv.Itoa(test.status) {
				t.Errorf("got %d %q (status %v), want %d %q", r.StatusCode, r.message(), r.body["status"], test.status, test.message)
			}
		})
	}
	if n := len(f.Tokens()); n != 0 {
		t.Errorf("%d tokens were minted by refused requests", n)
	}
}

func TestMintSuspendedAndForeign(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	token := f.mint("")
	f.Suspend(f.Installation.ID, "boss")
	f.want(f.send("POST", f.mintPath(), f.JWT(time.Now()), ""), 403, "This installation has been suspended")
	f.want(f.send("GET", "/installation/repositories", token, ""), 403, "This installation has been suspended")
	f.want(f.send("POST", "/app/installations/1/access_tokens", f.JWT(time.Now()), ""), 404, "Not Found")

	other := f.AddApp(fakegithub.App{Slug: "other", Owner: "octo-corp", PublicKey: &fakegithubtest.Key().PublicKey})
	theirs := f.Install(fakegithub.Installation{AppID: other.ID, Account: "octo-corp", All: true})
	path := "/app/installations/" + strconv.FormatInt(theirs.ID, 10)
	f.want(f.send("GET", path, f.JWT(time.Now()), ""), 404, "Not Found")
	f.want(f.send("POST", path+"/access_tokens", f.JWT(time.Now()), ""), 404, "Not Found")
}

func TestRevokeAndExpiry(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	token := f.mint("")
	f.want(f.send("DELETE", "/installation/token", token, ""), 204, "")
	f.want(f.send("DELETE", "/installation/token", token, ""), 401, "Bad credentials")
	if got := f.Tokens()[0]; !got.Revoked || f.Alive(got.Value) {
		t.Errorf("revoked %v, alive %v", got.Revoked, f.Alive(got.Value))
	}
	token = f.mint("")
	f.SetClockSkew(61 * time.Minute)
	f.want(f.send("GET", "/installation/repositories", token, ""), 401, "Bad credentials")
	f.SetClockSkew(0)
	f.want(f.send("DELETE", "/app/installations/4242", f.JWT(time.Now()), ""), 204, "")
	f.want(f.send("GET", "/installation/repositories", token, ""), 401, "Bad credentials")
}

func TestReplicationLag(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	f.SetReplicationLag(3)
	token := f.mint("")
	for _, want := range []int{404, 403, 401, 200} {
		if r := f.send("GET", "/installation/repositories", token, ""); r.StatusCode != want {
			t.Errorf("got %d, want %d", r.StatusCode, want)
		}
	}
	f.want(f.send("DELETE", "/installation/token", f.mint(""), ""), 204, "")
}

func TestTokenForms(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	mint := func(header string) string {
		r := f.send("POST", f.mintPath(), f.JWT(time.Now()), "", "X-GitHub-Stateless-S2S-Token", header)
		return r.body["token"].(string)
	}
	isStateless := func(value string) bool {
		return strings.HasPrefix(value, "ghs_917_") && strings.Count(value, ".") == 2 && len(value) >= 480 && len(value) <= 560
	}
	if got := mint(""); len(got) != 40 {
		t.Errorf("opaque token has %d characters", len(got))
	}
	if got := mint("enabled"); !isStateless(got) {
		t.Errorf("header enabled: not the stateless form (%d characters)", len(got))
	}
	f.SetTokenForm(fakegithub.Stateless)
	for _, header := range []string{"", "maybe"} {
		if got := mint(header); !isStateless(got) {
			t.Errorf("header %q: not the stateless form (%d characters)", header, len(got))
		}
	}
	if got := mint("disabled"); len(got) != 40 {
		t.Errorf("header disabled: %d characters", len(got))
	}
	if r := f.send("GET", "/installation/repositories", "Bearer "+mint(""), ""); r.StatusCode != 200 {
		t.Errorf("stateless token as Bearer: %d %q", r.StatusCode, r.message())
	}
	requests := f.Requests()
	if kind := requests[len(requests)-1].Authorization; kind != "token" {
		t.Errorf("stateless token recorded as %q", kind)
	}
}
