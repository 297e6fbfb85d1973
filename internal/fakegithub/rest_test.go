package fakegithub_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestChecksBeforeAuthorization(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	f.want(f.send("GET", "/app", f.JWT(time.Now()), "", "User-Agent", ""), 403,
		"Request forbidden by administrative rules. Please make sure your request has a User-Agent header.")
	old := f.send("GET", "/app", f.JWT(time.Now()), "", "X-GitHub-Api-Version", "2021-01-01")
	f.want(old, 400, `"2021-01-01" is not a supported API version.`)
	for _, path := range []string{"/app/", "/nothing", "/api/v3x/app", "/app/installations/one"} {
		f.want(f.send("GET", path, f.JWT(time.Now()), ""), 404, "Not Found")
	}
	f.want(f.send("PATCH", "/app", f.JWT(time.Now()), ""), 404, "Not Found")
	for _, path := range []string{"/app", "/api/v3/app"} {
		if r := f.send("GET", path, f.JWT(time.Now()), "", "X-GitHub-Api-Version", "2022-11-28"); r.StatusCode != 200 {
			t.Errorf("%s: %d %q", path, r.StatusCode, r.message())
		}
	}
}

func TestLookups(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	f.AddAccount(fakegithub.Account{Login: "octo-user", Type: "User"})
	f.AddAccount(fakegithub.Account{Login: "octo-inc", Type: "Enterprise"})
	user := f.Install(fakegithub.Installation{AppID: 917, Account: "octo-user", All: true})
	enterprise := f.Install(fakegithub.Installation{AppID: 917, Account: "octo-inc", All: true})
	for _, test := range []struct {
		path string
		id   int64 // 0: 404
	}{
		{"/repos/octo-corp/api/installation", 4242},
		{"/repos/OCTO-corp/API/installation", 4242},
		{fmt.Sprintf("/repositories/%d/installation", f.api.ID), 4242},
		{"/repos/octo-corp/vault/installation", 0},
		{"/repos/octo-corp/nothing/installation", 0},
		{"/orgs/octo-corp/installation", 4242},
		{"/orgs/octo-user/installation", 0},
		{"/users/octo-corp/installation", 4242},
		{"/users/Octo-User/installation", user.ID},
		{"/users/octo-inc/installation", 0},
		{"/enterprises/octo-inc/installation", enterprise.ID},
		{"/enterprises/octo-corp/installation", 0},
		{"/app/installations/4242", 4242},
	} {
		r := f.send("GET", test.path, f.JWT(time.Now()), "")
		if id, _ := r.body["id"].(float64); int64(id) != test.id || (test.id == 0) != (r.StatusCode == 404) {
			t.Errorf("%s: %d, id %v, want %d", test.path, r.StatusCode, r.body["id"], test.id)
		}
	}
	f.Suspend(4242, "boss")
	if r := f.send("GET", "/orgs/octo-corp/installation", f.JWT(time.Now()), ""); r.StatusCode != 200 || r.body["suspended_at"] == nil {
		t.Errorf("a suspended installation: %d, suspended_at %v", r.StatusCode, r.body["suspended_at"])
	}
}

func TestRepositoryVisibility(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	all, one, members := f.mint(""), f.mint(`{"repositories": ["api"]}`), f.mint(`{"permissions": {"members": "read"}}`)
	for _, test := range []struct {
		name, path, token string
		status            int
	}{
		{"in scope", "/repos/octo-corp/api", one, 200},
		{"narrowed away", "/repos/octo-corp/web", one, 404},
		{"same without narrowing", "/repos/octo-corp/web", all, 200},
		{"not selected", "/repos/octo-corp/vault", all, 404},
		{"nobody, private", "/repos/octo-corp/api", "", 404},
		{"nobody, public", "/repos/octo-corp/open", "", 200},
		{"by id", fmt.Sprintf("/repositories/%d", f.api.ID), one, 200},
		{"no metadata", "/repos/octo-corp/api", members, 403},
		{"unknown token", "/repos/octo-corp/open", "token nonsense", 401},
		{"no token for a list", "/installation/repositories", "", 401},
		{"JWT for a list", "/installation/repositories", f.JWT(time.Now()), 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := f.send("GET", test.path, test.token, "")
			if r.StatusCode != test.status {
				t.Errorf("got %d %q, want %d", r.StatusCode, r.message(), test.status)
			}
			if got := r.Header.Get("X-Accepted-GitHub-Permissions"); r.StatusCode == 403 && got != "metadata=read" {
				t.Errorf("X-Accepted-GitHub-Permissions %q", got)
			}
		})
	}
}

