package fakegithub_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// governing is what an App needs that governs personal access tokens.
var governing = map[string]string{
	"organization_personal_access_token_requests": "write", "organization_personal_access_tokens": "write",
	"organization_administration": "write", "members": "read", "secret_scanning_alerts": "write", "issues": "write",
}

// newGovernance returns a newFixture with an App that may govern, and a token
// of it. All answers are held against GitHub's description.
func newGovernance(t testing.TB, config fakegithub.Config) (f *fixture, token string) {
	t.Helper()
	f = newFixture(t, config)
	f.SkipOpenAPI = false
	f.App = f.AddApp(fakegithub.App{Slug: "warden", Owner: "octo-corp", PublicKey: &fakegithubtest.Key().PublicKey, Permissions: governing})
	f.Installation = f.Install(fakegithub.Installation{AppID: f.App.ID, Account: "octo-corp", Repositories: []string{"api", "web"}})
	return f, f.mint("")
}

// all follows the Link headers and returns the items of every page, and how
// many pages there were.
func (f *fixture) all(path, token string) (items []map[string]any, pages int) {
	f.t.Helper()
	for path != "" {
		r := f.send("GET", path, token, "")
		var page []map[string]any
		if err := json.Unmarshal([]byte(r.text), &page); err != nil || r.StatusCode != 200 {
			f.t.Fatalf("GET %s: %d %s", path, r.StatusCode, r.text)
		}
		items = append(items, page...)
		if pages++; pages > 200 {
			f.t.Fatal("no end of pages")
		}
		path = r.link("next")
	}
	return items, pages
}

// link returns the path and query of a Link header, or nothing.
func (r reply) link(rel string) string {
	for _, link := range strings.Split(r.Header.Get("Link"), ", ") {
		if target, found := strings.CutSuffix(link, fmt.Sprintf(">; rel=%q", rel)); found {
			if u, err := url.Parse(strings.TrimPrefix(target, "<")); err == nil {
				return u.RequestURI()
			}
		}
	}
	return ""
}

// values returns one field of each item, in order.
func values(items []map[string]any, field string) string {
	var list []string
	for _, item := range items {
		if number, isNumber := item[field].(float64); isNumber {
			list = append(list, fmt.Sprintf("%.0f", number))
			continue
		}
		list = append(list, fmt.Sprint(item[field]))
	}
	return strings.Join(list, " ")
}

// expect makes a request and checks the status.
func (f *fixture) expect(status int, method, path, token, body string) reply {
	f.t.Helper()
	r := f.send(method, path, token, body)
	if r.StatusCode != status {
		f.t.Errorf("%s %s %.200s: got %d %q, want %d", method, path, body, r.StatusCode, r.message(), status)
	}
	return r
}

// reads is the permissions of a token that reads repositories.
func reads(names ...string) map[string]map[string]string {
	permissions := map[string]string{"metadata": "read"}
	for _, name := range names {
		permissions[name] = "read"
	}
	return map[string]map[string]string{"repository": permissions}
}

const day = 24 * time.Hour
