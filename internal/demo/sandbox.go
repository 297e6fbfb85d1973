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

// The account, repositories and App of the embedded GitHub.
const (
	account  = "acme"
	selected = "api"
	other    = "payments"
	clientID = "Iv23liDEMOvaletkey00"
)

// maxKey bounds the file of the App's key, which takes under 2 KiB.
const maxKey = 64 << 10

// sandbox is an embedded GitHub with an account, on a loopback port.
type sandbox struct {
	github    *fakegithub.Server
	url       string
	dir       string
	key       string // the App's private key, PEM
	git       bool   // whether git is installed
	path      string // PATH, where git and what it starts are found
	leaked    string // the value of a token of somebody's that is in a commit
	server    *http.Server
	temporary bool
}

// newSandbox starts the server. Without dir it makes a temporary directory,
// which close removes.
func newSandbox(ctx context.Context, listen, dir, path string) (*sandbox, error) {
	b := &sandbox{dir: dir, temporary: dir == "", path: path}
	var err error
	if b.temporary {
		if b.dir, err = os.MkdirTemp("", "valetkey-demo-"); err != nil {
			return nil, err
		}
	} else if b.dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := b.addAccount(ctx); err != nil {
		b.close()
		return nil, err
	}
	listener, err := loopback(ctx, listen)
	if err != nil {
		b.close()
		return nil, err
	}
	address := listener.Addr().String()
	b.url = "http://" + address
	mux := http.NewServeMux()
	mux.Handle("/", b.github)
	for path, show := range map[string]func(io.Writer){
		"/demo/secrets": b.showSecrets, "/demo/deploy-keys": b.showDeployKeys, "/demo/tokens": b.showTokens,
	} {
		mux.HandleFunc("GET "+path, func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Content-Type", "text/plain; charset=utf-8")
			show(out)
		})
	}
	b.server = &http.Server{Handler: requireOwnHost(address, mux), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = b.server.Serve(listener) }()
	return b, nil
}

// loopback listens where only this machine can connect: the embedded GitHub
// gives tokens to any client with the key, which lies in a temporary directory.
func loopback(ctx context.Context, listen string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, err
	}
	if !address.IsLoopback(host) {
		return nil, fmt.Errorf("%s is not a loopback address", host)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", listen)
}

// requireOwnHost refuses requests that name another host than this server. A
// page in a browser on this machine could otherwise read the answers under a
// name of its own that leads here (DNS rebinding).
func requireOwnHost(address string, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(address) // of a listener
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Host != address && r.Host != net.JoinHostPort("localhost", port) {
			http.Error(out, "this server answers for "+address+" only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(out, r)
	})
}

func (b *sandbox) close() {
	if b.server != nil {
		_ = b.server.Close()
	}
	if b.temporary {
		_ = os.RemoveAll(b.dir)
	}
}

func (b *sandbox) addAccount(ctx context.Context) error {
	key, err := b.appKey()
	if err != nil {
		return err
	}
	_, err = exec.LookPath("git")
	b.git = err == nil
	root := filepath.Join(b.dir, "repositories")
	b.github = fakegithub.New(fakegithub.Config{GitRoot: root},
		fakegithub.Secrets, fakegithub.Environments, fakegithub.Variables, fakegithub.DeployKeys,
		fakegithub.PersonalTokens, fakegithub.SingleSignOn, fakegithub.CredentialRevocation, fakegithub.SecretScanning,
		fakegithub.Members, fakegithub.AuditLog, fakegithub.Issues, fakegithub.Registration)
	permissions := map[string]string{
		"contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write",
		"secrets": "write", "dependabot_secrets": "write", "environments": "write", "organization_secrets": "write", // for sync
		"actions": "read", "administration": "write", "actions_variables": "write", // and for rotate
		"organization_personal_access_token_requests": "write", "organization_personal_access_tokens": "write", // and for pats
		"organization_administration": "write", "members": "read", "secret_scanning_alerts": "write",
	}
	app := b.github.AddApp(fakegithub.App{
		ID: 917, ClientID: clientID, Slug: "demo-app", Owner: account, PublicKey: &key.PublicKey, Permissions: permissions,
	})
	b.github.AddAccount(fakegithub.Account{Login: account, Type: "Organization"})
	for _, name := range []string{selected, other} {
		b.github.AddRepository(fakegithub.Repository{Owner: account, Name: name, Private: true})
		if b.git {
			if err := b.makeRepository(ctx, filepath.Join(root, account, name+".git"), name); err != nil {
				return fmt.Errorf("make the repository %s: %w", name, err)
			}
		}
	}
	b.github.AddEnvironment(account, selected, "production")
	b.github.Install(fakegithub.Installation{AppID: app.ID, Account: account, All: true})
	b.addTokens()
	return nil
}

