package fakegithub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestGrantFilters(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	now := time.Now()
	add := func(id int64, owner string, change func(*fakegithub.FineGrainedToken)) {
		since := now.Add(time.Duration(id) * time.Minute)
		one := fakegithub.FineGrainedToken{ID: id, Owner: owner, Permissions: reads("issues"), Since: since}
		change(&one)
		f.GrantAccess("octo-corp", one)
	}
	add(1, "monalisa", func(t *fakegithub.FineGrainedToken) { t.Repositories = []string{"api"} })
	add(2, "Hubot", func(t *fakegithub.FineGrainedToken) { t.Selection, t.LastUsedAt = "all", now.Add(-10*day) })
	add(3, "monalisa", func(t *fakegithub.FineGrainedToken) {
		t.Repositories, t.LastUsedAt = []string{"web", "api"}, now.Add(-2*day)
		t.Permissions = map[string]map[string]string{"organization": {"members": "write"}}
	})
	add(4, "octocat", func(*fakegithub.FineGrainedToken) {})
	ago := func(n int) string {
		return strings.ReplaceAll(now.Add(-time.Duration(n)*day).Format(time.RFC3339), "+", "%2B")
	}
	for _, test := range []struct{ query, want string }{
		{"", "4 3 2 1"},
		{"?sort=created_at&direction=asc", "1 2 3 4"},
		{"?direction=desc", "4 3 2 1"},
		{"?owner[]=hubot&owner[]=OCTOCAT", "4 2"},
		{"?owner[]=nobody", ""},
		{"?token_id[]=3&token_id[]=1&token_id[]=3&token_id[]=99", "3 1"},
		{"?token_id[]=3&token_id[]=2&owner[]=monalisa", "3"},
		{"?repository=api", "3 2 1"},
		{"?repository=web&direction=asc", "2 3"},
		{"?repository=octo-corp/api", ""},
		{"?permission=issues_read", "4 2 1"},
		{"?permission=issues_write", ""},
		{"?permission=members_write", "3"},
		{"?last_used_before=" + ago(5), "2"},
		{"?last_used_after=" + ago(5), "3"},
		{"?last_used_after=" + ago(20) + "&last_used_before=" + ago(1), "3 2"},
	} {
		list, _ := f.all(grantsPath+test.query, token)
		if got := values(list, "token_id"); got != test.want {
			t.Errorf("%s: got %s, want %s", test.query, got, test.want)
		}
	}
	f.SkipOpenAPI = true // the queries are wrong on purpose
	many := func(name string, n int) string { return "?" + strings.Repeat(name+"=1&", n) }
	for _, query := range []string{
		"?sort=updated_at", "?direction=down", many("owner[]", 11), many("token_id[]", 51), "?owner=monalisa", "?token_id=1",
		"?token_id[]=x", "?permission=issues", "?permission=_read", "?permission=issues_all", "?last_used_before=yesterday",
		"?last_used_after=2026-01-01", "?reason=x", "?owners[]=monalisa",
	} {
		f.expect(422, "GET", grantsPath+query, token, "")
	}
	f.expect(200, "GET", grantsPath+many("owner[]", 10), token, "")
	f.expect(200, "GET", grantsPath+many("token_id[]", 50), token, "")
}

func TestGrantPages(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	for i := range 5 {
		since := time.Now().Add(time.Duration(i) * day)
		f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{ID: int64(i + 1), Owner: "monalisa", Since: since})
	}
	org := organizationID(f)
	r := f.send("GET", "/api/v3"+requestsPath+"?per_page=2&owner[]=monalisa", token, "")
	const path = "/personal-access-token-requests?owner%5B%5D=monalisa&page=2&per_page=2"
	next := fmt.Sprintf("<http://ghes.test/api/v3/organizations/%d%s>; ", org, path)
	if got := r.Header.Get("Link"); !strings.HasPrefix(got, next+`rel="next", <`) {
		t.Errorf("link: %s", got)
	}
	list, pages := f.all(requestsPath+"?per_page=2&owner[]=monalisa", token)
	if got := values(list, "token_id"); got != "5 4 3 2 1" || pages != 3 {
		t.Errorf("%d pages of %s", pages, got)
	}
	if r := f.expect(200, "GET", requestsPath+"?page=9", token, ""); r.text != "[]" {
		t.Errorf("beyond the end: %s", r.text)
	}
	f.expect(404, "GET", "/organizations/x/personal-access-tokens", token, "")
	f.expect(404, "GET", "/organizations/1/personal-access-tokens", token, "")
}

