package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakerunner"
)

// newFleetStep returns a step with a manifest for the organization fleet, where
// the App has every permission that sync, rotate and onePolicy take. Its
// repositories are r0, r1 and so on.
func newFleetStep(t *testing.T, repositories int, manifest string, env map[string]string) *step {
	t.Helper()
	s := newStep(t, env)
	for i := range repositories {
		s.AddRepository(fakegithub.Repository{Owner: "fleet", Name: fmt.Sprintf("r%d", i), Private: true})
	}
	permissions := map[string]string{
		"metadata": "read", "contents": "write", "actions": "read", "administration": "write", "environments": "write",
	}
	for _, name := range []string{"secrets", "dependabot_secrets", "codespaces_secrets", "agent_secrets", "actions_variables"} {
		permissions[name], permissions["organization_"+name] = "write", "write"
	}
	permissions["organization_personal_access_tokens"] = "write"
	s.AddAccount(fakegithub.Account{Login: "fleet", Type: "Organization"})
	s.Install(fakegithub.Installation{ID: 4245, AppID: 917, Account: "fleet", All: true, Permissions: permissions})
	s.env["INPUT_MANIFEST"] = filepath.Join(t.TempDir(), "valetkey.yml")
	s.write(t, manifest)
	return s
}

// write replaces the manifest.
func (s *step) write(t *testing.T, manifest string) {
	t.Helper()
	if err := os.WriteFile(s.env["INPUT_MANIFEST"], []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *step) outputs(t *testing.T) map[string]string {
	t.Helper()
	written, err := fakerunner.ReadPairs(s.env["GITHUB_OUTPUT"])
	if err != nil {
		t.Fatal(err)
	}
	return written
}

const oneSecret = `
secrets:
  - name: VALUE
    to:
      - repositories: ["fleet/*"]
`

const oneRotation = `
rotations:
  - {name: webhook, random: {}, every: 90d, store: [{repository: fleet/r0, secret: WEBHOOK}]}
`

const onePolicy = `
pats:
  organizations: [fleet]
  grants: [{name: unused, if: {unused-for: 90d}, do: revoke}]
`

// newLargeStep returns a step, far from GitHub and with a state file, whose
// manifest has three secrets for each of n repositories.
func newLargeStep(t *testing.T, n int) *step {
	t.Helper()
	s := newFleetStep(t, n, threeSecrets, map[string]string{
		"A": "opensesame-a", "B": "opensesame-b", "C": "opensesame-c",
		"INPUT_STATE-FILE": filepath.Join(t.TempDir(), "state"), "INPUT_REPORT-FILE": filepath.Join(t.TempDir(), "report"),
	})
	s.SetLatency(20 * time.Millisecond)
	s.SetConcurrency(100)
	return s
}

const threeSecrets = `
secrets:
  - {name: A, to: [{repositories: ["fleet/*"]}]}
  - {name: B, to: [{repositories: ["fleet/*"]}]}
  - {name: C, to: [{repositories: ["fleet/*"]}]}
`

// through runs a sync whose requests go through a transport first.
func (s *step) through(t *testing.T, wrap func(next http.RoundTripper) http.RoundTripper) {
	t.Helper()
	p := s.process(t)
	p.Transport = wrap(p.Transport)
	s.exit = run(context.Background(), p, "sync")
}

type sender func(*http.Request) (*http.Response, error)

func (f sender) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// checkValues checks that each of the n repositories, except some, has its
// three values.
func (s *step) checkValues(t *testing.T, n int, but ...string) {
	t.Helper()
	wrong := 0
	for i := range n {
		at := fakegithub.Place{Owner: "fleet", Repository: fmt.Sprintf("r%d", i)}
		for _, name := range []string{"A", "B", "C"} {
			got, _ := s.SecretValue(at, name)
			if got == s.env[name] || slices.Contains(but, at.Repository) {
				continue
			}
			if wrong++; wrong <= 3 {
				t.Errorf("%s of %s is %q", name, at.Repository, got)
			}
		}
	}
	if wrong > 3 {
		t.Errorf("and so on: %d values are wrong", wrong)
	}
}

// checkRevoked fails the test for each token that is still alive.
func (s *step) checkRevoked(t *testing.T) {
	t.Helper()
	for i, token := range s.Tokens() {
		if s.Alive(token.Value) {
			t.Errorf("token %d of %d is alive: %v", i, len(s.Tokens()), token.Permissions)
		}
	}
}

// count counts the requests of a method whose path has an ending.
func (s *step) count(method, end string) (n int) {
	for _, r := range s.Requests() {
		if r.Method == method && strings.HasSuffix(r.Path, end) {
			n++
		}
	}
	return n
}

// points returns what the requests with the installation's tokens cost by
// GitHub's price list. Requests of the App itself, with a JWT, do not count.
func (s *step) points() (sum int) {
	for _, r := range s.Requests() {
		switch {
		case r.Authorization != "token":
		case r.Method == http.MethodGet:
			sum++
		default:
			sum += 5
		}
	}
	return sum
}

// report reads the report file.
func (s *step) report(t *testing.T) syncReport {
	t.Helper()
	text, err := os.ReadFile(s.env["INPUT_REPORT-FILE"])
	var report syncReport
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil {
		t.Fatal(err)
	}
	return report
}
