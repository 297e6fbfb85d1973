package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fakerunner"
)

// script is the fixture of one script: a GitHub with the App "keeper" on the
// organization acme (repositories api, web and secret-plans, of which the last
// is not selected), on the user monalisa (all) and on the enterprise globex.
type script struct {
	github   *fakegithubtest.GitHub
	gate     gate
	governed governed
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

const scriptKey = "script"

func setUp(t *testing.T, env *testscript.Env) error {
	github := fakegithubtest.New(t, fakegithubtest.Setup{
		Config: fakegithub.Config{GitRoot: filepath.Join(env.WorkDir, "served")},
		App: fakegithub.App{ID: 917, ClientID: "Iv23liSTORYkeeper000", Slug: "keeper", Owner: "acme", Permissions: map[string]string{
			"metadata": "read", "contents": "write", "issues": "write", "secrets": "read",
		}},
		Repositories: []string{"api", "web", "secret-plans"},
		Installation: fakegithub.Installation{ID: 4242, Repositories: []string{"api", "web"}},
	})
	github.AddAccount(fakegithub.Account{Login: "monalisa", Type: "User"})
	github.AddAccount(fakegithub.Account{Login: "globex", Type: "Enterprise"})
	github.AddRepository(fakegithub.Repository{Owner: "monalisa", Name: "dotfiles", Private: true})
	github.Install(fakegithub.Installation{ID: 4243, AppID: 917, Account: "monalisa", All: true})
	github.Install(fakegithub.Installation{
		ID: 4244, AppID: 917, Account: "globex", Permissions: map[string]string{"enterprise_teams": "read"},
	})

	s := &script{github: github}
	server := httptest.NewServer(s.gate.through(github))
	env.Defer(server.Close)
	env.Values[scriptKey] = s
	for name, variable := range map[string]string{
		"output": "GITHUB_OUTPUT", "state": "GITHUB_STATE", "summary": "GITHUB_STEP_SUMMARY", "env": "GITHUB_ENV",
	} {
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
	env.Setenv("INPUT_CLIENT-ID", github.App.ClientID)
	env.Setenv("INPUT_PRIVATE-KEY", fakegithubtest.PEM(fakegithubtest.Key()))
	return nil
}

// scriptCommands are the commands that a script has besides those of
// testscript.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"github": askGitHub, // github requests|tokens|forget|stateless|suspend|wider|brief|fault|hold|await|release
	"key":    pasteKey,  // key FORM: INPUT_PRIVATE-KEY in another form
	"input":  setInput,  // input NAME TEXT: with \n for newlines
	"inputfile": func(ts *testscript.TestScript, _ bool, args []string) { // inputfile NAME FILE
		ts.Setenv("INPUT_"+strings.ToUpper(args[0]), ts.ReadFile(args[1]))
	},
	"serve":  serveRepository, // serve OWNER NAME: a repository of one commit for git to clone
	"block":  writeBlock,      // block FILE TEXT: the commands of docs/FILE that hold the text, in the file block
	"header": checkoutHeader,  // header DIRECTORY: the last token as actions/checkout keeps it in a clone
	"website": func(ts *testscript.TestScript, _ bool, _ []string) { // website: people find this GitHub where the API is
		ts.Setenv("GITHUB_SERVER_URL", ts.Getenv("GITHUB_API_URL"))
	},
	"keyfile": func(ts *testscript.TestScript, _ bool, args []string) { // keyfile FILE: the App's key in a file
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(fakegithubtest.PEM(fakegithubtest.Key())), 0o600))
	},
	"later":    laterStep,   // later: the environment of later steps becomes that of the script
	"age":      makeAgeKey,  // age: a new key, in INPUT_RECIPIENTS and AGE_IDENTITY
	"output":   showOutput,  // output NAME: the value a later step would see
	"job":      nextJob,     // job: another job on another machine: new files, no key; outputs of this one stay in OUTPUT_NAME
	"keep":     keepState,   // keep: state becomes the STATE_ variables of the post stage
	"checkout": checkOut,    // checkout EVENT: a run that the event started works with the default branch of this repository
	"hidden":   checkHidden, // hidden: no secret is readable in what the last program wrote
	"silent":   checkSilent, // silent FILE...: nobody wrote a secret there, not even to have it masked
}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey).(*script) }

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
	for name, value := range readPairs(ts, "output") {
		ts.Setenv("OUTPUT_"+strings.ReplaceAll(name, "-", "_"), value)
	}
	for _, file := range []string{"output", "state", "summary", "env"} {
		ts.Check(os.WriteFile(ts.MkAbs(file), nil, 0o600))
	}
	ts.Setenv("INPUT_PRIVATE-KEY", "")
}

func showOutput(ts *testscript.TestScript, neg bool, args []string) {
	value, ok := readPairs(ts, "output")[args[0]]
	if neg == ok {
		ts.Fatalf("output %s: present is %v", args[0], ok)
	}
	fmt.Fprintln(ts.Stdout(), value)
}

func keepState(ts *testscript.TestScript, _ bool, _ []string) {
	for name, value := range readPairs(ts, "state") {
		ts.Setenv("STATE_"+name, value)
	}
}

// readPairs reads a file as the runner does.
func readPairs(ts *testscript.TestScript, file string) map[string]string {
	pairs, err := fakerunner.ReadPairs(ts.MkAbs(file))
	ts.Check(err)
	return pairs
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
	basic := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + readPairs(ts, "output")["token"]))
	ts.Check(ts.Exec("git", "-C", args[0], "config", "http."+ts.Getenv("GITHUB_SERVER_URL")+"/.extraheader", "AUTHORIZATION: basic "+basic))
}

func laterStep(ts *testscript.TestScript, _ bool, _ []string) {
	for name, value := range readPairs(ts, "env") {
		ts.Setenv(name, value)
	}
}

func makeAgeKey(ts *testscript.TestScript, _ bool, _ []string) {
	identity, err := age.GenerateX25519Identity()
	ts.Check(err)
	ts.Setenv("INPUT_RECIPIENTS", identity.Recipient().String())
	ts.Setenv("AGE_IDENTITY", identity.String())
}

// writeBlock writes the indented block of a page that holds a text, with the
// App, the key and the address of this script's GitHub.
func writeBlock(ts *testscript.TestScript, _ bool, args []string) {
	page, err := os.ReadFile(filepath.Join("docs", args[0]))
	ts.Check(err)
	var found string
	for _, block := range regexp.MustCompile(`(?m)(?:^    .*\n)+`).FindAllString(string(page), -1) {
		if strings.Contains(block, args[1]) {
			found = block
		}
	}
	if found == "" {
		ts.Fatalf("docs/%s has no block with %q", args[0], args[1])
	}
	here := strings.NewReplacer("Iv23…", scriptOf(ts).github.App.ClientID, "https://github.com", ts.Getenv("GITHUB_SERVER_URL"))
	ts.Check(os.WriteFile(ts.MkAbs("block"), []byte(here.Replace(found)), 0o600))
}
