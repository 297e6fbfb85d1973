package gitauth_test

import (
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

// TestMain is also the credential helper of TestHelper: `test-binary as-helper
// get`.
func TestMain(m *testing.M) {
	if len(os.Args) < 3 || os.Args[1] != "as-helper" {
		status := m.Run()
		os.RemoveAll(seeds)
		os.Exit(status)
	}
	if os.Args[2] == "get" {
		if err := help(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func help() error {
	q, err := gitauth.ParseRequest(os.Stdin)
	if err != nil {
		return err
	}
	owner, repository, ok := q.Owner()
	if !ok || !q.At(os.Getenv("TEST_SERVER"), false) {
		return fmt.Errorf("asked for %+v", q)
	}
	fmt.Fprintf(os.Stderr, "helper: %s/%s\n", owner, repository)
	token := os.Getenv("TEST_TOKEN_" + strings.ReplaceAll(owner, "-", "_"))
	return gitauth.Answer(os.Stdout, redact.New(token), time.Now().Add(time.Hour))
}
