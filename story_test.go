package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/openapitest"
	"github.com/valetkey/valetkey/internal/redact"
)

// story is what one script works with: a GitHub with the App "keeper" on the
// organization acme (repositories api, web and secret-plans, of which the last
// is not selected), on the user monalisa (all) and on the enterprise globex.
type story struct {
	github *fakegithub.Server
	gate   gate
}

// gate holds requests back until it is opened.
type gate struct {
	mu      sync.Mutex
	path    string // requests for it are held
	arrived chan struct{}
	open    chan struct{}
}

func (g *gate) hold(path string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.path, g.arrived, g.open = path, make(chan struct{}, 1), make(chan struct{})
}

func (g *gate) through(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		held, arrived, open := g.path == r.URL.Path, g.arrived, g.open
		g.mu.Unlock()
		if held {
			arrived <- struct{}{}
			select {
			case <-open:
			case <-r.Context().Done():
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

const storyID = "story"

var appKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newStory(t *testing.T, env *testscript.Env) error {
	github := fakegithub.New(fakegithub.Config{GitRoot: filepath.Join(env.WorkDir, "served")},
		fakegithub.Secrets, fakegithub.Environments, fakegithub.Variables, fakegithub.DeployKeys)
	app := github.AddApp(fakegithub.App{ID: 917, ClientID: "Iv23liSTORYkeeper000", Slug: "keeper", Owner: "acme", PublicKey: &appKey().PublicKey, Permissions: map[string]string{
		"metadata": "read", "contents": "write", "issues": "write", "secrets": "read",
	}})
	github.AddAccount(fakegithub.Account{Login: "acme", Type: "Organization"})
	github.AddAccount(fakegithub.Account{Login: "monalisa", Type: "User"})
	github.AddAccount(fakegithub.Account{Login: "globex", Type: "Enterprise"})
	for _, name := range []string{"api", "web", "secret-plans"} {
		github.AddRepository(fakegithub.Repository{Owner: "acme", Name: name, Private: true})
	}
	github.AddRepository(fakegithub.Repository{Owner: "monalisa", Name: "dotfiles", Private: true})
	github.Install(fakegithub.Installation{ID: 4242, AppID: app.ID, Account: "acme", Repositories: []string{"api", "web"}})
	github.Install(fakegithub.Installation{ID: 4243, AppID: app.ID, Account: "monalisa", All: true})
	github.Install(fakegithub.Installation{ID: 4244, AppID: app.ID, Account: "globex", Permissions: map[string]string{"enterprise_teams": "read"}})

	s := &story{github: github}
	server := httptest.NewServer(s.gate.through(openapitest.Check(t, github)))
	env.Defer(server.Close)
	env.Values[storyID] = s
	for name, variable := range map[string]string{"output": "GITHUB_OUTPUT", "state": "GITHUB_STATE", "summary": "GITHUB_STEP_SUMMARY", "env": "GITHUB_ENV"} {
		file := filepath.Join(env.WorkDir, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			return err
		}
		env.Setenv(variable, file)
	}
	env.Setenv("GITHUB_ACTIONS", "true")
	env.Setenv("GITHUB_API_URL", server.URL)
	env.Setenv("GITHUB_SERVER_URL", server.URL)
	for name, value := range map[string]string{"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "HOME": env.WorkDir} {
		env.Setenv(name, value)
	}
	env.Setenv("GITHUB_REPOSITORY", "acme/api")
	env.Setenv("GITHUB_REPOSITORY_OWNER", "acme")
	env.Setenv("INPUT_CLIENT-ID", app.ClientID)
	env.Setenv("INPUT_PRIVATE-KEY", pkcs1(appKey()))
	return nil
}

// storyCommands are the words a script has beside testscript's own.
var storyCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"github": askGitHub, // github requests|tokens|forget|stateless|suspend|wider|brief|fault|hold|await|release
	"key":    pasteKey,  // key FORM: INPUT_PRIVATE-KEY in another form
	"input":  setInput,  // input NAME TEXT: with \n for newlines
	"inputfile": func(ts *testscript.TestScript, _ bool, args []string) { // inputfile NAME FILE
		ts.Setenv("INPUT_"+strings.ToUpper(args[0]), ts.ReadFile(args[1]))
	},
	"serve":  serveRepository, // serve OWNER NAME: a repository of one commit for git to clone
	"header": checkoutHeader,  // header DIRECTORY: the last token as actions/checkout keeps it in a clone
	"website": func(ts *testscript.TestScript, _ bool, _ []string) { // website: people find this GitHub where the API is
		ts.Setenv("GITHUB_SERVER_URL", ts.Getenv("GITHUB_API_URL"))
	},
	"keyfile": func(ts *testscript.TestScript, _ bool, args []string) { // keyfile FILE: the App's key in a file
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(pkcs1(appKey())), 0o600))
	},
	"later":  laterStep,   // later: the environment of later steps becomes that of the script
	"age":    makeAgeKey,  // age: a new key, in INPUT_RECIPIENTS and AGE_IDENTITY
	"output": showOutput,  // output NAME: the value a later step would see
	"job":    nextJob,     // job: another job on another machine: new files, no key; outputs of this one stay in OUTPUT_NAME
	"keep":   keepState,   // keep: state becomes the STATE_ variables of the post stage
	"hidden": checkHidden, // hidden: no secret is readable in what the last program wrote
	"silent": checkSilent, // silent FILE...: nobody wrote a secret there, not even to have it masked
}

