package fakegithub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestSecretFamilies(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	f.SkipOpenAPI = false
	keys := map[string]string{}
	for _, kind := range families() {
		t.Run(kind.name, func(t *testing.T) {
			f.t = t
			token := f.with(kind.permission, "write")
			f.want(f.send("GET", kind.path+"/NPM_TOKEN", token, ""), 404, "Not Found")
			f.want(f.send("DELETE", kind.path+"/NPM_TOKEN", token, ""), 404, "Not Found")
			if r := f.send("GET", kind.path, token, ""); r.text != `{"secrets":[],"total_count":0}` {
				t.Errorf("an empty list: %d %s", r.StatusCode, r.text)
			}
			r := f.send("PUT", kind.path+"/npm_Token", token, f.putBody(kind, token, "first", nil))
			if r.StatusCode != 201 || r.text != "{}" {
				t.Errorf("create: %d %s", r.StatusCode, r.text)
			}
			before := f.send("GET", kind.path+"/Npm_token", token, "")
			f.SetClockSkew(30 * time.Minute)
			if r := f.send("PUT", kind.path+"/NPM_TOKEN", token, f.putBody(kind, token, "sécond\n", nil)); r.StatusCode != 204 ||
				r.text != "" {
				t.Errorf("update: %d %s", r.StatusCode, r.text)
			}
			f.SetClockSkew(0)
			after := f.send("GET", kind.path+"/NPM_TOKEN", token, "")
			if before.body["name"] != "NPM_TOKEN" || before.body["created_at"] != after.body["created_at"] ||
				before.body["updated_at"] == after.body["updated_at"] {
				t.Errorf("got %s, then %s", before.text, after.text)
			}
			if value, ok := f.SecretValue(kind.place, "npm_token"); !ok || value != "sécond\n" {
				t.Errorf("value %q, %v", value, ok)
			}
			if r := f.send("GET", kind.path, token, ""); !strings.Contains(r.text, after.text) || r.body["total_count"] != 1.0 {
				t.Errorf("the list %s has not %s", r.text, after.text)
			}
			id, _ := f.seal(kind, token, "")
			if again, _ := f.seal(kind, token, ""); keys[id] != "" || again != id {
				t.Errorf("key %s, then %s, also of %q", id, again, keys[id])
			}
			keys[id] = kind.name
			if r := f.send("DELETE", kind.path+"/npm_token", token, ""); r.StatusCode != 204 {
				t.Errorf("delete: %d %s", r.StatusCode, r.text)
			}
			f.want(f.send("GET", kind.path+"/NPM_TOKEN", token, ""), 404, "Not Found")
			if _, ok := f.SecretValue(kind.place, "NPM_TOKEN"); ok || len(f.Secrets(kind.place)) != 0 {
				t.Error("the value is still there")
			}
		})
	}
}

func TestSecretPermissions(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	other := f.with("contents", "write")
	for _, kind := range families() {
		f.SetSecret(kind.place, fakegithub.Secret{Name: "A", Value: "a"})
		body := f.putBody(kind, f.mint(""), "value", nil)
		read := f.with(kind.permission, "read")
		for _, call := range []struct{ method, path, level string }{
			{"GET", "", kind.read},
			{"GET", "/public-key", kind.read},
			{"GET", "/A", kind.read},
			{"GET", "/NONE", kind.read},
			{"PUT", "/A", "write"},
			{"DELETE", "/A", "write"},
			{"DELETE", "/NONE", "write"},
		} {
			for _, token := range []string{other, read} {
				r := f.send(call.method, kind.path+call.path, token, body)
				if token == read && call.level == "read" {
					if r.StatusCode == 403 {
						t.Errorf("%s %s%s with read: 403", call.method, kind.path, call.path)
					}
					continue
				}
				f.want(r, 403, "Resource not accessible by integration")
				if got, want := r.Header.Get("X-Accepted-GitHub-Permissions"), kind.permission+"="+call.level; got != want {
					t.Errorf("%s %s%s: accepted %q, want %q", call.method, kind.path, call.path, got, want)
				}
			}
			f.want(f.send(call.method, kind.path+call.path, f.JWT(time.Now()), body), 401, "Bad credentials")
		}
		f.want(f.send("PUT", kind.path+"/A", "", body), 401, "Requires authentication")
		f.want(f.send("PUT", kind.path+"/A", "token nonsense", body), 401, "Bad credentials")
		if value, _ := f.SecretValue(kind.place, "A"); value != "a" {
			t.Errorf("%s: a refused call left %q", kind.name, value)
		}
	}
}

func TestSecretReach(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	f.AddAccount(fakegithub.Account{Login: "octo-user", Type: "User"})
	f.AddAccount(fakegithub.Account{Login: "rivals"})
	all, web := f.mint(""), f.mint(`{"repositories": ["web"]}`)
	const forbidden = "Resource not accessible by integration"
	for _, test := range []struct {
		path, token string
		status      int
		message     string
	}{
		{"/repos/OCTO-corp/API/actions/secrets", all, 200, ""},
		{"/repos/octo-corp/api/actions/secrets", web, 404, "Not Found"},
		{"/repos/octo-corp/vault/actions/secrets", all, 404, "Not Found"},
		{"/repos/octo-corp/none/actions/secrets", all, 404, "Not Found"},
		{"/repos/octo-corp/open/actions/secrets", all, 403, forbidden},
		{"/repos/octo-corp/api/actions/secrets/", all, 404, "Not Found"},
		{"/repos/octo-corp/api/unheard/secrets", all, 404, "Not Found"},
		{"/repos/octo-corp/api/environments/eu%2Fproduction%201/secrets", all, 200, ""},
		{"/repos/octo-corp/api/environments/EU%2fProduction%201/secrets", all, 200, ""},
		{"/repos/octo-corp/api/environments/eu/production%201/secrets", all, 404, "Not Found"},
		{"/repos/octo-corp/api/environments/staging/secrets", all, 404, "Not Found"},
		{fmt.Sprintf("/repositories/%d/environments/eu%%2Fproduction%%201/secrets", f.api.ID), all, 404, "Not Found"},
		{fmt.Sprintf("/repositories/%d/actions/secrets", f.api.ID), all, 200, ""},
		{"/orgs/Octo-Corp/actions/secrets", web, 200, ""},
		{"/orgs/octo-user/actions/secrets", all, 404, "Not Found"},
		{"/orgs/none/actions/secrets", all, 404, "Not Found"},
		{"/orgs/rivals/actions/secrets", all, 403, forbidden},
	} {
		if r := f.send("GET", test.path, test.token, ""); r.StatusCode != test.status || r.message() != test.message {
			t.Errorf("%s: got %d %q, want %d %q", test.path, r.StatusCode, r.message(), test.status, test.message)
		}
	}
	server := newSecretFixture(t, fakegithub.Config{EnterpriseServer: true})
	for _, kind := range families() {
		want := 200
		if kind.dotcom {
			want = 404
		}
		if r := server.send("GET", "/api/v3"+kind.path, server.mint(""), ""); r.StatusCode != want {
			t.Errorf("%s on Enterprise Server: got %d, want %d", kind.name, r.StatusCode, want)
		}
	}
}
