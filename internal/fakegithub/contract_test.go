package fakegithub_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/openapitest"
)

// TestContract checks every operation against GitHub's own description.
func TestContract(t *testing.T) {
	if !openapitest.Enabled() {
		t.Skip(openapitest.Variable + " is not set: no OpenAPI description to check against")
	}
	for _, config := range []fakegithub.Config{{}, {EnterpriseServer: true}} {
		t.Run(fmt.Sprintf("Server=%v", config.EnterpriseServer), func(t *testing.T) { contract(t, config) })
	}
}

func contract(t *testing.T, config fakegithub.Config) {
	f := newFixture(t, config)
	f.SkipOpenAPI = false
	f.AddAccount(fakegithub.Account{Login: "octo-user", Type: "User", Name: "Octo User"})
	f.AddAccount(fakegithub.Account{Login: "octo-inc", Type: "Enterprise"})
	f.AddRepository(fakegithub.Repository{Owner: "octo-user", Name: "dot.files", Description: "mine"})
	f.Install(fakegithub.Installation{ID: 1, AppID: 917, Account: "octo-user", All: true})
	f.Install(fakegithub.Installation{
		ID: 2, AppID: 917, Account: "octo-inc", All: true, Permissions: map[string]string{"enterprise_administration": "read"},
	})
	f.Suspend(1, "octo-user")
	f.RenameRepository("octo-corp", "web", "site")
	app, token := f.JWT(time.Now()), f.mint(`{"repositories": ["api", "site"], "permissions": {"contents": "read", "issues": "read"}}`)
	enterprise, limit := 200, 200
	if config.EnterpriseServer {
		enterprise, limit = 404, 404
	}
	for _, test := range []struct {
		method, path, authorization, body string
		status                            int
	}{
		{"GET", "/", "", "", 200},
		{"GET", "/meta", "", "", 200},
		{"GET", "/rate_limit", token, "", limit},
		{"GET", "/app", app, "", 200},
		{"GET", "/app", "", "", 401},
		{"GET", "/app/installations?per_page=2", app, "", 200},
		{"GET", "/app/installations?per_page=2&page=2", app, "", 200},
		{"GET", "/app/installations/4242", app, "", 200},
		{"GET", "/app/installations/9", app, "", 404},
		{"GET", "/repos/octo-corp/api/installation", app, "", 200},
		{"GET", "/repos/octo-corp/web/installation", app, "", 301},
		{"GET", "/orgs/octo-corp/installation", app, "", 200},
		{"GET", "/orgs/nobody/installation", app, "", 404},
		{"GET", "/users/octo-user/installation", app, "", 200},
		{"GET", "/enterprises/octo-inc/installation", app, "", enterprise},
		{"GET", fmt.Sprintf("/repositories/%d/installation", f.api.ID), app, "", 200},
		{"PUT", "/app/installations/4242/suspended", app, "", 204},
		{"POST", f.mintPath(), app, "", 403},
		{"DELETE", "/app/installations/4242/suspended", app, "", 204},
		{"POST", f.mintPath(), app, "", 201},
		{"POST", f.mintPath(), app, "null", 201},
		{"POST", f.mintPath(), app, `{"repository_ids": [1002]}`, 201},
		{"POST", f.mintPath(), app, `{"repositories": ["vault"]}`, 422},
		{"POST", f.mintPath(), app, `{"permissions": {"pull-requests": "read"}}`, 422},
		{"POST", f.mintPath(), "", "", 401},
		{"GET", "/installation/repositories?per_page=1", token, "", 200},
		{"GET", "/installation/repositories", "", "", 401},
		{"GET", "/repos/octo-corp/api", token, "", 200},
		{"GET", "/repos/octo-corp/web", token, "", 301},
		{"GET", "/repos/octo-corp/vault", token, "", 404},
		{"GET", fmt.Sprintf("/repositories/%d", f.api.ID), token, "", 200},
		{"GET", "/orgs/octo-corp/repos?type=all&per_page=2", token, "", 200},
		{"GET", "/users/octo-user/repos", token, "", 200},
		{"GET", "/users/octo-corp", token, "", 200},
		{"GET", "/users/vault-keeper%5Bbot%5D", "", "", 200},
		{"GET", "/users/nobody", "", "", 404},
		{"DELETE", "/installation/token", token, "", 204},
		{"DELETE", "/installation/token", token, "", 401},
		{"DELETE", "/app/installations/4242", app, "", 204},
	} {
		if r := f.send(test.method, "/api/v3"+test.path, test.authorization, test.body); r.StatusCode != test.status {
			t.Errorf("%s %s: got %d %q, want %d", test.method, test.path, r.StatusCode, r.message(), test.status)
		}
	}
	governance(t, config)
	first := f.send("GET", "/meta", "", "")
	if r := f.send("GET", "/meta", "", "", "If-None-Match", first.Header.Get("ETag")); r.StatusCode != 304 {
		t.Errorf("GET /meta with its ETag: got %d", r.StatusCode)
	}
}

