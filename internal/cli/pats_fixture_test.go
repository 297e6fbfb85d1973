package cli

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/pat"
)

// policy is a policy with a rule of most kinds.
const policy = `
pats:
  organizations: [fleet]
  mode: enforce
  requests:
    - name: readers
      if: {team: platform, at-most: {repository: {contents: read}}, expires-within: 40d}
      do: approve
    - name: too much
      if: {any-of: {repository: {administration: write}}}
      do: deny
      reason: "{permissions} is for an App"
  grants:
    - {name: left, if: {membership: not-a-member}, do: revoke}
    - {name: unused, if: {unused-for: 90d}, do: revoke, notice: 14d}
  sso:
    - {name: broad, if: {kind: classic, scopes: [admin:org]}, do: withdraw}
  leaks: {do: revoke, resolve: true}
  protect: {owners: [release-bot]}
  limits: {share: 60}
  notices: {repository: fleet/desk, mention: owner}
`

var patPermissions = map[string]string{
	"metadata": "read", "organization_personal_access_token_requests": "write", "organization_personal_access_tokens": "write",
	"organization_administration": "write", "members": "read", "secret_scanning_alerts": "write", "issues": "write",
}

// newPATStep returns a step of a nightly run on the default branch of the
// repository that keeps the policy. Olga owns fleet; ann and bob are in the
// team platform.
func newPATStep(t *testing.T, policy string, env map[string]string) *step {
	t.Helper()
	today := time.Date(2026, 11, 26, 3, 17, 0, 0, time.UTC)
	if time.Now().Year() < 2008 { // a bubble begins before GitHub was
		time.Sleep(time.Until(today))
	}
	s := newStep(t, nil)
	s.AddRepository(fakegithub.Repository{Owner: "fleet", Name: "desk", Private: true})
	s.AddRepository(fakegithub.Repository{Owner: "fleet", Name: "api", Private: true})
	s.Install(fakegithub.Installation{ID: 4245, AppID: 917, Account: "fleet", All: true, Permissions: patPermissions})
	s.SetOwner("fleet", "olga")
	s.AddTeam("fleet", "platform", "ann", "bob")
	s.SetSingleSignOn("fleet", true)

	workspace, event := t.TempDir(), filepath.Join(t.TempDir(), "event.json")
	commit := strings.Repeat("5", 40)
	for path, text := range map[string]string{
		event: `{"repository": {"default_branch": "main"}}`, filepath.Join(workspace, ".git", "HEAD"): commit,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	maps.Copy(s.env, map[string]string{
		"GITHUB_EVENT_NAME": "schedule", "GITHUB_EVENT_PATH": event, "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": commit,
		"GITHUB_WORKSPACE": workspace, "GITHUB_ACTOR": "olga", "INPUT_MANIFEST": filepath.Join(workspace, "valetkey.yml"),
		"INPUT_REPORT-FILE": filepath.Join(t.TempDir(), "report"),
	})
	delete(s.env, "INPUT_PERMISSIONS")
	maps.Copy(s.env, env)
	s.write(t, policy)
	return s
}

// readsCode is a token that policy approves.
func readsCode(owner string) fakegithub.FineGrainedToken {
	return fakegithub.FineGrainedToken{
		Owner: owner, Selection: "subset", Repositories: []string{"api"}, ExpiresAt: time.Now().Add(30 * 24 * time.Hour),
		Permissions: map[string]map[string]string{"repository": {"contents": "read", "metadata": "read"}},
	}
}

// administers is a token that policy denies.
func administers(owner string) fakegithub.FineGrainedToken {
	token := readsCode(owner)
	token.Permissions = map[string]map[string]string{"repository": {"administration": "write", "metadata": "read"}}
	return token
}

// old is a token that was granted long ago and never used.
func old(owner string) fakegithub.FineGrainedToken {
	token := readsCode(owner)
	token.Since, token.ExpiresAt = time.Now().Add(-100*24*time.Hour), time.Time{}
	return token
}

// records reads the report file.
func (s *step) records(t *testing.T) (records []pat.Record) {
	t.Helper()
	for line := range strings.Lines(s.file(t, "INPUT_REPORT-FILE")) {
		var record pat.Record
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	return records
}

// writes counts the requests that change something besides the step's own
// tokens.
func (s *step) writes() (n int) {
	for _, r := range s.Requests() {
		if r.Method != "GET" && !strings.HasSuffix(r.Path, "/access_tokens") && r.Path != "/installation/token" {
			n++
		}
	}
	return n
}