func storyOf(ts *testscript.TestScript) *story { return ts.Value(storyID).(*story) }

func askGitHub(ts *testscript.TestScript, _ bool, args []string) {
	github := storyOf(ts).github
	switch args[0] {
	case "requests":
		if len(github.Requests()) == 0 {
			fmt.Fprintln(ts.Stdout(), "none")
		}
		for _, r := range github.Requests() {
			fmt.Fprintln(ts.Stdout(), r.Method, r.Path, r.Status, r.Authorization)
		}
	case "tokens":
		for _, t := range github.Tokens() {
			state := map[bool]string{true: "alive", false: "dead"}[github.Alive(t.Value)]
			fmt.Fprintln(ts.Stdout(), t.RepositorySelection, strings.Join(t.Repositories, ","), list(t.Permissions), state)
		}
	case "forget":
		github.ResetRequests()
	case "stateless":
		github.SetTokenForm(fakegithub.Stateless)
	case "suspend":
		github.Suspend(4242, "monalisa")
	case "wider": // the mint's answer grants more than was asked for
		github.Inject(fakegithub.Fault{Method: "POST", Path: "/app/installations/*/access_tokens", Rewrite: func(body []byte) []byte {
			return bytes.Replace(body, []byte(`"contents":"read"`), []byte(`"contents":"write"`), 1)
		}})
	case "brief": // github brief TIMES: so many tokens are minted near their end
		times, err := strconv.Atoi(args[1])
		ts.Check(err)
		soon := []byte(`"expires_at":"` + time.Now().Add(4*time.Minute).UTC().Format(time.RFC3339) + `"`)
		expires := regexp.MustCompile(`"expires_at":"[^"]*"`)
		github.Inject(fakegithub.Fault{
			Method: "POST", Path: "/app/installations/*/access_tokens", Times: times,
			Rewrite: func(body []byte) []byte { return expires.ReplaceAll(body, soon) },
		})
	case "fault": // github fault METHOD PATH STATUS TIMES
		status, err := strconv.Atoi(args[3])
		ts.Check(err)
		times, err := strconv.Atoi(args[4])
		ts.Check(err)
		f := fakegithub.ServerError(status, false)
		f.Method, f.Path, f.Times = args[1], args[2], times
		github.Inject(f)
	case "hold": // github hold PATH: requests for it wait until "release"
		storyOf(ts).gate.hold(args[1])
	case "await": // until a request is held
		select {
		case <-storyOf(ts).gate.arrived:
		case <-time.After(10 * time.Second):
			ts.Fatalf("no request came")
		}
	case "personal": // github personal KIND: a person's token of that kind, in MY_TOKEN
		t := fakegithub.PersonalToken{Value: "github_pat_" + rand.Text(), Login: "monalisa"}
		if args[1] == "classic" {
			t = fakegithub.PersonalToken{
				Value: "ghp_" + rand.Text(), Login: "monalisa", Classic: true, Scopes: []string{"repo:status", "gist", "read:org"},
				ExpiresAt: time.Now().Add(80 * time.Hour), SSO: "partial-results; organizations=21955855",
			}
		}
		github.AddPersonalToken(t)
		ts.Setenv("MY_TOKEN", t.Value)
	case "tls": // github tls: the same GitHub by TLS, its CA in ca.pem
		server := httptest.NewUnstartedServer(withGraphQL(github))
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // a client that does not trust it is what is tested
		server.StartTLS()
		ts.Defer(server.Close)
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), ca, 0o600))
		ts.Setenv("GITHUB_API_URL", server.URL)
	case "plain": // github plain: the same GitHub at 0.0.0.0
		server := httptest.NewServer(github)
		ts.Defer(server.Close)
		ts.Setenv("GITHUB_API_URL", strings.Replace(server.URL, "127.0.0.1", "0.0.0.0", 1))
	case "proxy": // github proxy: an HTTP proxy with a password, in PROXY
		proxy := httptest.NewServer(passwordProxy(github))
		ts.Defer(proxy.Close)
		ts.Setenv("PROXY", strings.Replace(proxy.URL, "http://", "http://user:opensesame@", 1))
	case "release":
		time.Sleep(50 * time.Millisecond) // a signal that was sent before is delivered by now
		close(storyOf(ts).gate.open)
	default:
		askFleet(ts, github, args)
	}
}

