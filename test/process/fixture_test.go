//go:build unix

package process_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/test/program"
)

// fixture is a GitHub behind a socket, with an App on the repository acme/api, and the
// programs that are run against it.
type fixture struct {
	tb  testing.TB
	dir string // of the programs and of the runner's files
	env map[string]string
}

func newFixture(tb testing.TB) *fixture {
	tb.Helper()
	f := &fixture{tb: tb, dir: tb.TempDir()}
	err := errors.Join(
		program.BuildReleased("../..", f.path("valetkey")),
		program.Build("./testdata/bare", f.path("bare"), "-trimpath", "-ldflags=-s -w"),
		program.Build("./testdata/stopwatch", f.path("stopwatch")),
		rewrite(f.path("valetkey")),
		rewrite(f.path("bare")),
		os.Link(f.path("valetkey"), f.path("post")),
	)
	if err != nil {
		tb.Fatal(err)
	}
	github := fakegithubtest.New(tb, fakegithubtest.Setup{
		App:          fakegithub.App{Slug: "keeper", Owner: "acme", Permissions: map[string]string{"contents": "write"}},
		Repositories: []string{"api"},
	})
	github.SetRequestsPerHour(1 << 30)
	server := httptest.NewServer(github.Server)
	tb.Cleanup(server.Close)
	f.env = map[string]string{
		"HOME": f.dir, "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/website", "GITHUB_REPOSITORY_OWNER": "acme",
		"GITHUB_API_URL": server.URL, "GITHUB_SERVER_URL": server.URL, "GITHUB_STEP_SUMMARY": f.path("summary"),
		"GITHUB_OUTPUT": f.path("output"), "GITHUB_STATE": f.path("state"), "GITHUB_ENV": f.path("env"),
		"INPUT_CLIENT-ID": github.App.ClientID, "INPUT_PRIVATE-KEY": fakegithubtest.PEM(fakegithubtest.Key()),
		"INPUT_REPOSITORIES": "api", "INPUT_PERMISSION-CONTENTS": "read", "INPUT_GITHUB-API-URL": server.URL,
	}
	return f
}

// rewrite writes a program anew from its beginning to its end, as the files of an image
// are. A linker writes here and there, which leaves the file in the system's cache in
// small pieces, and each start of the program pays for them.
func rewrite(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return errors.Join(os.Remove(path), os.WriteFile(path, text, 0o700))
}

func (f *fixture) path(name string) string { return filepath.Join(f.dir, name) }

// figures are what a process took.
type figures struct {
	wall, cpu time.Duration // cpu is the user's and the system's
	peak      float64       // of resident memory, in bytes
}

// run runs a program to its end, which has to be a good one.
func (f *fixture) run(program string, args ...string) (took figures, printed string) {
	f.tb.Helper()
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_ENV", "GITHUB_STEP_SUMMARY"} {
		if err := os.WriteFile(f.env[name], nil, 0o600); err != nil {
			f.tb.Fatal(err)
		}
	}
	report, err := os.Create(f.path("report"))
	if err != nil {
		f.tb.Fatal(err)
	}
	defer report.Close()
	cmd := exec.CommandContext(f.tb.Context(), f.path("stopwatch"), append([]string{f.path(program), program}, args...)...)
	cmd.ExtraFiles, cmd.Env = []*os.File{report}, []string{}
	for name, value := range f.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.tb.Fatalf("%s: %v: %s", program, err, out)
	}
	text, err := os.ReadFile(report.Name())
	if err != nil {
		f.tb.Fatal(err)
	}
	if _, err := fmt.Sscan(string(text), &took.wall, &took.cpu, &took.peak); err != nil {
		f.tb.Fatalf("%s: %v: %q", program, err, text)
	}
	if runtime.GOOS != "darwin" { // there it is told in bytes, elsewhere in KiB
		took.peak *= 1 << 10
	}
	return took, string(out)
}

// next hands what the last step left for its post stage on to the next one.
func (f *fixture) next() {
	f.tb.Helper()
	state, err := fakerunner.ReadPairs(f.env["GITHUB_STATE"])
	if err != nil {
		f.tb.Fatal(err)
	}
	for name, value := range state {
		f.env["STATE_"+name] = value
	}
}
