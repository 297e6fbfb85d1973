package fakegithub_test

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// gitFixture serves a fixture with bare repositories over a real socket.
type gitFixture struct {
	*fixture
	root, url string
}

func newGitFixture(t *testing.T) *gitFixture {
	t.Helper()
	g := &gitFixture{root: t.TempDir()}
	g.fixture = newFixture(t, fakegithub.Config{GitRoot: g.root})
	for _, name := range []string{"api", "vault", "open"} {
		if out, err := g.git("", "init", "--quiet", "--bare", "-b", "main", filepath.Join(g.root, "octo-corp", name+".git")); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	server := httptest.NewServer(g.Server)
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

// git runs git without the user's configuration and without asking for a
// password.
func (g *gitFixture) git(directory string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = directory
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// address returns the address of a repository with the token in it.
func (g *gitFixture) address(repository, authorization string) string {
	token := strings.TrimPrefix(authorization, "token ")
	return strings.Replace(g.url, "://", "://x-access-token:"+token+"@", 1) + "/octo-corp/" + repository
}

func TestGitPushAndClone(t *testing.T) {
	g := newGitFixture(t)
	token := g.mint(`{"repositories": ["api"], "permissions": {"contents": "write"}}`)
	work := t.TempDir()
	// It is more than git's http.postBuffer of 1 MiB, so that the push comes in
	// chunks, and random, so that it does not compress.
	large := make([]byte, 2<<20)
	rand.Read(large)
	if err := os.WriteFile(filepath.Join(work, "large"), large, 0o600); err != nil {
		t.Fatal(err)
	}
	clone := filepath.Join(t.TempDir(), "clone")
	for _, args := range [][]string{
		{"init", "--quiet", "-b", "main"},
		{"add", "large"},
		{"commit", "--quiet", "-m", "first"},
		{"push", "--quiet", g.address("api.git", token), "main"},
		{"clone", "--quiet", g.address("api", token), clone},
	} {
		if out, err := g.git(work, args...); err != nil {
			t.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
	}
	got, err := os.ReadFile(filepath.Join(clone, "large"))
	if err != nil || !bytes.Equal(got, large) {
		t.Errorf("the clone differs from what was pushed (%v)", err)
	}
	for _, r := range g.Requests() {
		if r.Authorization != "basic" && r.Authorization != "none" && r.Authorization != "jwt" {
			t.Errorf("%s %s recorded as %q", r.Method, r.Path, r.Authorization)
		}
	}
	g.RenameRepository("octo-corp", "api", "backend")
	if out, err := g.git("", "ls-remote", g.address("api", token)); err != nil || !strings.Contains(out, "refs/heads/main") {
		t.Errorf("by the old name: %v\n%s", err, out)
	}
}

func TestGitProtocolVersion2(t *testing.T) {
	g := newGitFixture(t)
	r := g.get("/octo-corp/open/info/refs?service=git-upload-pack", "", "", "Git-Protocol", "version=2")
	if r.StatusCode != 200 || !strings.Contains(r.text, "version 2") {
		t.Errorf("got %d without version 2", r.StatusCode)
	}
}

// get sends a user and a password instead of a whole Authorization header.
func (g *gitFixture) get(path, user, password string, headers ...string) reply {
	request := httptest.NewRequest("GET", "/", nil)
	if user != "" {
		request.SetBasicAuth(user, password)
	}
	return g.send("GET", path, request.Header.Get("Authorization"), "", headers...)
}

func TestGitRefusals(t *testing.T) {
	g := newGitFixture(t)
	value := func(body string) string { return strings.TrimPrefix(g.mint(body), "token ") }
	read := value(`{"permissions": {"contents": "read"}}`)
	issues := value(`{"permissions": {"issues": "read"}}`)
	dead := value("")
	g.send("DELETE", "/installation/token", "token "+dead, "")
	g.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "old", Archived: true})
	const x = "x-access-token"
	for _, test := range []struct {
		name, user, password, repository, service string
		status                                    int
	}{
		{"read", x, read, "api.git", "git-upload-pack", 200},
		{"without .git, other case", x, read, "API", "git-upload-pack", 200},
		{"token as user", read, "x-oauth-basic", "api.git", "git-upload-pack", 200},
		{"another user name", "me", read, "api.git", "git-upload-pack", 401},
		{"write with read", x, read, "api.git", "git-receive-pack", 403},
		{"no contents", x, issues, "api.git", "git-upload-pack", 403},
		{"not selected", x, read, "vault.git", "git-upload-pack", 404},
		{"unknown", x, read, "nothing.git", "git-upload-pack", 404},
		{"known, no directory", x, read, "web.git", "git-upload-pack", 404},
		{"revoked", x, dead, "api.git", "git-upload-pack", 401},
		{"revoked, public", x, dead, "open.git", "git-upload-pack", 401},
		{"nobody", "", "", "api.git", "git-upload-pack", 401},
		{"nobody, unknown", "", "", "nothing.git", "git-upload-pack", 401},
		{"nobody, public", "", "", "open.git", "git-upload-pack", 200},
		{"nobody, public, push", "", "", "open.git", "git-receive-pack", 401},
		{"public but not covered, push", x, read, "open.git", "git-receive-pack", 403},
		{"dumb protocol", x, read, "api.git", "", 403},
		{"other service", x, read, "api.git", "git-upload-archive", 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := g.get("/octo-corp/"+test.repository+"/info/refs?service="+test.service, test.user, test.password)
			if r.StatusCode != test.status {
				t.Errorf("got %d %q, want %d", r.StatusCode, r.text, test.status)
			}
			if got := r.Header.Get("WWW-Authenticate"); (r.StatusCode == 401) != (got == `Basic realm="GitHub"`) {
				t.Errorf("status %d with WWW-Authenticate %q", r.StatusCode, got)
			}
		})
	}
}

func TestGitStaysBelowItsRoot(t *testing.T) {
	g := newGitFixture(t)
	outside := filepath.Join(t.TempDir(), "outside.git")
	if out, err := g.git("", "init", "--quiet", "--bare", outside); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Symlink(outside, filepath.Join(g.root, "octo-corp", "link.git")); err != nil {
		t.Fatal(err)
	}
	g.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "link"})
	for _, path := range []string{"/octo-corp/link.git", "/octo-corp/..%2f..", "/../etc", "/octo-corp/%2e%2e"} {
		if r := g.get(path+"/info/refs?service=git-upload-pack", "", ""); r.StatusCode == 200 {
			t.Errorf("%s was served", path)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a name that leads elsewhere was accepted")
		}
	}()
	g.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: ".."})
}

func TestGitFault(t *testing.T) {
	g := newGitFixture(t)
	fault := fakegithub.ServerError(http.StatusServiceUnavailable, true)
	fault.Path, fault.Times = "/octo-corp", 1
	g.Inject(fault)
	for _, want := range []int{503, 200} {
		if r := g.get("/octo-corp/open/info/refs?service=git-upload-pack", "", ""); r.StatusCode != want {
			t.Errorf("got %d, want %d", r.StatusCode, want)
		}
	}
}