func list(permissions map[string]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(permissions)) {
		all = append(all, name+"="+permissions[name])
	}
	return strings.Join(all, ",")
}

func pkcs1(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func pkcs8(key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func pasteKey(ts *testscript.TestScript, _ bool, args []string) {
	good := pkcs1(appKey())
	var text string
	switch args[0] {
	case "pkcs1":
		text = good
	case "pkcs8":
		text = pkcs8(appKey())
	case "escaped":
		text = strings.ReplaceAll(good, "\n", `\n`)
	case "base64":
		text = base64.StdEncoding.EncodeToString([]byte(good))
	case "empty":
		text = " \n"
	case "garbage":
		text = rand.Text() + rand.Text()
	case "truncated":
		text = good[:len(good)/2]
	case "damaged":
		text = strings.Replace(good, good[200:264], "", 1)
	case "encrypted":
		text = strings.Replace(good, "-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1)
	case "public":
		der, err := x509.MarshalPKIXPublicKey(&appKey().PublicKey)
		ts.Check(err)
		text = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	case "ec":
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ts.Check(err)
		text = pkcs8(key)
	case "ed25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		ts.Check(err)
		text = pkcs8(key)
	case "another":
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		ts.Check(err)
		text = pkcs1(key)
	case "pat":
		text = "ghp_" + rand.Text() + rand.Text()
	default:
		ts.Fatalf("key %s: unknown form", args[0])
	}
	ts.Setenv("INPUT_PRIVATE-KEY", text)
}

func setInput(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.ReplaceAll(args[1], `\n`, "\n")
	if strings.HasPrefix(text, "numbered ") { // numbered COUNT: that many repository names
		count, err := strconv.Atoi(strings.TrimPrefix(text, "numbered "))
		ts.Check(err)
		var names []string
		for i := range count {
			names = append(names, fmt.Sprintf("repository-%d", i))
		}
		text = strings.Join(names, ",")
	}
	ts.Setenv("INPUT_"+strings.ToUpper(args[0]), text)
}

func nextJob(ts *testscript.TestScript, _ bool, _ []string) {
	for name, value := range pairs(ts, "output") {
		ts.Setenv("OUTPUT_"+strings.ReplaceAll(name, "-", "_"), value)
	}
	for _, file := range []string{"output", "state", "summary", "env"} {
		ts.Check(os.WriteFile(ts.MkAbs(file), nil, 0o600))
	}
	ts.Setenv("INPUT_PRIVATE-KEY", "")
}

func showOutput(ts *testscript.TestScript, neg bool, args []string) {
	value, ok := pairs(ts, "output")[args[0]]
	if neg == ok {
		ts.Fatalf("output %s: present is %v", args[0], ok)
	}
	fmt.Fprintln(ts.Stdout(), value)
}

func keepState(ts *testscript.TestScript, _ bool, _ []string) {
	for name, value := range pairs(ts, "state") {
		ts.Setenv("STATE_"+name, value)
	}
}

// pairs reads a file of the runner's as the runner does (FileCommandManager.cs).
func pairs(ts *testscript.TestScript, file string) map[string]string {
	all := map[string]string{}
	lines := strings.Split(ts.ReadFile(file), "\n")
	for i := 0; i < len(lines); i++ {
		name, delimiter, ok := strings.Cut(lines[i], "<<")
		if !ok {
			continue
		}
		var value []string
		for i++; i < len(lines) && lines[i] != delimiter; i++ {
			value = append(value, lines[i])
		}
		all[name] = strings.Join(value, "\n")
	}
	return all
}

// checkHidden looks for each secret, in each form of it, in the log and in the
// summary. Lines of add-mask are what hides them.
func checkHidden(ts *testscript.TestScript, _ bool, _ []string) {
	var secrets []redact.String
	for _, t := range storyOf(ts).github.Tokens() {
		secrets = append(secrets, actions.Forms(redact.New(t.Value))...)
	}
	if personal := ts.Getenv("MY_TOKEN"); personal != "" {
		secrets = append(secrets, actions.Forms(redact.New(personal))...)
	}
	key := redact.New(ts.Getenv("INPUT_PRIVATE-KEY"))
	secrets = append(secrets, actions.Lines(key)...)
	var lines []string
	for line := range strings.Lines(ts.ReadFile("stdout") + ts.ReadFile("stderr") + ts.ReadFile("summary")) {
		if !strings.HasPrefix(line, "::add-mask::") {
			lines = append(lines, line)
		}
	}
	text := strings.Join(lines, "")
	stored := storedIn(storyOf(ts).github)
	secrets = append(secrets, stored...)
	for _, name := range []string{"output", "state", "env", ".valetkey/state", "report.json"} { // of what was stored, no file holds anything
		file, err := os.ReadFile(ts.MkAbs(name))
		for _, s := range stored {
			if err == nil && bytes.Contains(file, []byte(s.Reveal())) {
				ts.Fatalf("%s holds a secret", name)
			}
		}
	}
	for _, s := range secrets {
		if strings.Contains(text, s.Reveal()) {
			ts.Fatalf("a secret of %d characters is readable in:\n%s", len(s.Reveal()), text)
		}
	}
}

// checkSilent looks for each secret, in each form of it, in files that others keep.
func checkSilent(ts *testscript.TestScript, _ bool, args []string) {
	secrets := actions.Lines(redact.New(pkcs1(appKey())))
	for _, t := range storyOf(ts).github.Tokens() {
		secrets = append(secrets, actions.Forms(redact.New(t.Value))...)
	}
	if personal := ts.Getenv("MY_TOKEN"); personal != "" {
		secrets = append(secrets, actions.Forms(redact.New(personal))...)
	}
	for _, name := range args {
		text := ts.ReadFile(name)
		for _, s := range secrets {
			if strings.Contains(text, s.Reveal()) {
				ts.Fatalf("a secret of %d characters is in %s", len(s.Reveal()), name)
			}
		}
		if m := regexp.MustCompile(`eyJ[\w-]+\.eyJ|AGE-SECRET-KEY-1\w{20}`).FindString(text); m != "" {
			ts.Fatalf("%s… is in %s", m, name)
		}
	}
}

func serveRepository(ts *testscript.TestScript, _ bool, args []string) {
	bare, tree := ts.MkAbs(filepath.Join("served", args[0], args[1]+".git")), ts.MkAbs("tree-"+args[1])
	ts.Check(os.MkdirAll(tree, 0o755))
	ts.Check(os.WriteFile(filepath.Join(tree, "README.md"), []byte("# "+args[1]+"\n"), 0o600))
	for _, words := range [][]string{
		{"init", "-q", "-b", "main", tree},
		{"-C", tree, "add", "README.md"},
		{"-C", tree, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "first"},
		{"clone", "-q", "--bare", tree, bare},
	} {
		ts.Check(ts.Exec("git", words...))
	}
}

func checkoutHeader(ts *testscript.TestScript, _ bool, args []string) {
	basic := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + pairs(ts, "output")["token"]))
	ts.Check(ts.Exec("git", "-C", args[0], "config", "http."+ts.Getenv("GITHUB_SERVER_URL")+"/.extraheader", "AUTHORIZATION: basic "+basic))
}

func laterStep(ts *testscript.TestScript, _ bool, _ []string) {
	for name, value := range pairs(ts, "env") {
		ts.Setenv(name, value)
	}
}

func makeAgeKey(ts *testscript.TestScript, _ bool, _ []string) {
	identity, err := age.GenerateX25519Identity()
	ts.Check(err)
	ts.Setenv("INPUT_RECIPIENTS", identity.Recipient().String())
	ts.Setenv("AGE_IDENTITY", identity.String())
}

// withGraphQL answers the one query of `gh repo view`, which REST has no path for,
// to whoever has a live token.
func withGraphQL(github *fakegithub.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/graphql" {
			github.ServeHTTP(w, r)
			return
		}
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !github.Alive(token) {
			http.Error(w, `{"message":"Bad credentials"}`, http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"data":{"repository":{"name":"api","owner":{"login":"acme"}}}}`)
	})
}

// passwordProxy is an HTTP proxy in front of one GitHub.
func passwordProxy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:opensesame"))
		if !r.URL.IsAbs() || r.Header.Get("Proxy-Authorization") != want {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		r.Header.Set("Via", "1.1 proxy")
		next.ServeHTTP(w, r)
	})
}
