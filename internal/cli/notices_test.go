package cli

import (
	"strings"
	"testing"
)

// The notice that the workflow's own token would do appears only where that is
// true.
func TestWorkflowTokenNotice(t *testing.T) {
	const (
		plain  = "the workflow's own GITHUB_TOKEN can do this, without an App. Give the job:\n\npermissions:\n"
		unless = "the workflow's own GITHUB_TOKEN can do this, without an App, unless it is there to start other workflows. " +
			"Give the job:\n\npermissions:\n"
	)
	for _, c := range []struct {
		name, permissions string
		env               map[string]string
		want              string
	}{
		{"reading", "contents: read, pull_requests: read", nil, plain + "  contents: read\n  pull-requests: read\n"},
		{"writing", "issues: write, contents: read", nil, unless + "  contents: read\n  issues: write\n"},
		{"pushes start no workflows", "contents: write", nil, ""},
		{"pull requests can't be opened", "pull_requests: write, contents: read", nil, ""},
		{"no permission of a workflow", "members: read", nil, ""},
		{"all", "all", nil, ""},
		{"another repository", "contents: read", map[string]string{"INPUT_REPOSITORIES": "web"}, ""},
		{"two repositories", "contents: read", map[string]string{"INPUT_REPOSITORIES": "web, api"}, ""},
		{"no runner, and so no such token", "contents: read", map[string]string{"GITHUB_ACTIONS": ""}, ""},
		{"Dependabot's only reads", "issues: write", map[string]string{"GITHUB_ACTOR": "dependabot[bot]"}, ""},
		{"and that it does", "issues: read", map[string]string{"GITHUB_ACTOR": "dependabot[bot]"}, plain + "  issues: read\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := map[string]string{"INPUT_PERMISSIONS": c.permissions}
			for name, value := range c.env {
				env[name] = value
			}
			req, _, err := parse(t, env)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(req.Notices, "; "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// The input notices: false silences notices, and nothing else.
func TestNoticesSilenced(t *testing.T) {
	for _, notices := range []string{"", "true", "false"} {
		s := newStep(t, map[string]string{"INPUT_NOTICES": notices, "INPUT_PERMISSIONS": "", "INPUT_OWNER": "acme"})
		s.run(t, "mint")
		if got, want := strings.Contains(s.log.String(), "::notice::no repositories named"), notices != "false"; got != want ||
			s.exit != exitOK {
			t.Errorf("notices: %q: a notice is %v; exit %d", notices, got, s.exit)
		}
		if !strings.Contains(s.log.String(), "::warning::no permissions asked for") {
			t.Errorf("notices: %q: no warning: %s", notices, s.log.String())
		}
		s.next(t, map[string]string{"INPUT_PRIVATE-KEY": "", "INPUT_ON-MISSING-KEY": "skip"})
		s.run(t, "mint")
		got, want := strings.Contains(s.log.String(), "::notice::no token"), notices != "false"
		if got != want || !strings.Contains(s.log.String(), "nothing is minted\n") {
			t.Errorf("notices: %q, without a key: a notice is %v: %s", notices, got, s.log.String())
		}
	}
}

// A step that asks for an administrator's scope hears what it asked for, and
// how to ask for less, before anything else about the scope.
func TestNoticeOnBroadScopes(t *testing.T) {
	const say = " is an administrator: say what the job does, in operations such as git push"
	for scopes, want := range map[string]string{
		"repo":            "repo" + say + ", or take a part of it: repo:ci-status,",
		"public_repo":     "public_repo" + say,
		"security_events": "security_events has parts, each for one job: security_events:code-scanning-read,",
	} {
		req, _, err := parse(t, map[string]string{"INPUT_PERMISSIONS": "", "INPUT_SCOPES": scopes})
		if err != nil || len(req.Notices) == 0 || !strings.HasPrefix(req.Notices[0], want) {
			t.Errorf("%s: %q, %v", scopes, req.Notices, err)
		}
	}
	req, _, err := parse(t, map[string]string{
		"INPUT_PERMISSIONS": "", "INPUT_OPERATIONS": "PATCH /repos/{owner}/{repo}", "INPUT_SCOPES": "delete_repo",
	})
	if err != nil || strings.Contains(strings.Join(req.Notices, "\n"), "is an administrator") {
		t.Errorf("what the job does is said: %q, %v", req.Notices, err)
	}
}
