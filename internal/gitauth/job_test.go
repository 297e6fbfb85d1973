package gitauth_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/redact"
)

// job is the environment of the steps of one job: a home of its own, and
// nothing of the user who runs the tests.
type job struct {
	t    *testing.T
	home string
	env  []string
}

func (f *fixture) job() *job {
	f.t.Helper()
	home := f.t.TempDir()
	return &job{t: f.t, home: home, env: isolated(home)}
}

// isolated returns an environment in which git finds no configuration and asks
// nobody.
func isolated(home string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + filepath.Join(home, ".gitconfig"),
		"GIT_TERMINAL_PROMPT=0", "GIT_SSH_COMMAND=false", // an address that is not rewritten fails at once
	}
}

// use adds the variables of Env, as the runner does with GITHUB_ENV.
func (j *job) use(c gitauth.Config) *job {
	j.t.Helper()
	for _, pair := range j.env {
		name, value, _ := strings.Cut(pair, "=")
		switch {
		case name == "GIT_CONFIG_COUNT":
			c.Before.Count = value
		case strings.HasPrefix(name, "GIT_CONFIG_KEY_"):
			c.Before.Keys = append(c.Before.Keys, value)
			c.Before.Size += len(pair)
		case strings.HasPrefix(name, "GIT_CONFIG_VALUE_"):
			c.Before.Size += len(pair)
		}
	}
	env, err := c.Env()
	if err != nil {
		j.t.Fatal(err)
	}
	for _, p := range env {
		j.env = append(j.env, p.Name+"="+p.Value)
	}
	return j
}

// git runs git; in an empty directory it is in the job's home.
func (j *job) git(directory string, args ...string) (string, error) {
	j.t.Helper()
	ctx, cancel := context.WithTimeout(j.t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = directory
	if directory == "" {
		cmd.Dir = j.home
	}
	cmd.Env = j.env
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (j *job) must(directory string, args ...string) string {
	j.t.Helper()
	out, err := j.git(directory, args...)
	if err != nil {
		j.t.Fatalf("git %s: %v\n%s", args[0], err, out)
	}
	return out
}

// fails runs git, which must fail with a text in its output.
func (j *job) fails(want, directory string, args ...string) {
	j.t.Helper()
	out, err := j.git(directory, args...)
	if err == nil || !strings.Contains(out, want) {
		j.t.Errorf("git %s: got %v, want %q in\n%s", args[0], err, want, out)
	}
}

func (j *job) write(name, text string) {
	j.t.Helper()
	if err := os.WriteFile(filepath.Join(j.home, name), []byte(text), 0o600); err != nil {
		j.t.Fatal(err)
	}
}

func (j *job) wantFile(name, want string) {
	j.t.Helper()
	got, err := os.ReadFile(filepath.Join(j.home, name))
	if err != nil || string(got) != want {
		j.t.Errorf("%s holds %q (%v), want %q", name, got, err, want)
	}
}

// wantNoneIn reads every file of the job and looks for secrets.
func (j *job) wantNoneIn(secrets []redact.String) {
	j.t.Helper()
	files := 0
	err := filepath.WalkDir(j.home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		for _, s := range secrets {
			if bytes.Contains(content, []byte(s.Reveal())) {
				j.t.Errorf("a secret is in %s", path)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		j.t.Errorf("read %d files: %v", files, err)
	}
}
