package gitauth_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
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

	"github.com/golang-jwt/jwt/v4"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/redact"
)

var privateKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// world is a GitHub on the loopback with two owners, whose private repositories
// have a commit each, and one App that is installed on both.
type world struct {
	t      *testing.T
	github *fakegithub.Server
	url    string
	root   string // of the bare repositories
	app    fakegithub.App
	on     map[string]fakegithub.Installation // owner → installation
	during atomic.Pointer[func()]             // called in the middle of each git request
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	repository, err := seed()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, root: t.TempDir(), on: map[string]fakegithub.Installation{}}
	w.github = fakegithub.New(fakegithub.Config{GitRoot: w.root})
	w.app = w.github.AddApp(fakegithub.App{
		Slug: "vault-keeper", Owner: "octo-corp", PublicKey: &privateKey().PublicKey,
		Permissions: map[string]string{"contents": "write"},
	})
	for _, name := range []string{"octo-corp/api", "octo-corp/api-internal", "octo-corp/lib", "hexa-corp/web"} {
		owner, short, _ := strings.Cut(name, "/")
		w.github.AddRepository(fakegithub.Repository{Owner: owner, Name: short, Private: true})
		if err := os.CopyFS(filepath.Join(w.root, name+".git"), repository); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(w.root, "octo-corp/api.wiki.git"), repository); err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{"octo-corp", "hexa-corp"} {
		w.on[owner] = w.github.Install(fakegithub.Installation{AppID: w.app.ID, Account: owner, All: true})
	}
	server := httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// serve refuses two Authorization headers as github.com does, where the fake would
// take the first.
func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	if len(r.Header.Values("Authorization")) > 1 {
		http.Error(rw, `Duplicate header: "Authorization"`, http.StatusBadRequest)
		return
	}
	if during := w.during.Load(); during != nil {
		(*during)()
	}
	w.github.ServeHTTP(rw, r)
}

// seeds is where seed made its repository, for TestMain to remove.
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
			return nil, fmt.Errorf("git %v: %w\n%s", args, err, out)
		}
	}
	return os.DirFS(seeds), nil
})

// call asks the REST API.
func (w *world) call(method, path, authorization, body string) (status int, answer map[string]any) {
	w.t.Helper()
	r := httptest.NewRequest(method, w.url+path, strings.NewReader(body))
	r.Header.Set("User-Agent", "test")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", authorization)
	rec := httptest.NewRecorder()
	w.github.ServeHTTP(rec, r)
	json.Unmarshal(rec.Body.Bytes(), &answer)
	return rec.Code, answer
}

// mint makes a token for repositories of an owner, or for all of them.
func (w *world) mint(owner string, repositories ...string) redact.String {
	w.t.Helper()
	now := time.Now().Unix()
	claims := jwt.MapClaims{"iss": w.app.ClientID, "iat": now - 60, "exp": now + 300}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(privateKey())
	if err != nil {
		w.t.Fatal(err)
	}
	body, err := json.Marshal(map[string][]string{"repositories": repositories})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(repositories) == 0 {
		body = []byte("{}")
	}
	path := fmt.Sprintf("/app/installations/%d/access_tokens", w.on[owner].ID)
	status, answer := w.call("POST", path, "Bearer "+signed, string(body))
	token, ok := answer["token"].(string)
	if !ok {
		w.t.Fatalf("mint: %d %v", status, answer["message"])
	}
	return redact.New(token)
}

func (w *world) revoke(token redact.String) {
	w.t.Helper()
	if status, _ := w.call("DELETE", "/installation/token", "token "+token.Reveal(), ""); status != http.StatusNoContent {
		w.t.Fatalf("revoke: %d", status)
	}
}

func (w *world) config(owner string, token redact.String) gitauth.Config {
	return gitauth.Config{Server: w.url, Owner: owner, AllRepositories: true, Token: token}
}

// only is the configuration of a token that names its repositories.
func (w *world) only(owner string, token redact.String, repositories ...string) gitauth.Config {
	return gitauth.Config{Server: w.url, Owner: owner, Repositories: repositories, Token: token}
}

// job is the environment of the steps of one job: a home of its own, and nothing
// of whoever runs the tests.
type job struct {
	t    *testing.T
	home string
	env  []string
}

func (w *world) job() *job {
	w.t.Helper()
	home := w.t.TempDir()
	return &job{t: w.t, home: home, env: isolated(home)}
}

// isolated is an environment in which git finds no configuration and asks nobody.
func isolated(home string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + filepath.Join(home, ".gitconfig"),
		"GIT_TERMINAL_PROMPT=0", "GIT_SSH_COMMAND=false", // an address that is not rewritten fails at once
	}
}

// use adds what Env gives, as the runner does with GITHUB_ENV.
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

// fails runs git and wants a text in what it says.
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
