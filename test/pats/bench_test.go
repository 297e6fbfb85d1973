//go:build unix

package pats_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/test/program"
)

// The benchmark below runs the program.
func TestMain(m *testing.M) { program.Main(m) }

// What a large organization has.
const (
	grants = 5000
	people = 1000 // of whom one in 200 has left
	writes = 500  // grants that may write, in repositories that have to be asked for
	ends   = 400  // grants that expire soon, of which their 200 owners have to be told
)

const policy = `
pats:
  organizations: [acme]
  mode: enforce
  requests:
    - name: readers
      if: {team: platform, repositories: [acme/ci-*], at-most: {repository: {contents: read}}, expires-within: 40d}
      do: approve
    - {name: too much, if: {any-of: {repository: {administration: write}}}, do: deny}
  grants:
    - {name: left, if: {membership: not-a-member}, do: revoke}
    - {name: unused, if: {unused-for: 90d, granted-for: 30d}, do: revoke, notice: 14d}
    - {name: infra, if: {any-repository: [acme/infra], any-of: {repository: {contents: write}}}, do: revoke, notice: 30d}
    - {name: ending, if: {expires-within: 14d}, do: notice}
    - {name: not today, if: {would-be: deny}, do: notice}
  limits: {revoke: 50}
  notices: {repository: acme/desk, mention: owner}
`

// BenchmarkPATs governs 5,000 grants: a first run, which tells 200 people and
// ends what 5 left behind, and a second one in which nothing has changed. Both
// take seconds, so each is measured once, whatever b.N is.
func BenchmarkPATs(b *testing.B) {
	measured := sync.OnceValue(func() []figures {
		f := newFixture(b)
		first := f.run(b)
		f.SetClockSkew(2 * time.Minute) // a notice begins with the next minute
		return []figures{first, f.run(b)}
	})
	for i, name := range []string{"first", "again"} {
		b.Run(fmt.Sprintf("%d/%s", grants, name), func(b *testing.B) {
			var run figures
			for b.Loop() {
				run = measured()[i]
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(run.Wall.Seconds(), "wall-s")
			b.ReportMetric(run.Peak, "peak-MiB")
			b.ReportMetric(float64(run.requests), "requests")
			b.ReportMetric(float64(run.writes), "writes")
			b.ReportMetric(float64(run.points), "points")
		})
	}
}

// figures are what a run took.
type figures struct {
	program.Usage
	requests, writes, points int // points are GitHub's price, of which it allows 900 in a minute
}

// fixture is a GitHub behind a socket, and the environment of a nightly run.
type fixture struct {
	*fakegithubtest.GitHub
	dir string
	env map[string]string
}

func newFixture(b *testing.B) *fixture {
	b.Helper()
	f := &fixture{dir: b.TempDir()}
	f.GitHub = fakegithubtest.New(b, fakegithubtest.Setup{
		App: fakegithub.App{Slug: "keeper", Owner: "acme", Permissions: map[string]string{
			"organization_personal_access_token_requests": "write", "organization_personal_access_tokens": "write",
			"members": "read", "issues": "write",
		}},
		Repositories: []string{"desk", "api", "web", "infra"},
	})
	f.SetRequestsPerHour(1 << 30)
	f.SetConcurrency(100)
	f.SetLatency(20 * time.Millisecond)
	server := httptest.NewServer(f.Server)
	b.Cleanup(server.Close)
	f.populate()
	const commit = "5555555555555555555555555555555555555555"
	f.env = map[string]string{
		"HOME": f.dir, "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/policy", "GITHUB_REPOSITORY_OWNER": "acme",
		"GITHUB_API_URL": server.URL, "GITHUB_SERVER_URL": server.URL, "GITHUB_WORKSPACE": f.dir,
		"GITHUB_EVENT_NAME": "schedule", "GITHUB_EVENT_PATH": f.write(b, "event.json", `{"repository": {"default_branch": "main"}}`),
		"GITHUB_REF": "refs/heads/main", "GITHUB_SHA": commit,
		"INPUT_CLIENT-ID": f.App.ClientID, "INPUT_PRIVATE-KEY": fakegithubtest.PEM(fakegithubtest.Key()),
		"INPUT_MANIFEST": f.write(b, "valetkey.yml", policy), "INPUT_REPORT-FILE": filepath.Join(f.dir, "decisions.jsonl"),
		"INPUT_POINTS-PER-MINUTE": "0", // a run takes as long as GitHub and the network do, not as its limits ask for
	}
	f.write(b, ".git/HEAD", commit)
	return f
}

func (f *fixture) write(b *testing.B, name, text string) (path string) {
	b.Helper()
	path = filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// populate grants the tokens.
func (f *fixture) populate() {
	const day = 24 * time.Hour
	now := time.Now()
	for i := range grants {
		levels := map[string]string{"metadata": "read", "contents": "read"}
		t := fakegithub.FineGrainedToken{
			Name: fmt.Sprintf("token %d", i), Owner: fmt.Sprintf("person-%d", i%people),
			Permissions: map[string]map[string]string{"repository": levels}, Selection: "subset", Repositories: []string{"api", "web"},
			Since: now.Add(-60 * day), LastUsedAt: now.Add(-day), ExpiresAt: now.Add(90 * day),
		}
		if i%(grants/writes) == 3 {
			levels["contents"] = "write"
		}
		if i%people < 200 && i/people < ends/200 {
			t.ExpiresAt = now.Add(7 * day)
		}
		f.GrantAccess("acme", t)
	}
	for i := range people / 200 {
		f.RemoveMember("acme", fmt.Sprintf("person-%d", people-1-i))
	}
}

// run runs the program to its end, which has to succeed.
func (f *fixture) run(b *testing.B) (took figures) {
	b.Helper()
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"} {
		f.env[name] = f.write(b, name, "")
	}
	f.ResetRequests()
	cmd, log := exec.CommandContext(b.Context(), "valetkey", "pats"), &bytes.Buffer{}
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = f.dir, log, log, []string{}
	for name, value := range f.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var err error
	if took.Usage, err = program.Run(cmd); err != nil || strings.Contains(log.String(), "nothing is changed") {
		b.Fatalf("%v: %s", err, log)
	}
	for _, r := range f.Requests() {
		took.requests++
		cost := 1
		if r.Method != "GET" {
			cost = 5
			if !strings.HasSuffix(r.Path, "/access_tokens") && r.Path != "/installation/token" {
				took.writes++
			}
		}
		if r.Authorization == "token" {
			took.points += cost
		}
	}
	return took
}