func TestRename(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	f.RenameRepository("octo-corp", "api", "backend")
	token := f.mint("")
	target := fmt.Sprintf("http://ghes.test/api/v3/repositories/%d", f.api.ID)
	r := f.send("GET", "/api/v3/repos/octo-corp/api", token, "")
	if got := r.Header.Get("Location"); r.StatusCode != 301 || got != target || r.body["url"] != target {
		t.Errorf("got %d to %q, want 301 to %q", r.StatusCode, got, target)
	}
	r = f.send("GET", "/api/v3/repos/octo-corp/api/installation", f.JWT(time.Now()), "")
	if got := r.Header.Get("Location"); r.StatusCode != 301 || got != target+"/installation" {
		t.Errorf("got %d to %q", r.StatusCode, got)
	}
	f.want(f.send("GET", "/repos/octo-corp/api", "", ""), 404, "Not Found")
	if r := f.send("GET", "/repos/octo-corp/backend", token, ""); r.body["full_name"] != "octo-corp/backend" {
		t.Errorf("new name: %d %v", r.StatusCode, r.body["full_name"])
	}
	f.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "api"})
	if r := f.send("GET", "/repos/octo-corp/api", token, ""); r.StatusCode != 200 {
		t.Errorf("a repository that took the old name: %d", r.StatusCode)
	}
}

func TestPages(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	f.AddAccount(fakegithub.Account{Login: "big"})
	for i := range 7 {
		f.AddRepository(fakegithub.Repository{Owner: "big", Name: fmt.Sprintf("r%d", i), Private: true})
	}
	f.Installation = f.Install(fakegithub.Installation{AppID: 917, Account: "big", All: true})
	token := f.mint("")
	const base = "<https://ghes.test/api/v3/installation/repositories?page=%d&per_page=3>; rel=%q"
	for _, test := range []struct {
		query string
		items int
		link  []string
	}{
		{"", 7, nil},
		{"?per_page=3", 3, []string{fmt.Sprintf(base, 2, "next"), fmt.Sprintf(base, 3, "last")}},
		{"?per_page=3&page=2", 3, []string{
			fmt.Sprintf(base, 1, "prev"), fmt.Sprintf(base, 3, "next"), fmt.Sprintf(base, 3, "last"), fmt.Sprintf(base, 1, "first"),
		}},
		{"?per_page=3&page=3", 1, []string{fmt.Sprintf(base, 2, "prev"), fmt.Sprintf(base, 1, "first")}},
		{"?per_page=3&page=9", 0, []string{fmt.Sprintf(base, 3, "prev"), fmt.Sprintf(base, 1, "first")}},
	} {
		r := f.send("GET", "/api/v3/installation/repositories"+test.query, token, "", "X-Forwarded-Proto", "https")
		list, _ := r.body["repositories"].([]any)
		if len(list) != test.items || r.body["total_count"] != 7.0 {
			t.Errorf("%q: %d of %v items, want %d of 7", test.query, len(list), r.body["total_count"], test.items)
		}
		if diff := cmp.Diff(strings.Join(test.link, ", "), r.Header.Get("Link")); diff != "" {
			t.Errorf("%q: Link (-want +got):\n%s", test.query, diff)
		}
	}
}

