package fakegithub_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestSecretRefusals(t *testing.T) {
	const (
		sealed  = "Bad request - validation failed due to an improperly encrypted secret"
		pattern = ` does not match /^(?:[A-Za-z0-9+\/]{4})*(?:[A-Za-z0-9+\/]{2}==|[A-Za-z0-9+\/]{3}=|[A-Za-z0-9+\/]{4})$/.`
		names   = "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). " +
			"Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_)."
	)
	f := newSecretFixture(t, fakegithub.Config{})
	token := f.mint("")
	all := families()
	for i, kind := range all {
		good := func(more map[string]any) string { return f.putBody(kind, token, "value", more) }
		foreignID, foreign := f.seal(all[(i+1)%len(all)], token, "value")
		for _, test := range []struct {
			what, name, body string
			status           int
			message          string
		}{
			{"broken", "A", `{"key_id"`, 400, "Problems parsing JSON"},
			{"array", "A", `[]`, 400, "Body should be a JSON object"},
			{"no key_id", "A", good(map[string]any{"key_id": nil}), 422, "Invalid request.\n\n\"key_id\" wasn't supplied."},
			{
				"no value", "A", good(map[string]any{"encrypted_value": nil}), 422,
				"Invalid request.\n\n\"encrypted_value\" wasn't supplied.",
			},
			{"number", "A", good(map[string]any{"key_id": 7}), 422, "Invalid request.\n\nFor 'properties/key_id', 7 is not a string."},
			{"plain text", "A", good(map[string]any{"encrypted_value": "p@ss"}), 422, "Invalid request.\n\np@ss" + pattern},
			{"line break", "A", good(map[string]any{"encrypted_value": "YWJj\nYWJj"}), 422, "Invalid request.\n\nYWJj\nYWJj" + pattern},
			{"empty", "A", good(map[string]any{"encrypted_value": ""}), 422, "Invalid request.\n\n" + pattern},
			{"garbage", "A", good(map[string]any{"encrypted_value": "YWJj"}), 422, sealed},
			{"other key", "A", good(map[string]any{"encrypted_value": foreign}), 422, sealed},
			{"other key and id", "A", good(map[string]any{"encrypted_value": foreign, "key_id": foreignID}), 422, sealed},
			{"wrong id", "A", good(map[string]any{"key_id": "1"}), 422, sealed},
			{"digit first", "1A", good(nil), 422, names},
			{"space", "A%20B", good(nil), 422, names},
			{"dash", "public-key", good(nil), 422, names},
			{"not ASCII", "%C3%84", good(nil), 422, names},
			{"GITHUB_", "github_token", good(nil), 422, "Secret names must not start with GITHUB_."},
			{
				"too large", "A", f.putBody(kind, token, strings.Repeat("x", 48<<10+1), nil), 422,
				"Secret values must not be larger than 48 KB.",
			},
			{"just fits", "JUST", f.putBody(kind, token, strings.Repeat("x", 48<<10), nil), 201, ""},
			{"empty value", "_0", f.putBody(kind, token, "", nil), 201, ""},
		} {
			if r := f.send("PUT", kind.path+"/"+test.name, token, test.body); r.StatusCode != test.status || r.message() != test.message {
				t.Errorf("%s, %s: got %d %q, want %d %q", kind.name, test.what, r.StatusCode, r.message(), test.status, test.message)
			}
		}
		if got := len(f.Secrets(kind.place)); got != 2 {
			t.Errorf("%s: %d secrets", kind.name, got)
		}
	}
}

func TestSecretCounts(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	token := f.mint("")
	for _, kind := range families() {
		limit := 100
		if kind.organization() && kind.place.App != "codespaces" {
			limit = 1000
		}
		for i := range limit - 1 {
			f.SetSecret(kind.place, fakegithub.Secret{Name: fmt.Sprintf("S%d", i)})
		}
		body := f.putBody(kind, token, "value", nil)
		for name, want := range map[string]int{"S1": 204, "LAST": 201} {
			if r := f.send("PUT", kind.path+"/"+name, token, body); r.StatusCode != want {
				t.Errorf("%s: %s: got %d %s", kind.name, name, r.StatusCode, r.message())
			}
		}
		f.want(f.send("PUT", kind.path+"/MORE", token, body), 422, fmt.Sprintf("The limit of %d secrets is reached.", limit))
		f.want(f.send("PUT", kind.path+"/S2", token, body), 204, "")
	}
}

func TestSecretPages(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	f.SkipOpenAPI = false
	for _, kind := range families() {
		var want []string
		for i := range 95 {
			name := fmt.Sprintf("S%02d", (i*37)%95)
			f.SetSecret(kind.place, fakegithub.Secret{Name: name})
			want = append(want, name)
		}
		slices.Sort(want)
		for _, test := range []struct {
			query       string
			first, last int
			links       string
		}{
			{"", 0, 30, "next last"},
			{"?per_page=40&page=2", 40, 80, "prev next last first"},
			{"?per_page=40&page=3", 80, 95, "prev first"},
			{"?per_page=500", 0, 95, ""},
			{"?page=9", 95, 95, "prev first"},
		} {
			r := f.send("GET", kind.path+test.query, f.with(kind.permission, "write"), "")
			got := []string{}
			for _, item := range r.body["secrets"].([]any) {
				got = append(got, item.(map[string]any)["name"].(string))
			}
			if diff := cmp.Diff(want[test.first:test.last], got); diff != "" || r.body["total_count"] != 95.0 {
				t.Errorf("%s%s: of %v (-want +got):\n%s", kind.name, test.query, r.body["total_count"], diff)
			}
			links := []string{}
			for link := range strings.SplitSeq(r.Header.Get("Link"), ", ") {
				if address, rel, ok := strings.Cut(link, "; rel="); ok {
					links = append(links, strings.Trim(rel, `"`))
					if !strings.HasPrefix(address, "<http://ghes.test"+kind.path+"?") {
						t.Errorf("link to %s", address)
					}
				}
			}
			if got := strings.Join(links, " "); got != test.links {
				t.Errorf("%s%s: links %q, want %q", kind.name, test.query, got, test.links)
			}
		}
	}
}
