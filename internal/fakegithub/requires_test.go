package fakegithub_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestRequires(t *testing.T) {
	t.Parallel()
	rules := map[string][]map[string]string{
		"GET /repos/octo-corp/api/issues":        {{"issues": "read"}, {"contents": "write", "members": "read"}},
		"GET /repos/octo-corp/vault/issues":      {{"issues": "read"}},
		"GET /repos/octo-corp/open/issues":       {{"issues": "read"}},
		"POST /repos/octo-corp/open/issues":      {{"issues": "read"}},
		"DELETE /repos/octo-corp/api/git/refs/x": {{"contents": "write"}},
		"GET /repos/octo-corp/nowhere/issues":    {{"issues": "read"}},
		"GET /orgs/octo-corp/members":            {{"members": "read"}},
		"GET /zen":                               nil,
		"GET /rate_limit":                        {{"issues": "write"}}, // has a handler, which stays
	}
	f := newFixture(t, fakegithub.Config{Requires: func(method, path string) ([]map[string]string, bool) {
		alternatives, known := rules[method+" "+path]
		return alternatives, known
	}})
	issues := f.mint(`{"permissions":{"issues":"read"}}`)
	contents := f.mint(`{"permissions":{"contents":"write"}}`)
	both := f.mint(`{"permissions":{"contents":"write","members":"read"}}`)
	const forbidden = "Resource not accessible by integration"
	for _, c := range []struct {
		method, path, as string
		status           int
		message          string
	}{
		{"GET", "/repos/octo-corp/api/issues", issues, 200, ""},
		{"HEAD", "/repos/octo-corp/api/issues", issues, 200, ""},
		{"GET", "/api/v3/repos/octo-corp/api/issues", issues, 200, ""},
		{"GET", "/repos/octo-corp/api/issues", both, 200, ""},
		{"GET", "/repos/octo-corp/api/issues", contents, 403, forbidden},
		{"GET", "/repos/octo-corp/api/issues", "", 401, "Requires authentication"},
		{"GET", "/repos/octo-corp/api/issues", f.JWT(time.Now()), 401, "Bad credentials"},
		{"GET", "/repos/octo-corp/vault/issues", issues, 404, "Not Found"},
		{"GET", "/repos/octo-corp/nowhere/issues", issues, 404, "Not Found"},
		{"GET", "/repos/octo-corp/open/issues", issues, 200, ""},
		{"POST", "/repos/octo-corp/open/issues", issues, 403, forbidden},
		{"DELETE", "/repos/octo-corp/api/git/refs/x", contents, 204, ""},
		{"DELETE", "/repos/octo-corp/api/git/refs/x", issues, 403, forbidden},
		{"GET", "/orgs/octo-corp/members", both, 200, ""},
		{"GET", "/orgs/octo-corp/members", issues, 403, forbidden},
		{"GET", "/zen", issues, 200, ""},
		{"GET", "/rate_limit", issues, 200, ""},
		{"GET", "/repos/octo-corp/api/unheard-of", issues, 404, "Not Found"},
	} {
		r := f.send(c.method, c.path, c.as, "")
		if r.StatusCode != c.status || r.message() != c.message {
			t.Errorf("%s %s: got %d %q, want %d %q", c.method, c.path, r.StatusCode, r.message(), c.status, c.message)
		}
	}
	r := f.send("GET", "/repos/octo-corp/api/issues", contents, "")
	if got, want := r.Header.Get("X-Accepted-GitHub-Permissions"), "issues=read; contents=write,members=read"; got != want {
		t.Errorf("accepted: got %q, want %q", got, want)
	}

	f.RenameRepository("octo-corp", "api", "api2")
	if r := f.send("GET", "/repos/octo-corp/api/issues", issues, ""); r.StatusCode != http.StatusMovedPermanently {
		t.Errorf("renamed: got %d", r.StatusCode)
	}
}
