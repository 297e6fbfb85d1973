package fakegithub_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/valetkey/valetkey/internal/fakegithub"
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
			w := newWorld(t, fakegithub.Config{})
			if w.api.ID != 1002 {
				t.Fatalf("the table needs another id than %d", w.api.ID)
			}
			r := w.send("POST", w.mintPath(), w.jwt(nil), test.body)
			if r.StatusCode != http.StatusCreated {
				t.Fatalf("got %d %q", r.StatusCode, r.message())
			}
			got := w.Tokens()[0]
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
			if !w.Alive(got.Value) || got.InstallationID != 4242 {
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
	w := newWorld(t, fakegithub.Config{})
	w.AddRepository(fakegithub.Repository{Owner: "other", Name: "thing"})
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
			r := w.send("POST", w.mintPath(), w.jwt(nil), test.body)
			if r.StatusCode != test.status || r.message() != test.message || r.body["status"] != strconv.Itoa(test.status) {
				t.Errorf("got %d %q (status %v), want %d %q", r.StatusCode, r.message(), r.body["status"], test.status, test.message)
			}
		})
	}
	if n := len(w.Tokens()); n != 0 {
		t.Errorf("%d tokens were minted by refused requests", n)
	}
}

func TestMintSuspendedAndForeign(t *testing.T) {
	w := newWorld(t, fakegithub.Config{})
	token := w.mint("")
	w.Suspend(w.installation.ID, "boss")
	w.want(w.send("POST", w.mintPath(), w.jwt(nil), ""), 403, "This installation has been suspended")
	w.want(w.send("GET", "/installation/repositories", token, ""), 403, "This installation has been suspended")
	w.want(w.send("POST", "/app/installations/1/access_tokens", w.jwt(nil), ""), 404, "Not Found")

	other := w.AddApp(fakegithub.App{Slug: "other", Owner: "octo-corp", PublicKey: &privateKey().PublicKey})
	theirs := w.Install(fakegithub.Installation{AppID: other.ID, Account: "octo-corp", All: true})
	path := "/app/installations/" + strconv.FormatInt(theirs.ID, 10)
	w.want(w.send("GET", path, w.jwt(nil), ""), 404, "Not Found")
	w.want(w.send("POST", path+"/access_tokens", w.jwt(nil), ""), 404, "Not Found")
}

func TestRevokeAndExpiry(t *testing.T) {
	w := newWorld(t, fakegithub.Config{})
	token := w.mint("")
	w.want(w.send("DELETE", "/installation/token", token, ""), 204, "")
	w.want(w.send("DELETE", "/installation/token", token, ""), 401, "Bad credentials")
	if got := w.Tokens()[0]; !got.Revoked || w.Alive(got.Value) {
		t.Errorf("revoked %v, alive %v", got.Revoked, w.Alive(got.Value))
	}
	token = w.mint("")
	w.SetClockSkew(61 * time.Minute)
	w.want(w.send("GET", "/installation/repositories", token, ""), 401, "Bad credentials")
	w.SetClockSkew(0)
	w.want(w.send("DELETE", "/app/installations/4242", w.jwt(nil), ""), 204, "")
	w.want(w.send("GET", "/installation/repositories", token, ""), 401, "Bad credentials")
}

func TestReplicationLag(t *testing.T) {
	w := newWorld(t, fakegithub.Config{})
	w.SetReplicationLag(3)
	token := w.mint("")
	for _, want := range []int{404, 403, 401, 200} {
		if r := w.send("GET", "/installation/repositories", token, ""); r.StatusCode != want {
			t.Errorf("got %d, want %d", r.StatusCode, want)
		}
	}
	w.want(w.send("DELETE", "/installation/token", w.mint(""), ""), 204, "")
}

func TestTokenForms(t *testing.T) {
	w := newWorld(t, fakegithub.Config{})
	mint := func(header string) string {
		r := w.send("POST", w.mintPath(), w.jwt(nil), "", "X-GitHub-Stateless-S2S-Token", header)
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
	w.SetTokenForm(fakegithub.Stateless)
	for _, header := range []string{"", "maybe"} {
		if got := mint(header); !isStateless(got) {
			t.Errorf("header %q: not the stateless form (%d characters)", header, len(got))
		}
	}
	if got := mint("disabled"); len(got) != 40 {
		t.Errorf("header disabled: %d characters", len(got))
	}
	if r := w.send("GET", "/installation/repositories", "Bearer "+mint(""), ""); r.StatusCode != 200 {
		t.Errorf("stateless token as Bearer: %d %q", r.StatusCode, r.message())
	}
	requests := w.Requests()
	if kind := requests[len(requests)-1].Authorization; kind != "token" {
		t.Errorf("stateless token recorded as %q", kind)
	}
}
