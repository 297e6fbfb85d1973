package fakegithub_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestDrift(t *testing.T) {
	w := newSecretWorld(t, fakegithub.Config{})
	token := w.mint("")
	for _, f := range families() {
		w.send("PUT", f.path+"/A", token, w.putBody(f, token, "ours", nil))
		before := w.send("GET", f.path+"/A", token, "")
		w.SetSecret(f.place, fakegithub.Secret{Name: "a", Value: "theirs"})
		after := w.send("GET", f.path+"/A", token, "")
		value, _ := w.SecretValue(f.place, "A")
		if value != "theirs" || before.body["updated_at"] == after.body["updated_at"] ||
			before.body["created_at"] != after.body["created_at"] {
			t.Errorf("%s: %q, %s, then %s", f.name, value, before.text, after.text)
		}
		if !w.DeleteSecret(f.place, "a") || w.DeleteSecret(f.place, "A") {
			t.Errorf("%s: DeleteSecret", f.name)
		}
	}
	long := time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)
	place := fakegithub.Place{Owner: "octo-corp", Repository: "API"}
	w.SetSecret(place, fakegithub.Secret{Name: "OLD", CreatedAt: long, UpdatedAt: long.Add(time.Hour)})
	if got := w.Secrets(place); len(got) != 1 || got[0].CreatedAt != long || got[0].UpdatedAt != long.Add(time.Hour) ||
		got[0].Visibility != "" {
		t.Errorf("got %+v", got)
	}
}

func TestPlaces(t *testing.T) {
	w := newSecretWorld(t, fakegithub.Config{})
	for _, place := range []fakegithub.Place{
		{},
		{Owner: "none"},
		{Owner: "octo-corp", App: "dependebot"},
		{Owner: "octo-corp", Repository: "none"},
		{Owner: "octo-corp", Environment: environmentName},
		{Owner: "octo-corp", Repository: "api", Environment: "none"},
		{Owner: "octo-corp", Repository: "api", Environment: environmentName, App: "agents"},
	} {
		if _, ok := w.SecretValue(place, "A"); ok || w.Secrets(place) != nil || w.DeleteSecret(place, "A") || !panics(func() {
			w.SetSecret(place, fakegithub.Secret{Name: "A"})
		}) {
			t.Errorf("%+v exists", place)
		}
	}
	if !panics(func() { w.SetSecret(fakegithub.Place{Owner: "octo-corp"}, fakegithub.Secret{Name: "A B"}) }) {
		t.Error("A B is a name")
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestRenamedWithSecrets(t *testing.T) {
	w := newSecretWorld(t, fakegithub.Config{})
	token := w.mint("")
	for _, f := range families() {
		w.SetSecret(f.place, fakegithub.Secret{Name: "A", Value: "a"})
	}
	w.RenameRepository("octo-corp", "api", "backend")
	for _, f := range families() {
		if f.organization() {
			continue
		}
		target := fmt.Sprintf("http://ghes.test/repositories/%d/%s/secrets/A", w.api.ID, f.place.App)
		if f.place.Environment != "" {
			target = "http://ghes.test/repos/octo-corp/backend/environments/eu%2Fproduction%201/secrets/A"
		}
		for method, status := range map[string]int{"GET": 301, "PUT": 307, "DELETE": 307} {
			if r := w.send(method, f.path+"/A", token, ""); r.StatusCode != status || r.Header.Get("Location") != target {
				t.Errorf("%s %s: got %d to %s, want %d to %s", method, f.path, r.StatusCode, r.Header.Get("Location"), status, target)
			}
		}
		if r := w.send("GET", target[len("http://ghes.test"):], token, ""); r.StatusCode != 200 {
			t.Errorf("%s: got %d", target, r.StatusCode)
		}
		f.place.Repository = "backend"
		if value, _ := w.SecretValue(f.place, "A"); value != "a" {
			t.Errorf("%s: %q", f.name, value)
		}
	}
}

func TestDeleteRepository(t *testing.T) {
	w := newSecretWorld(t, fakegithub.Config{})
	token := w.mint("")
	narrow := w.mint(`{"repositories": ["api"]}`)
	for _, f := range families() {
		w.SetSecret(f.place, fakegithub.Secret{Name: "A", Value: "a"})
	}
	w.RenameRepository("octo-corp", "web", "site")
	w.DeleteRepository("octo-corp", "API")
	w.DeleteRepository("octo-corp", "site")
	if !panics(func() { w.DeleteRepository("octo-corp", "api") }) {
		t.Error("deleted twice")
	}
	for _, f := range families() {
		if _, ok := w.SecretValue(f.place, "A"); ok != f.organization() {
			t.Errorf("%s: %v", f.name, ok)
		}
		if r := w.send("GET", f.path, token, ""); (r.StatusCode == 404) == f.organization() {
			t.Errorf("%s: got %d", f.name, r.StatusCode)
		}
	}
	w.want(w.send("GET", "/repos/octo-corp/web", token, ""), 404, "Not Found")
	for _, token := range []string{token, narrow} {
		if r := w.send("GET", "/installation/repositories", token, ""); r.body["total_count"] != 0.0 {
			t.Errorf("reach %v", r.body["total_count"])
		}
	}
	w.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "api"})
	if got := w.Secrets(fakegithub.Place{Owner: "octo-corp", Repository: "api"}); len(got) != 0 {
		t.Errorf("a new repository has %+v", got)
	}
}
