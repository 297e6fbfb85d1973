package fakegithub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/openapitest"
)

func TestSecretFamilies(t *testing.T) {
	w := newSecretWorld(t, fakegithub.Config{})
	w.handler = openapitest.Check(t, w.Server)
	keys := map[string]string{}
	for _, f := range families() {
		t.Run(f.name, func(t *testing.T) {
			w.t = t
			token := w.with(f.permission, "write")
			w.want(w.send("GET", f.path+"/NPM_TOKEN", token, ""), 404, "Not Found")
			w.want(w.send("DELETE", f.path+"/NPM_TOKEN", token, ""), 404, "Not Found")
			if r := w.send("GET", f.path, token, ""); r.text != `{"secrets":[],"total_count":0}` {
				t.Errorf("an empty list: %d %s", r.StatusCode, r.text)
			}
			r := w.send("PUT", f.path+"/npm_Token", token, w.putBody(f, token, "first", nil))
			if r.StatusCode != 201 || r.text != "{}" {
				t.Errorf("create: %d %s", r.StatusCode, r.text)
			}
			before := w.send("GET", f.path+"/Npm_token", token, "")
			w.SetClockSkew(30 * time.Minute)
			if r := w.send("PUT", f.path+"/NPM_TOKEN", token, w.putBody(f, token, "sécond\n", nil)); r.StatusCode != 204 || r.text != "" {
				t.Errorf("update: %d %s", r.StatusCode, r.text)
			}
			w.SetClockSkew(0)
			after := w.send("GET", f.path+"/NPM_TOKEN", token, "")
			if before.body["name"] != "NPM_TOKEN" || before.body["created_at"] != after.body["created_at"] ||
				before.body["updated_at"] == after.body["updated_at"] {
				t.Errorf("got %s, then %s", before.text, after.text)
			}
			if value, ok := w.SecretValue(f.place, "npm_token"); !ok || value != "sécond\n" {
				t.Errorf("value %q, %v", value, ok)
			}
			if r := w.send("GET", f.path, token, ""); !strings.Contains(r.text, after.text) || r.body["total_count"] != 1.0 {
				t.Errorf("the list %s has not %s", r.text, after.text)
			}
			id, _ := w.seal(f, token, "")
			if again, _ := w.seal(f, token, ""); keys[id] != "" || again != id {
				t.Errorf("key %s, then %s, also of %q", id, again, keys[id])
			}
			keys[id] = f.name
			if r := w.send("DELETE", f.path+"/npm_token", token, ""); r.StatusCode != 204 {
				t.Errorf("delete: %d %s", r.StatusCode, r.text)
			}
			w.want(w.send("GET", f.path+"/NPM_TOKEN", token, ""), 404, "Not Found")
			if _, ok := w.SecretValue(f.place, "NPM_TOKEN"); ok || len(w.Secrets(f.place)) != 0 {
				t.Error("the value is still there")
			}
		})
	}
}

func TestSecretPermissions(t *testing.T) {
	w := newSecretWorld(t, fakegithub.Config{})
	other := w.with("contents", "write")
	for _, f := range families() {
		w.SetSecret(f.place, fakegithub.Secret{Name: "A", Value: "a"})
		body := w.putBody(f, w.mint(""), "value", nil)
		read := w.with(f.permission, "read")
		for _, call := range []struct{ method, path, level string }{
			{"GET", "", f.read},
			{"GET", "/public-key", f.read},
			{"GET", "/A", f.read},
			{"GET", "/NONE", f.read},
			{"PUT", "/A", "write"},
			{"DELETE", "/A", "write"},
			{"DELETE", "/NONE", "write"},
		} {
			for _, token := range []string{other, read} {
				r := w.send(call.method, f.path+call.path, token, body)
				if token == read && call.level == "read" {
					if r.StatusCode == 403 {
						t.Errorf("%s %s%s with read: 403", call.method, f.path, call.path)
					}
					continue
				}
				w.want(r, 403, "Resource not accessible by integration")
				if got, want := r.Header.Get("X-Accepted-GitHub-Permissions"), f.permission+"="+call.level; got != want {
					t.Errorf("%s %s%s: accepted %q, want %q", call.method, f.path, call.path, got, want)
				}
			}
			w.want(w.send(call.method, f.path+call.path, w.jwt(nil), body), 401, "Bad credentials")
		}
		w.want(w.send("PUT", f.path+"/A", "", body), 401, "Requires authentication")
		w.want(w.send("PUT", f.path+"/A", "token nonsense", body), 401, "Bad credentials")
		if value, _ := w.SecretValue(f.place, "A"); value != "a" {
			t.Errorf("%s: a refused call left %q", f.name, value)
		}
	}
}

func TestSecretReach(t *testing.T) {
	w := newSecretWorld(t, fakegithub.Config{})
	w.AddAccount(fakegithub.Account{Login: "octo-user", Type: "User"})
	w.AddAccount(fakegithub.Account{Login: "rivals"})
	all, web := w.mint(""), w.mint(`{"repositories": ["web"]}`)
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
		{fmt.Sprintf("/repositories/%d/environments/eu%%2Fproduction%%201/secrets", w.api.ID), all, 404, "Not Found"},
		{fmt.Sprintf("/repositories/%d/actions/secrets", w.api.ID), all, 200, ""},
		{"/orgs/Octo-Corp/actions/secrets", web, 200, ""},
		{"/orgs/octo-user/actions/secrets", all, 404, "Not Found"},
		{"/orgs/none/actions/secrets", all, 404, "Not Found"},
		{"/orgs/rivals/actions/secrets", all, 403, forbidden},
	} {
		if r := w.send("GET", test.path, test.token, ""); r.StatusCode != test.status || r.message() != test.message {
			t.Errorf("%s: got %d %q, want %d %q", test.path, r.StatusCode, r.message(), test.status, test.message)
		}
	}
	server := newSecretWorld(t, fakegithub.Config{EnterpriseServer: true})
	for _, f := range families() {
		want := 200
		if f.dotcom {
			want = 404
		}
		if r := server.send("GET", "/api/v3"+f.path, server.mint(""), ""); r.StatusCode != want {
			t.Errorf("%s on Enterprise Server: got %d, want %d", f.name, r.StatusCode, want)
		}
	}
}
