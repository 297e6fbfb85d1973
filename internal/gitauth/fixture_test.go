package gitauth_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/redact"
)

// fixture is a GitHub on the loopback with two owners, whose private
// repositories have a commit each, and one App that is installed on both.
type fixture struct {
	*fakegithubtest.GitHub
	t      *testing.T
	url    string
	root   string                             // of the bare repositories
	on     map[string]fakegithub.Installation // owner → installation
	during atomic.Pointer[func()]             // called in the middle of each git request
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	t.Parallel()
	repository, err := seed()
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, root: t.TempDir(), on: map[string]fakegithub.Installation{}}
	f.GitHub = fakegithubtest.New(t, fakegithubtest.Setup{
		Config:       fakegithub.Config{GitRoot: f.root},
		App:          fakegithub.App{Slug: "vault-keeper", Owner: "octo-corp", Permissions: map[string]string{"contents": "write"}},
		Repositories: []string{"api", "api-internal", "lib"},
	})
	f.AddRepository(fakegithub.Repository{Owner: "hexa-corp", Name: "web", Private: true})
	f.on["octo-corp"] = f.Installation
	f.on["hexa-corp"] = f.Install(fakegithub.Installation{AppID: f.App.ID, Account: "hexa-corp", All: true})
	for _, name := range []string{"octo-corp/api", "octo-corp/api.wiki", "octo-corp/api-internal", "octo-corp/lib", "hexa-corp/web"} {
		if err := os.CopyFS(filepath.Join(f.root, name+".git"), repository); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// serve refuses two Authorization headers as github.com does; the fake would
// use the first.
func (f *fixture) serve(rw http.ResponseWriter, r *http.Request) {
	if len(r.Header.Values("Authorization")) > 1 {
		http.Error(rw, `Duplicate header: "Authorization"`, http.StatusBadRequest)
		return
	}
	if during := f.during.Load(); during != nil {
		(*during)()
	}
	f.GitHub.ServeHTTP(rw, r)
}

// seeds is the directory of seed's repository, for TestMain to remove.
var seeds string

// seed is a bare repository with two commits on main, to be copied.
var seed = sync.OnceValues(func() (fs.FS, error) {
	var err error
	if seeds, err = os.MkdirTemp("", "gitauth"); err != nil {
		return nil, err
	}
	const history = `commit refs/heads/main
committer t <t@example.com> 1 +0000
data 5
first
M 100644 inline file
data 5
first
commit refs/heads/main
committer t <t@example.com> 2 +0000
data 6
second
M 100644 inline file
data 6
second
`
	for _, args := range [][]string{
		{"init", "--quiet", "--bare", "-b", "main", seeds},
		{"-C", seeds, "config", "uploadpack.allowFilter", "true"},
		{"-C", seeds, "fast-import", "--quiet"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Env = isolated(seeds)
		cmd.Stdin = strings.NewReader(history)
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("git %v: %f\n%s", args, err, out)
		}
	}
	return os.DirFS(seeds), nil
})

// mint makes a token for repositories of an owner, or for all of them.
func (f *fixture) mint(owner string, repositories ...string) redact.String {
	f.t.Helper()
	body := map[string][]string{}
	if len(repositories) > 0 {
		body["repositories"] = repositories
	}
	token, err := f.Mint(time.Now(), f.on[owner].ID, body)
	if err != nil {
		f.t.Fatal(err)
	}
	return redact.New(token)
}

func (f *fixture) revoke(token redact.String) {
	f.t.Helper()
	r := httptest.NewRequest(http.MethodDelete, f.url+"/installation/token", nil)
	r.Header.Set("User-Agent", "test")
	r.Header.Set("Authorization", "token "+token.Reveal())
	rec := httptest.NewRecorder()
	if f.GitHub.ServeHTTP(rec, r); rec.Code != http.StatusNoContent {
		f.t.Fatalf("revoke: %d", rec.Code)
	}
}

func (f *fixture) config(owner string, token redact.String) gitauth.Config {
	return gitauth.Config{Server: f.url, Owner: owner, AllRepositories: true, Token: token}
}

// only is the configuration of a token that names its repositories.
func (f *fixture) only(owner string, token redact.String, repositories ...string) gitauth.Config {
	return gitauth.Config{Server: f.url, Owner: owner, Repositories: repositories, Token: token}
}

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
