package demo

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/address"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/safefile"
)

// What lives in the embedded GitHub.
const (
	account  = "acme"
	wanted   = "api"
	other    = "payments"
	clientID = "Iv23liDEMOvaletkey00"
)

// maxKey bounds the file of the App's key, of which it takes under 2 KiB.
const maxKey = 64 << 10

// world is an embedded GitHub with somebody in it, on a loopback port.
type world struct {
	github *fakegithub.Server
	url    string
	dir    string
	key    string // the App's private key, PEM
	git    bool   // whether git is installed
	path   string // PATH, where git and what it starts are found
	server *http.Server
	remove bool
}

// newWorld starts it. dir empty: a temporary directory, removed by close.
func newWorld(ctx context.Context, listen, dir, path string) (*world, error) {
	w := &world{dir: dir, remove: dir == "", path: path}
	var err error
	if w.remove {
		if w.dir, err = os.MkdirTemp("", "valetkey-demo-"); err != nil {
			return nil, err
		}
	} else if w.dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := w.populate(ctx); err != nil {
		w.close()
		return nil, err
	}
	listener, err := loopback(ctx, listen)
	if err != nil {
		w.close()
		return nil, err
	}
	address := listener.Addr().String()
	w.url = "http://" + address
	mux := http.NewServeMux()
	mux.Handle("/", w.github)
	for path, show := range map[string]func(io.Writer){"/demo/secrets": w.showSecrets, "/demo/deploy-keys": w.showDeployKeys} {
		mux.HandleFunc("GET "+path, func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Content-Type", "text/plain; charset=utf-8")
			show(out)
		})
	}
	w.server = &http.Server{Handler: ownHost(address, mux), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = w.server.Serve(listener) }()
	return w, nil
}

// loopback listens where only this machine reaches it: the embedded GitHub gives
// tokens to whoever holds a key that lies in a temporary directory.
func loopback(ctx context.Context, listen string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, err
	}
	if !address.IsLoopback(host) {
		return nil, fmt.Errorf("%s is no loopback address", host)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", listen)
}

// ownHost answers only who asks for this server by its own name. A page in a browser
// on this machine may reach it under a name that is the page's own, which leads here
// (DNS rebinding), and would read the answers.
func ownHost(address string, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(address) // of a listener
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Host != address && r.Host != net.JoinHostPort("localhost", port) {
			http.Error(out, "this server answers for "+address+" only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(out, r)
	})
}

func (w *world) close() {
	if w.server != nil {
		_ = w.server.Close()
	}
	if w.remove {
		_ = os.RemoveAll(w.dir)
	}
}

func (w *world) populate(ctx context.Context) error {
	key, err := w.appKey()
	if err != nil {
		return err
	}
	_, err = exec.LookPath("git")
	w.git = err == nil
	root := filepath.Join(w.dir, "repositories")
	w.github = fakegithub.New(fakegithub.Config{GitRoot: root}, fakegithub.Secrets, fakegithub.Environments, fakegithub.Variables, fakegithub.DeployKeys)
	permissions := map[string]string{
		"contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write",
		"secrets": "write", "dependabot_secrets": "write", "environments": "write", "organization_secrets": "write", // for sync
		"actions": "read", "administration": "write", "actions_variables": "write", // and for rotate
	}
	app := w.github.AddApp(fakegithub.App{ID: 917, ClientID: clientID, Slug: "demo-app", Owner: account, PublicKey: &key.PublicKey, Permissions: permissions})
	w.github.AddAccount(fakegithub.Account{Login: account, Type: "Organization"})
	for _, name := range []string{wanted, other} {
		w.github.AddRepository(fakegithub.Repository{Owner: account, Name: name, Private: true})
		if w.git {
			if err := w.makeRepository(ctx, filepath.Join(root, account, name+".git"), name); err != nil {
				return fmt.Errorf("make the repository %s: %w", name, err)
			}
		}
	}
	w.github.AddEnvironment(account, wanted, "production")
	w.github.Install(fakegithub.Installation{AppID: app.ID, Account: account, All: true})
	return nil
}

// keyFile is where the App's private key lies.
func (w *world) keyFile() string { return filepath.Join(w.dir, "private-key.pem") }