// keyFile returns the path of the App's private key.
func (b *sandbox) keyFile() string { return filepath.Join(b.dir, "private-key.pem") }

// appKey returns the key of an earlier demo in the same directory, or else a
// new one. It leaves any other file of that name as it is.
func (b *sandbox) appKey() (*rsa.PrivateKey, error) {
	text, err := safefile.ReadOwn(b.keyFile(), maxKey)
	if err == nil {
		b.key = string(text)
		if block, _ := pem.Decode(text); block != nil {
			if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
				return key, nil
			}
		}
		return nil, fmt.Errorf("%s exists already and is not the key of a demo: give another directory", b.keyFile())
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", b.keyFile(), err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	b.key = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	f, err := os.OpenFile(b.keyFile(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(b.key)
	return key, errors.Join(err, f.Close())
}

// makeRepository makes a bare repository of one commit.
func (b *sandbox) makeRepository(ctx context.Context, bare, name string) error {
	if _, err := os.Stat(bare); err == nil {
		return nil // from an earlier demo in the same directory
	}
	tree, err := os.MkdirTemp(b.dir, "tree-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tree) }() // only the bare one is needed
	if err := os.WriteFile(filepath.Join(tree, "README.md"), []byte("# "+name+"\n"), 0o644); err != nil {
		return err
	}
	author := []string{"-c", "user.name=demo", "-c", "user.email=demo@example.com", "-c", "commit.gpgsign=false"}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main", tree},
		{"-C", tree, "add", "README.md"},
		append(append([]string{"-C", tree}, author...), "commit", "-q", "-m", "first"),
		{"clone", "-q", "--bare", tree, bare},
	} {
		if err := b.runGit(ctx, nil, args...); err != nil {
			return err
		}
	}
	return nil
}

// runGit runs git without the user's configuration.
func (b *sandbox) runGit(ctx context.Context, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = append([]string{"PATH=" + b.path, "HOME=" + b.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0"}, env...)
	_, err := cmd.Output()
	return err
}

// clone clones as a step would: the token is in the environment, not in a URL
// or an argument, where every process could read it.
func (b *sandbox) clone(ctx context.Context, token redact.String, name, into string) error {
	return b.runGit(ctx, []string{
		"GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=http." + b.url + "/.extraheader",
		"GIT_CONFIG_VALUE_0=Authorization: Basic " + basicAuth(token),
	}, "clone", "-q", b.url+"/"+name+".git", into)
}

func basicAuth(token redact.String) string {
	return base64.StdEncoding.EncodeToString([]byte("x-access-token:" + token.Reveal()))
}

// runStage starts this very program as a runner would.
func (b *sandbox) runStage(ctx context.Context, s fakerunner.Step) (fakerunner.Result, error) {
	var err error
	if s.Program, err = os.Executable(); err != nil {
		return fakerunner.Result{}, err
	}
	s.Dir = b.dir
	s.Env = append([]string{
		"GITHUB_REPOSITORY=" + account + "/website", "GITHUB_REPOSITORY_OWNER=" + account,
		"GITHUB_API_URL=" + b.url, "GITHUB_SERVER_URL=" + b.url,
	}, s.Env...)
	return fakerunner.Run(ctx, s)
}

func (b *sandbox) api() (*githubapp.API, error) {
	return githubapp.New(githubapp.Config{URL: b.url, UserAgent: "valetkey-demo"})
}

// showSecrets writes the secrets as workflows would see them, which GitHub
// never shows.
func (b *sandbox) showSecrets(out io.Writer) {
	places := []fakegithub.Place{{Owner: account}, {Owner: account, Repository: selected, Environment: "production"}}
	for _, name := range []string{selected, other} {
		repository := fakegithub.Place{Owner: account, Repository: name}
		dependabot := repository
		dependabot.App = "dependabot"
		places = append(places, repository, dependabot)
	}
	for _, p := range places {
		name := strings.Join(strings.Fields(p.Owner+" "+p.Repository+" "+p.Environment+" "+p.App), "/")
		for _, s := range b.github.Secrets(p) {
			fmt.Fprintf(out, "%s %s=%s\n", name, s.Name, s.Value)
		}
	}
}

func (b *sandbox) showDeployKeys(out io.Writer) {
	for _, name := range []string{selected, other} {
		for _, k := range b.github.DeployKeys(account, name) {
			fmt.Fprintf(out, "%s/%s %s: %s\n", account, name, k.Title, k.Key)
		}
	}
}
