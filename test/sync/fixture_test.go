//go:build unix

package sync_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/test/program"
)

// The tests below run the program.
func TestMain(m *testing.M) { program.Main(m) }

// fixture is a GitHub behind a socket, with an organization of many
// repositories, and the environment of a step that gives three secrets to each
// of them.
type fixture struct {
	*fakegithubtest.GitHub
	tb           testing.TB
	dir          string
	repositories int
	env          map[string]string
}

func newFixture(tb testing.TB, repositories int) *fixture {
	tb.Helper()
	f := &fixture{tb: tb, dir: tb.TempDir(), repositories: repositories}
	var names []string
	for i := range repositories {
		names = append(names, repositoryName(i))
	}
	f.GitHub = fakegithubtest.New(tb, fakegithubtest.Setup{
		App: fakegithub.App{Slug: "keeper", Owner: "fleet", Permissions: map[string]string{"secrets": "write"}}, Repositories: names,
	})
	f.SetRequestsPerHour(1 << 30)
	f.SetConcurrency(100)
	server := httptest.NewServer(f)
	tb.Cleanup(server.Close)
	f.env = map[string]string{
		"HOME": f.dir, "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "fleet/r0", "GITHUB_REPOSITORY_OWNER": "fleet",
		"GITHUB_API_URL": server.URL, "GITHUB_SERVER_URL": server.URL,
		"GITHUB_OUTPUT": f.path("output"), "GITHUB_STATE": f.path("saved"), "GITHUB_STEP_SUMMARY": f.path("summary"),
		"INPUT_CLIENT-ID": f.App.ClientID, "INPUT_PRIVATE-KEY": fakegithubtest.PEM(fakegithubtest.Key()),
		"INPUT_MANIFEST":   f.path("valetkey.yml"),
		"INPUT_STATE-FILE": f.path("kept/state"), "INPUT_REPORT-FILE": f.path("report.json"), "INPUT_POINTS-PER-MINUTE": "0",
	}
	manifest := "secrets:\n"
	for _, name := range syncSecrets {
		f.env[name] = "opensesame-" + name
		manifest += "  - {name: " + name + ", to: [{repositories: [\"fleet/*\"]}]}\n"
	}
	if err := os.WriteFile(f.env["INPUT_MANIFEST"], []byte(manifest), 0o600); err != nil {
		tb.Fatal(err)
	}
	return f
}

// syncSecrets are the names of the three secrets, and of the variables with
// their values.
var syncSecrets = []string{"A", "B", "C"}

func repositoryName(i int) string { return fmt.Sprintf("r%05d", i) }

func (f *fixture) path(name string) string { return filepath.Join(f.dir, name) }

// command returns the program as the step runs it, and its log.
func (f *fixture) command() (*exec.Cmd, *bytes.Buffer) {
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"} {
		if err := os.WriteFile(f.env[name], nil, 0o600); err != nil {
			f.tb.Fatal(err)
		}
	}
	cmd, log := exec.CommandContext(f.tb.Context(), "valetkey", "sync"), &bytes.Buffer{}
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = f.dir, log, log, []string{}
	for name, value := range f.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd, log
}

// checkValues checks that workflows would see the right values.
func (f *fixture) checkValues() {
	f.tb.Helper()
	wrong := 0
	for i := range f.repositories {
		for _, name := range syncSecrets {
			got, _ := f.SecretValue(fakegithub.Place{Owner: "fleet", Repository: repositoryName(i)}, name)
			if got == f.env[name] {
				continue
			}
			if wrong++; wrong <= 3 {
				f.tb.Errorf("%s of %s is %q", name, repositoryName(i), got)
			}
		}
	}
	if wrong > 0 {
		f.tb.Fatalf("%d values are wrong", wrong)
	}
}

// requestCounts counts the requests, the fetches of a key and the writes so far.
func (f *fixture) requestCounts() (requests, keys, writes int) {
	for _, r := range f.Requests() {
		requests++
		switch {
		case r.Method == http.MethodPut:
			writes++
		case strings.HasSuffix(r.Path, "/public-key"):
			keys++
		}
	}
	return requests, keys, writes
}

// created lists the targets that the last step created.
func (f *fixture) created() (targets []string) {
	f.tb.Helper()
	text, err := os.ReadFile(f.env["INPUT_REPORT-FILE"])
	var report struct {
		Targets []struct{ Target, Secret, Outcome string }
	}
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil {
		f.tb.Fatal(err)
	}
	for _, t := range report.Targets {
		if t.Outcome != "created" {
			f.tb.Fatalf("%s for %s: %s", t.Secret, t.Target, t.Outcome)
		}
		targets = append(targets, t.Target+" "+t.Secret)
	}
	return targets
}
