package fakegithub_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// newFleet returns a GitHub of 10,000 repositories with three secrets each.
func newFleet(t testing.TB) *fixture {
	f := newSecretFixture(t, fakegithub.Config{})
	f.SetRequestsPerHour(1 << 30)
	f.AddAccount(fakegithub.Account{Login: "fleet"})
	for i := range 10_000 {
		repo := f.AddRepository(fakegithub.Repository{Owner: "fleet", Name: fmt.Sprintf("service-%d", (i*7919)%10_000), Private: true})
		for _, name := range []string{"NPM_TOKEN", "DEPLOY_TOKEN", "SENTRY_DSN"} {
			f.SetSecret(fakegithub.Place{Owner: "fleet", Repository: repo.Name}, fakegithub.Secret{Name: name, Value: name})
		}
	}
	f.Installation = f.Install(fakegithub.Installation{AppID: f.App.ID, Account: "fleet", All: true})
	return f
}

func TestFleet(t *testing.T) {
	f := newFleet(t)
	token, seen := f.mint(""), map[string]bool{}
	for page := 1; page <= 100; page++ {
		r := f.send("GET", fmt.Sprintf("/installation/repositories?per_page=100&page=%d", page), token, "")
		for _, repo := range r.body["repositories"].([]any) {
			seen[repo.(map[string]any)["name"].(string)] = true
		}
	}
	if len(seen) != 10_000 {
		t.Errorf("%d repositories on 100 pages", len(seen))
	}
	r := f.send("GET", "/orgs/fleet/repos?sort=full_name&per_page=2", token, "")
	if !strings.Contains(r.text, `"name":"service-0"`) || !strings.Contains(r.text, `"name":"service-1"`) {
		t.Error("not in order of names")
	}
	if r := f.send("GET", "/repos/fleet/service-77/actions/secrets", token, ""); r.body["total_count"] != 3.0 {
		t.Errorf("got %s", r.text)
	}
}

func BenchmarkPut(b *testing.B) {
	f := newFleet(b)
	kind := family{path: "/repos/fleet/service-77/actions/secrets", place: fakegithub.Place{Owner: "fleet", Repository: "service-77"}}
	token := f.mint("")
	body := f.putBody(kind, token, "value", nil)
	serve(b, f, "PUT", kind.path+"/NPM_TOKEN", token, body, http.StatusNoContent)
}

func BenchmarkListSecrets(b *testing.B) {
	f := newFleet(b)
	serve(b, f, "GET", "/repos/fleet/service-77/actions/secrets", f.mint(""), "", http.StatusOK)
}

func BenchmarkInstallationRepositories(b *testing.B) {
	f := newFleet(b)
	serve(b, f, "GET", "/installation/repositories?per_page=100&page=50", f.mint(""), "", http.StatusOK)
}

// newCrowd returns an organization of 1,000 members with five grants each.
func newCrowd(t testing.TB) (f *fixture, token string) {
	f, token = newGovernance(t, fakegithub.Config{})
	f.SkipOpenAPI = true // which would take most of the time
	f.SetRequestsPerHour(1 << 30)
	for i := range 5_000 {
		f.GrantAccess("octo-corp", fakegithub.FineGrainedToken{
			ID: int64(i + 1), Owner: fmt.Sprintf("user-%d", i%1_000), Permissions: reads("issues"), Repositories: []string{"api"},
		})
	}
	return f, token
}

func TestCrowd(t *testing.T) {
	f, token := newCrowd(t)
	if list, pages := f.all(grantsPath+"?per_page=100", token); len(list) != 5_000 || pages != 50 {
		t.Errorf("%d grants on %d pages", len(list), pages)
	}
	if list, pages := f.all("/orgs/octo-corp/members?per_page=100", token); len(list) != 1_000 || pages != 10 {
		t.Errorf("%d members on %d pages", len(list), pages)
	}
}

func BenchmarkGrants(b *testing.B) {
	f, token := newCrowd(b)
	serve(b, f, "GET", grantsPath+"?per_page=100&page=25", token, "", http.StatusOK)
}

func BenchmarkGrantByToken(b *testing.B) {
	f, token := newCrowd(b)
	serve(b, f, "GET", grantsPath+"?token_id[]=2500", token, "", http.StatusOK)
}

// serve makes the request once and only checks the status, so that it is as
// fast as the fake answers.
func serve(b *testing.B, f *fixture, method, path, token, body string, status int) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Authorization", token)
		r.Header.Set("User-Agent", "bench")
		rec := httptest.NewRecorder()
		f.ServeHTTP(rec, r)
		if rec.Code != status {
			b.Fatalf("got %d %s", rec.Code, rec.Body)
		}
	}
}