// appKey gives the key of an earlier demo in the same directory, or else a new one.
// A file that is no such key is somebody's, and stays as it is.
func (w *world) appKey() (*rsa.PrivateKey, error) {
	text, err := safefile.ReadOwn(w.keyFile(), maxKey)
	if err == nil {
		w.key = string(text)
		if block, _ := pem.Decode(text); block != nil {
			if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
				return key, nil
			}
		}
		return nil, fmt.Errorf("%s is there already, and no key of a demo: give another directory", w.keyFile())
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", w.keyFile(), err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	w.key = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	f, err := os.OpenFile(w.keyFile(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(w.key)
	return key, errors.Join(err, f.Close())
}

// makeRepository makes a bare repository of one commit.
func (w *world) makeRepository(ctx context.Context, bare, name string) error {
	if _, err := os.Stat(bare); err == nil {
		return nil // from an earlier demo in the same directory
	}
	tree, err := os.MkdirTemp(w.dir, "tree-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tree) }() // what matters is the bare one
	if err := os.WriteFile(filepath.Join(tree, "README.md"), []byte("# "+name+"\n"), 0o644); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main", tree},
		{"-C", tree, "add", "README.md"},
		{"-C", tree, "-c", "user.name=demo", "-c", "user.email=demo@example.com", "-c", "commit.gpgsign=false", "commit", "-q", "-m", "first"},
		{"clone", "-q", "--bare", tree, bare},
	} {
		if err := w.runGit(ctx, nil, args...); err != nil {
			return err
		}
	}
	return nil
}

// runGit runs git with no configuration but its own.
func (w *world) runGit(ctx context.Context, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = append([]string{"PATH=" + w.path, "HOME=" + w.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0"}, env...)
	_, err := cmd.Output()
	return err
}

// clone clones as a step would: the token travels in the environment, not in a
// URL or an argument, where every process could read it.
func (w *world) clone(ctx context.Context, token redact.String, name, into string) error {
	return w.runGit(ctx, []string{
		"GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=http." + w.url + "/.extraheader",
		"GIT_CONFIG_VALUE_0=Authorization: Basic " + basicAuth(token),
	}, "clone", "-q", w.url+"/"+name+".git", into)
}

func basicAuth(token redact.String) string {
	return base64.StdEncoding.EncodeToString([]byte("x-access-token:" + token.Reveal()))
}

// run starts this very program as a runner would.
func (w *world) run(ctx context.Context, s fakerunner.Step) (fakerunner.Result, error) {
	var err error
	if s.Program, err = os.Executable(); err != nil {
		return fakerunner.Result{}, err
	}
	s.Dir = w.dir
	s.Env = []string{
		"GITHUB_REPOSITORY=" + account + "/website", "GITHUB_REPOSITORY_OWNER=" + account,
		"GITHUB_API_URL=" + w.url, "GITHUB_SERVER_URL=" + w.url,
	}
	return fakerunner.Run(ctx, s)
}

func (w *world) api() (*githubapp.API, error) {
	return githubapp.New(githubapp.Config{URL: w.url, UserAgent: "valetkey-demo"})
}

// showSecrets shows what workflows would see, which GitHub never does.
func (w *world) showSecrets(out io.Writer) {
	places := []fakegithub.Place{{Owner: account}, {Owner: account, Repository: wanted, Environment: "production"}}
	for _, name := range []string{wanted, other} {
		places = append(places, fakegithub.Place{Owner: account, Repository: name}, fakegithub.Place{Owner: account, Repository: name, App: "dependabot"})
	}
	for _, p := range places {
		for _, s := range w.github.Secrets(p) {
			fmt.Fprintf(out, "%s %s=%s\n", strings.Join(strings.Fields(p.Owner+" "+p.Repository+" "+p.Environment+" "+p.App), "/"), s.Name, s.Value)
		}
	}
}

func (w *world) showDeployKeys(out io.Writer) {
	for _, name := range []string{wanted, other} {
		for _, k := range w.github.DeployKeys(account, name) {
			fmt.Fprintf(out, "%s/%s %s: %s\n", account, name, k.Title, k.Key)
		}
	}
}