func TestGrantRepositories(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	id := f.GrantAccess("octo-corp", fakegithub.FineGrainedToken{Owner: "monalisa", Repositories: []string{"vault", "web", "api"}})
	all := f.GrantAccess("octo-corp", fakegithub.FineGrainedToken{Owner: "monalisa", Selection: "all"})
	request := f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{Owner: "monalisa", Repositories: []string{"web"}})
	list, pages := f.all(fmt.Sprintf("%s/%d/repositories?per_page=2", grantsPath, id), token)
	if got := values(list, "name"); got != "api web vault" || pages != 2 {
		t.Errorf("%d pages of %s", pages, got)
	}
	f.RenameRepository("octo-corp", "web", "site")
	f.DeleteRepository("octo-corp", "api")
	list, _ = f.all(fmt.Sprintf("%s/%d/repositories", grantsPath, id), token)
	if got := values(list, "full_name"); got != "octo-corp/site octo-corp/vault" {
		t.Errorf("after the changes: %s", got)
	}
	if list, _ = f.all(fmt.Sprintf("%s/%d/repositories", grantsPath, all), token); len(list) != 0 {
		t.Errorf("of all: %v", list)
	}
	if list, _ = f.all(fmt.Sprintf("%s/%d/repositories", requestsPath, request), token); values(list, "name") != "site" {
		t.Errorf("of a request: %v", list)
	}
	f.expect(404, "GET", fmt.Sprintf("%s/%d/repositories", requestsPath, id), token, "")
}

func TestGrantPermissions(t *testing.T) {
	f, _ := newGovernance(t, fakegithub.Config{})
	const requests, grants = "organization_personal_access_token_requests", "organization_personal_access_tokens"
	request := f.RequestAccess("octo-corp", fakegithub.FineGrainedToken{Owner: "monalisa"})
	grant := f.GrantAccess("octo-corp", fakegithub.FineGrainedToken{Owner: "monalisa"})
	for _, test := range []struct{ method, path, body, permission, level string }{
		{"GET", requestsPath, "", requests, "read"},
		{"GET", fmt.Sprintf("%s/%d/repositories", requestsPath, request), "", requests, "read"},
		{"POST", requestsPath, fmt.Sprintf(`{"action": "deny", "pat_request_ids": [%d]}`, request), requests, "write"},
		{"POST", fmt.Sprintf("%s/%d", requestsPath, request), `{"action": "deny"}`, requests, "write"},
		{"GET", grantsPath, "", grants, "read"},
		{"GET", fmt.Sprintf("%s/%d/repositories", grantsPath, grant), "", grants, "read"},
		{"POST", grantsPath, fmt.Sprintf(`{"action": "revoke", "pat_ids": [%d]}`, grant), grants, "write"},
		{"POST", fmt.Sprintf("%s/%d", grantsPath, grant), `{"action": "revoke"}`, grants, "write"},
	} {
		other := map[string]string{requests: grants, grants: requests}[test.permission]
		r := f.send(test.method, test.path, f.with(other, "write"), test.body)
		f.want(r, 403, "Resource not accessible by integration")
		if got := r.Header.Get("X-Accepted-GitHub-Permissions"); got != test.permission+"="+test.level {
			t.Errorf("%s %s: accepts %s", test.method, test.path, got)
		}
		if test.level == "write" {
			f.expect(403, test.method, test.path, f.with(test.permission, "read"), test.body)
		}
		f.AddPersonalToken(fakegithub.PersonalToken{Value: "personal", Login: "boss", Classic: true})
		f.want(f.send(test.method, test.path, "token personal", test.body), 403, "Resource not accessible by personal access token")
		f.want(f.send(test.method, test.path, "", test.body), 401, "Requires authentication")
		if r := f.send(test.method, test.path, f.with(test.permission, test.level), test.body); r.StatusCode > 204 {
			t.Errorf("%s %s: got %d %s", test.method, test.path, r.StatusCode, r.text)
		}
	}
	f.AddAccount(fakegithub.Account{Login: "rivals"})
	f.expect(403, "GET", "/orgs/rivals/personal-access-tokens", f.with(grants, "read"), "")
	f.expect(404, "GET", "/orgs/nobody/personal-access-tokens", f.with(grants, "read"), "")
}

func TestEnterpriseServerHasGrants(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{EnterpriseServer: true})
	f.expect(200, "GET", grantsPath, token, "")
	f.expect(200, "GET", requestsPath, token, "")
}