// governance checks the operations on personal access tokens and around them.
func governance(t *testing.T, config fakegithub.Config) {
	f, token := newGovernance(t, config)
	f.SetSingleSignOn("octo-corp", true)
	f.SetAuditLog("octo-corp", true)
	f.AddAuditEvent("octo-corp", map[string]any{"action": "personal_access_token.access_granted", "actor": "boss"})
	f.AddTeam("octo-corp", "platform", "monalisa")
	f.AddOutsideCollaborator("octo-corp", "contractor")
	ask := fakegithub.FineGrainedToken{Owner: "monalisa", Permissions: reads("issues"), Repositories: []string{"api"}}
	request := fmt.Sprintf("%s/%d", requestsPath, f.RequestAccess("octo-corp", ask))
	grant := fmt.Sprintf("%s/%d", grantsPath, f.GrantAccess("octo-corp", ask))
	credential := fmt.Sprintf("%s/%d", authorizationsPath, f.AuthorizeCredential("octo-corp", fakegithub.Credential{Login: "monalisa"}))
	f.AuthorizeCredential("octo-corp", fakegithub.Credential{Login: "monalisa", Type: fakegithub.SSHKey})
	f.AddAlert("octo-corp", "api", fakegithub.Alert{Secret: "found"})
	f.AddIssue("octo-corp", "api", fakegithub.Issue{Title: "tokens", PullRequest: true})
	comment := fmt.Sprintf("%s/comments/%d", issuesPath, f.AddComment("octo-corp", "api", 1, "monalisa", "why?"))
	const alerts, team = "/repos/octo-corp/api/secret-scanning/alerts", "/orgs/octo-corp/teams/platform"
	for _, test := range []struct {
		method, path, body string
		status             int
		dotcom             bool // a GitHub Enterprise Server answers 404
	}{
		{"GET", requestsPath + "?per_page=1", "", 200, false},
		{"GET", request + "/repositories", "", 200, false},
		{"POST", requestsPath, `{"action": "approve", "pat_request_ids": [1], "reason": "fine"}`, 202, false},
		{"POST", request, `{"action": "deny", "reason": "too much"}`, 204, false},
		{"POST", request, `{"action": "deny"}`, 404, false},
		{"GET", grantsPath + "?token_id[]=1", "", 200, false},
		{"GET", grantsPath, "", 200, false},
		{"GET", grant + "/repositories", "", 200, false},
		{"POST", grantsPath, `{"action": "revoke", "pat_ids": [1]}`, 202, false},
		{"POST", grant, `{"action": "revoke"}`, 204, false},
		{"GET", authorizationsPath + "?login=monalisa", "", 200, true},
		{"DELETE", credential, "", 204, true},
		{"DELETE", credential, "", 404, true},
		{"POST", authorizationsPath + "/monalisa/revoke-credential-type", `{"credential_type": "ssh_key"}`, 202, true},
		{"POST", authorizationsPath + "/monalisa/revoke", "", 202, true},
		{"POST", authorizationsPath + "/revoke-all", "", 202, true},
		{"POST", "/credentials/revoke", `{"credentials": ["x"]}`, 403, true},
		{"GET", auditPath + "?phrase=action:personal_access_token", "", 200, false},
		{"GET", "/orgs/octo-corp/members", "", 200, false},
		{"GET", "/orgs/octo-corp/members/monalisa", "", 204, false},
		{"GET", "/orgs/octo-corp/members/nobody", "", 404, false},
		{"GET", "/orgs/octo-corp/memberships/monalisa", "", 200, false},
		{"GET", "/orgs/octo-corp/outside_collaborators", "", 200, false},
		{"GET", team + "/members", "", 200, false},
		{"GET", team + "/memberships/monalisa", "", 200, false},
		{"GET", team + "/memberships/contractor", "", 404, false},
		{"GET", alertsPath + "?hide_secret=true", "", 200, false},
		{"GET", alerts, "", 200, false},
		{"GET", alerts + "/1", "", 200, false},
		{"PATCH", alerts + "/1", `{"state": "resolved", "resolution": "revoked", "resolution_comment": "ended"}`, 200, false},
		{"GET", alerts + "/1", "", 200, false},
		{"GET", issuesPath, "", 200, false},
		{"POST", issuesPath, `{"title": "tokens", "labels": ["tokens"], "assignees": ["monalisa"]}`, 201, false},
		{"PATCH", issuesPath + "/2", `{"state": "closed"}`, 200, false},
		{"GET", issuesPath + "/2", "", 200, false},
		{"POST", issuesPath + "/2/comments", `{"body": "done"}`, 201, false},
		{"GET", issuesPath + "/1/comments", "", 200, false},
		{"PATCH", comment, `{"body": "why not?"}`, 200, false},
	} {
		if test.dotcom && config.EnterpriseServer {
			test.status = 404
		}
		f.expect(test.status, test.method, "/api/v3"+test.path, token, test.body)
	}
}
