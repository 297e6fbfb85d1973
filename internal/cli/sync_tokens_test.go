package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// Each token opens only what its kind of work in the plan takes.
func TestSyncTokensOpenThePlanAndNoMore(t *testing.T) {
	s := newFleetStep(t, 4, `
secrets:
  - name: VALUE
    to:
      - repositories: [fleet/r0, fleet/r1]
        apps: [actions, dependabot]
      - repositories: [fleet/r2]
        environments: [staging]
        create-environments: true
      - organization: fleet
        apps: [codespaces]
`, map[string]string{"VALUE": "opensesame-value"})
	s.run(t, "sync")
	if s.exit != exitOK {
		t.Fatal(s.log.String())
	}
	var got []string
	for _, token := range s.Tokens() {
		if s.Alive(token.Value) {
			t.Error("a token is alive")
		}
		got = append(got, fmt.Sprintf("%s %d %v", token.RepositorySelection, len(token.Repositories), token.Permissions))
	}
	slices.Sort(got)
	want := []string{
		"all 4 map[organization_codespaces_secrets:write]",
		"selected 1 map[actions:read administration:write metadata:read]",
		"selected 3 map[dependabot_secrets:write environments:write metadata:read secrets:write]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	staging := fakegithub.Place{Owner: "fleet", Repository: "r2", Environment: "staging"}
	if value, _ := s.SecretValue(staging, "VALUE"); value != "opensesame-value" {
		t.Errorf("the environment has %q", value)
	}
}

// A token works as well as the App, for the repositories that it opens.
func TestSyncByToken(t *testing.T) {
	s := newFleetStep(t, 3, oneSecret, map[string]string{"VALUE": "opensesame-value"})
	s.env["INPUT_REPOSITORIES"], s.env["INPUT_OWNER"], s.env["INPUT_PERMISSIONS"] = "*", "fleet", "secrets: write"
	s.run(t, "mint")
	token := s.outputs(t)["token"]
	s.next(t, map[string]string{"INPUT_TOKEN": token, "INPUT_CLIENT-ID": "", "INPUT_PRIVATE-KEY": ""})
	s.run(t, "sync")
	if got := s.outputs(t)["created"]; got != "3" || !s.Alive(token) {
		t.Errorf("created %q, and the token is alive: %t\n%s", got, s.Alive(token), s.log.String())
	}
}

// A token that was minted to be stored, and that no target took, is revoked.
func TestSyncRevokesWhatNobodyTook(t *testing.T) {
	s := newFleetStep(t, 2, `
secrets:
  - {name: T, from: mint, mint: {repositories: [fleet/r0], permissions: {contents: read}}, to: [{repositories: [fleet/r1]}]}
`, nil)
	s.Inject(fakegithub.Fault{Method: "PUT", Status: 403, Body: `{"message":"Resource not accessible by integration"}`})
	s.SkipOpenAPI = true
	s.run(t, "sync")
	if got := s.outputs(t)["failed"]; got != "1" || s.exit != exitFailure {
		t.Errorf("failed %q, exit %d", got, s.exit)
	}
	for _, token := range s.Tokens() {
		if s.Alive(token.Value) {
			t.Error("a token is alive")
		}
	}
	s.checkHidden(t)
}

// A missing permission fails the targets that take it, and no others.
func TestSyncWithoutAPermission(t *testing.T) {
	s := newFleetStep(t, 3, `
secrets:
  - name: VALUE
    to:
      - repositories: [fleet/r0, fleet/r1]
      - repositories: [fleet/r2]
        apps: [dependabot]
      - organization: fleet
        apps: [actions, codespaces]
`, map[string]string{"VALUE": "opensesame-value"})
	permissions := map[string]string{"metadata": "read", "secrets": "write", "organization_secrets": "write"}
	s.Install(fakegithub.Installation{ID: 4245, AppID: 917, Account: "fleet", All: true, Permissions: permissions})
	s.run(t, "sync")
	if out := s.outputs(t); out["created"] != "3" || out["failed"] != "2" || s.exit != exitFailure {
		t.Errorf("exit %d, %v: %s", s.exit, out, s.log.String())
	}
	if log := s.log.String(); !strings.Contains(log, "::error::VALUE for fleet/r2 (dependabot): the installation on fleet lacks "+
		"dependabot_secrets: write%0Ahint: add it in the App's settings") {
		t.Error(log)
	}
}