func TestConditionalRequest(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	token := f.mint("")
	first := f.send("GET", "/installation/repositories", token, "")
	again := f.send("GET", "/installation/repositories", token, "", "If-None-Match", first.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || again.text != "" {
		t.Errorf("got %d with %d bytes", again.StatusCode, len(again.text))
	}
	if a, b := first.Header.Get("X-Ratelimit-Used"), again.Header.Get("X-Ratelimit-Used"); a != b {
		t.Errorf("304 was counted: %s then %s", a, b)
	}
}

func TestHeaders(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	r := f.send("GET", "/installation/repositories", f.mint(""), "")
	for _, name := range []string{
		"X-GitHub-Request-Id", "Date", "X-GitHub-Media-Type", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "ETag",
		"X-Ratelimit-Resource", "GitHub-Authentication-Token-Expiration",
	} {
		if r.Header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
	record := f.Requests()[1]
	if record.RequestID != r.Header.Get("X-GitHub-Request-Id") || record.Status != 200 || record.Authorization != "token" ||
		record.Path != "/installation/repositories" || record.UserAgent != "test" {
		t.Errorf("record %+v", record)
	}
	f.ResetRequests()
	if n := len(f.Requests()); n != 0 {
		t.Errorf("%d requests after the reset", n)
	}
}

func TestAnonymousRateLimit(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	for range 60 {
		f.send("GET", "/users/octo-corp", "", "")
	}
	r := f.send("GET", "/users/octo-corp", "", "")
	if r.StatusCode != 403 || !strings.HasPrefix(r.message(), "API rate limit exceeded for ") ||
		r.Header.Get("X-Ratelimit-Remaining") != "0" {
		t.Errorf("got %d %q, remaining %q", r.StatusCode, r.message(), r.Header.Get("X-Ratelimit-Remaining"))
	}
	if r := f.send("GET", "/rate_limit", "", ""); r.StatusCode != 200 {
		t.Errorf("/rate_limit: %d", r.StatusCode)
	}
}

func TestEnterpriseServer(t *testing.T) {
	f := newFixture(t, fakegithub.Config{EnterpriseServer: true})
	f.AddAccount(fakegithub.Account{Login: "octo-inc", Type: "Enterprise"})
	f.Install(fakegithub.Installation{AppID: 917, Account: "octo-inc", All: true})
	r := f.send("GET", "/api/v3/meta", "", "")
	if r.body["installed_version"] == nil || r.Header.Get("X-Ratelimit-Limit") != "" {
		t.Errorf("meta %v, X-Ratelimit-Limit %q", r.body, r.Header.Get("X-Ratelimit-Limit"))
	}
	f.want(f.send("GET", "/api/v3/enterprises/octo-inc/installation", f.JWT(time.Now()), ""), 404, "Not Found")
	f.want(f.send("GET", "/api/v3/versions", "", ""), 404, "Not Found")
	f.want(f.send("GET", "/api/v3/rate_limit", "", ""), 404, "Rate limiting is not enabled.")
	if r := f.send("GET", "/api/v3/app", "", ""); r.StatusCode != 401 || r.body["status"] != nil {
		t.Errorf("got %d, status %v", r.StatusCode, r.body["status"])
	}
	r = f.send("POST", "/api/v3"+f.mintPath(), f.JWT(time.Now()), "", "X-GitHub-Stateless-S2S-Token", "enabled")
	if n := len(r.body["token"].(string)); n != 40 {
		t.Errorf("token of %d characters", n)
	}
}

func TestLaterVersion(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	later := []string{"X-GitHub-Api-Version", "2026-03-10"}
	if r := f.send("GET", "/rate_limit", "", "", later...); r.body["rate"] != nil || r.body["resources"] == nil {
		t.Errorf("rate_limit %v", r.body)
	}
	if r := f.send("GET", "/repos/octo-corp/open", "", "", later...); r.body["has_downloads"] != nil {
		t.Error("has_downloads is still there")
	}
	f.want(f.send("DELETE", "/app/installations/4242", f.JWT(time.Now()), "", later...), 202, "")
}

func TestBot(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	r := f.send("GET", "/users/vault-keeper%5Bbot%5D", "", "")
	if r.body["type"] != "Bot" || r.body["login"] != "vault-keeper[bot]" || r.body["id"] == nil {
		t.Errorf("got %d %v %v %v", r.StatusCode, r.body["type"], r.body["login"], r.body["id"])
	}
}
