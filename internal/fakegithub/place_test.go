package fakegithub_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestDrift(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	token := f.mint("")
	for _, kind := range families() {
		f.send("PUT", kind.path+"/A", token, f.putBody(kind, token, "ours", nil))
		before := f.send("GET", kind.path+"/A", token, "")
		f.SetSecret(kind.place, fakegithub.Secret{Name: "a", Value: "theirs"})
		after := f.send("GET", kind.path+"/A", token, "")
		value, _ := f.SecretValue(kind.place, "A")
		if value != "theirs" || before.body["updated_at"] == after.body["updated_at"] ||
			before.body["created_at"] != after.body["created_at"] {
			t.Errorf("%s: %q, %s, then %s", kind.name, value, before.text, after.text)
		}
		if !f.DeleteSecret(kind.place, "a") || f.DeleteSecret(kind.place, "A") {
			t.Errorf("%s: DeleteSecret", kind.name)
		}
	}
	long := time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)
	place := fakegithub.Place{Owner: "octo-corp", Repository: "API"}
	f.SetSecret(place, fakegithub.Secret{Name: "OLD", CreatedAt: long, UpdatedAt: long.Add(time.Hour)})
	if got := f.Secrets(place); len(got) != 1 || got[0].CreatedAt != long || got[0].UpdatedAt != long.Add(time.Hour) ||
		got[0].Visibility != "" {
		t.Errorf("got %+v", got)
	}
}

func TestPlaces(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	for _, place := range []fakegithub.Place{
		{},
		{Owner: "none"},
		{Owner: "octo-corp", App: "dependebot"},
		{Owner: "octo-corp", Repository: "none"},
		{Owner: "octo-corp", Environment: environmentName},
		{Owner: "octo-corp", Repository: "api", Environment: "none"},
		{Owner: "octo-corp", Repository: "api", Environment: environmentName, App: "agents"},
	} {
		if _, ok := f.SecretValue(place, "A"); ok || f.Secrets(place) != nil || f.DeleteSecret(place, "A") || !panics(func() {
			f.SetSecret(place, fakegithub.Secret{Name: "A"})
		}) {
			t.Errorf("%+v exists", place)
		}
	}
	if !panics(func() { f.SetSecret(fakegithub.Place{Owner: "octo-corp"}, fakegithub.Secret{Name: "A B"}) }) {
		t.Error("A B is a name")
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestRenamedWithSecrets(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	token := f.mint("")
	for _, kind := range families() {
		f.SetSecret(kind.place, fakegithub.Secret{Name: "A", Value: "a"})
	}
	f.RenameRepository("octo-corp", "api", "backend")
	for _, kind := range families() {
		if kind.organization() {
			continue
		}
		target := fmt.Sprintf("http://ghes.test/repositories/%d/%s/secrets/A", f.api.ID, kind.place.App)
		if kind.place.Environment != "" {
			target = "http://ghes.test/repos/octo-corp/backend/environments/eu%2Fproduction%201/secrets/A"
		}
		for method, status := range map[string]int{"GET": 301, "PUT": 307, "DELETE": 307} {
			if r := f.send(method, kind.path+"/A", token, ""); r.StatusCode != status || r.Header.Get("Location") != target {
				t.Errorf("%s %s: got %d to %s, want %d to %s", method, kind.path, r.StatusCode, r.Header.Get("Location"), status, target)
			}
		}
		if r := f.send("GET", target[len("http://ghes.test"):], token, ""); r.StatusCode != 200 {
			t.Errorf("%s: got %d", target, r.StatusCode)
		}
		kind.place.Repository = "backend"
		if value, _ := f.SecretValue(kind.place, "A"); value != "a" {
			t.Errorf("%s: %q", kind.name, value)
		}
	}
}

func TestDeleteRepository(t *testing.T) {
	f := newSecretFixture(t, fakegithub.Config{})
	token := f.mint("")
	narrow := f.mint(`{"repositories": ["api"]}`)
	for _, kind := range families() {
		f.SetSecret(kind.place, fakegithub.Secret{Name: "A", Value: "a"})
	}
	f.RenameRepository("octo-corp", "web", "site")
	f.DeleteRepository("octo-corp", "API")
	f.DeleteRepository("octo-corp", "site")
	if !panics(func() { f.DeleteRepository("octo-corp", "api") }) {
		t.Error("deleted twice")
	}
	for _, kind := range families() {
		if _, ok := f.SecretValue(kind.place, "A"); ok != kind.organization() {
			t.Errorf("%s: %v", kind.name, ok)
		}
		if r := f.send("GET", kind.path, token, ""); (r.StatusCode == 404) == kind.organization() {
			t.Errorf("%s: got %d", kind.name, r.StatusCode)
		}
	}
	f.want(f.send("GET", "/repos/octo-corp/web", token, ""), 404, "Not Found")
	for _, token := range []string{token, narrow} {
		if r := f.send("GET", "/installation/repositories", token, ""); r.body["total_count"] != 0.0 {
			t.Errorf("reach %v", r.body["total_count"])
		}
	}
	f.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "api"})
	if got := f.Secrets(fakegithub.Place{Owner: "octo-corp", Repository: "api"}); len(got) != 0 {
		t.Errorf("a new repository has %+v", got)
	}
}
