package fakegithub_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/openapitest"
)

func TestSecretRefusals(t *testing.T) {
	const (
		sealed  = "Bad request - validation failed due to an improperly encrypted secret"
		pattern = ` does not match /^(?:[A-Za-z0-9+\/]{4})*(?:[A-Za-z0-9+\/]{2}==|[A-Za-z0-9+\/]{3}=|[A-Za-z0-9+\/]{4})$/.`
		names   = "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). " +
			"Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_)."
	)
	w := newSecretWorld(t, fakegithub.Config{})
	token := w.mint("")
	all := families()
	for i, f := range all {
		good := func(more map[string]any) string { return w.putBody(f, token, "value", more) }
		foreignID, foreign := w.seal(all[(i+1)%len(all)], token, "value")
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
				"too large", "A", w.putBody(f, token, strings.Repeat("x", 48<<10+1), nil), 422,
				"Secret values must not be larger than 48 KB.",
			},
			{"just fits", "JUST", w.putBody(f, token, strings.Repeat("x", 48<<10), nil), 201, ""},
			{"empty value", "_0", w.putBody(f, token, "", nil), 201, ""},
		} {
			if r := w.send("PUT", f.path+"/"+test.name, token, test.body); r.StatusCode != test.status || r.message() != test.message {
				t.Errorf("%s, %s: got %d %q, want %d %q", f.name, test.what, r.StatusCode, r.message(), test.status, test.message)
			}
		}
		if got := len(w.Secrets(f.place)); got != 2 {
			t.Errorf("%s: %d secrets", f.name, got)
		}
	}
}

func TestSecretCounts(t *testing.T) {
	w := newSecretWorld(t, fakegithub.Config{})
	token := w.mint("")
	for _, f := range families() {
		limit := 100
		if f.organization() && f.place.App != "codespaces" {
			limit = 1000
		}
		for i := range limit - 1 {
			w.SetSecret(f.place, fakegithub.Secret{Name: fmt.Sprintf("S%d", i)})
		}
		body := w.putBody(f, token, "value", nil)
		for name, want := range map[string]int{"S1": 204, "LAST": 201} {
			if r := w.send("PUT", f.path+"/"+name, token, body); r.StatusCode != want {
				t.Errorf("%s: %s: got %d %s", f.name, name, r.StatusCode, r.message())
			}
		}
		w.want(w.send("PUT", f.path+"/MORE", token, body), 422, fmt.Sprintf("The limit of %d secrets is reached.", limit))
		w.want(w.send("PUT", f.path+"/S2", token, body), 204, "")
	}
}

func TestSecretPages(t *testing.T) {
	w := newSecretWorld(t, fakegithub.Config{})
	w.handler = openapitest.Check(t, w.Server)
	for _, f := range families() {
		var want []string
		for i := range 95 {
			name := fmt.Sprintf("S%02d", (i*37)%95)
			w.SetSecret(f.place, fakegithub.Secret{Name: name})
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
			r := w.send("GET", f.path+test.query, w.with(f.permission, "write"), "")
			got := []string{}
			for _, item := range r.body["secrets"].([]any) {
				got = append(got, item.(map[string]any)["name"].(string))
			}
			if diff := cmp.Diff(want[test.first:test.last], got); diff != "" || r.body["total_count"] != 95.0 {
				t.Errorf("%s%s: of %v (-want +got):\n%s", f.name, test.query, r.body["total_count"], diff)
			}
			links := []string{}
			for link := range strings.SplitSeq(r.Header.Get("Link"), ", ") {
				if address, rel, ok := strings.Cut(link, "; rel="); ok {
					links = append(links, strings.Trim(rel, `"`))
					if !strings.HasPrefix(address, "<http://ghes.test"+f.path+"?") {
						t.Errorf("link to %s", address)
					}
				}
			}
			if got := strings.Join(links, " "); got != test.links {
				t.Errorf("%s%s: links %q, want %q", f.name, test.query, got, test.links)
			}
		}
	}
}
