package cli

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/internal/redact"
)

// step is one step of a job: its inputs, the GitHub that it meets, and what
// came of it.
type step struct {
	*fakegithubtest.GitHub
	env  map[string]string
	log  strings.Builder
	exit int

	hosts      map[string]http.Handler // others than GitHub
	onVariable func(name string)       // told of each variable that is read
	onWrite    func()                  // told of each PUT that arrives
}

func newStep(t *testing.T, env map[string]string) *step {
	t.Helper()
	s := &step{
		GitHub: fakegithubtest.New(t, fakegithubtest.Setup{
			App: fakegithub.App{ID: 917, ClientID: testClientID, Slug: "keeper", Owner: "acme", Permissions: map[string]string{
				"metadata": "read", "contents": "write", "issues": "write",
			}},
			Repositories: []string{"api", "web", "secret-plans", "more-plans"},
			Installation: fakegithub.Installation{ID: 4242, Repositories: []string{"api", "web"}},
		}),
		env: map[string]string{
			"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/api", "GITHUB_REPOSITORY_OWNER": "acme",
			"GITHUB_API_URL": "https://api.github.test", "GITHUB_SERVER_URL": "https://github.test",
			"INPUT_CLIENT-ID": testClientID, "INPUT_PRIVATE-KEY": testKey(), "INPUT_PERMISSIONS": "contents: read",
		},
	}
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "GITHUB_ENV"} {
		s.env[name] = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(s.env[name], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range env {
		s.env[name] = value
	}
	s.AddAccount(fakegithub.Account{Login: "monalisa", Type: "User"})
	s.AddRepository(fakegithub.Repository{Owner: "monalisa", Name: "dotfiles", Private: true})
	s.Install(fakegithub.Installation{ID: 4243, AppID: 917, Account: "monalisa", All: true})
	return s
}

const testClientID = "Iv23liTESTtest000000"

// testKey is the App's private key, in PEM.
var testKey = sync.OnceValue(func() string { return fakegithubtest.PEM(fakegithubtest.Key()) })

func anotherKey() string { return fakegithubtest.PEM(fakegithubtest.NewKey()) }

// next turns it into a step of another job: its files are empty, and it has
// more inputs besides the old ones.
func (s *step) next(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "GITHUB_ENV"} {
		if err := os.WriteFile(s.env[name], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.log.Reset()
	for name, value := range env {
		s.env[name] = value
	}
}

// run runs a stage without a process, signals or a socket.
func (s *step) run(t *testing.T, stage string) {
	t.Helper()
	s.exit = run(context.Background(), s.process(t), stage)
}

// actionsWith lists the commands of the actions that have an input.
func actionsWith(input string) (names []string) {
	for _, c := range commands() {
		if c.Action != nil && slices.ContainsFunc(schemaOf(*c.Action).Inputs, func(in actions.InputSchema) bool {
			return in.Name == input
		}) {
			names = append(names, c.Name)
		}
	}
	return names
}

// environ lists an environment as os.Environ does.
func environ(env map[string]string) []string {
	var list []string
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}

func (s *step) process(t *testing.T) Process {
	t.Helper()
	return Process{
		Getenv: func(name string) string {
			if s.onVariable != nil {
				s.onVariable(name)
			}
			return s.env[name]
		},
		Environ: func() []string { return environ(s.env) },
		Stdout:  &s.log,
		Transport: transporttest.InMemory{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && s.onWrite != nil {
				s.onWrite()
			}
			if other := s.hosts[r.Host]; other != nil {
				other.ServeHTTP(w, r)
				return
			}
			s.ServeHTTP(w, r)
		})},
	}
}

// annotation returns the first annotation of a level: its first line without
// the request id and the time, and its hint.
func (s *step) annotation(level string) (line, hint string) {
	for text := range strings.Lines(s.log.String()) {
		if message, ok := strings.CutPrefix(text, "::"+level+"::"); ok {
			message = fakerunner.Unescape(strings.TrimSuffix(message, "\n"))
			line, hint, _ = strings.Cut(message, "\nhint: ")
			break
		}
	}
	line = regexp.MustCompile(` \(request [0-9A-F:]+\)`).ReplaceAllString(line, "")
	return regexp.MustCompile(`times in [0-9.ms]+([,)])`).ReplaceAllString(line, "times in …$1"), hint
}

func (s *step) file(t *testing.T, variable string) string {
	t.Helper()
	data, err := os.ReadFile(s.env[variable])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (s *step) requests() string {
	var list []string
	for _, r := range s.Requests() {
		list = append(list, r.Method+" "+r.Path)
	}
	return strings.Join(list, ", ")
}

// checkHidden looks for every secret of the step in everything that others can
// read.
func (s *step) checkHidden(t *testing.T) {
	t.Helper()
	secrets := actions.LongLines(redact.New(s.env["INPUT_PRIVATE-KEY"]))
	for _, token := range s.Tokens() {
		secrets = append(secrets, actions.Encodings(redact.New(token.Value))...)
	}
	for place, text := range map[string]string{
		"log": withoutMasks(s.log.String()), "summary": s.file(t, "GITHUB_STEP_SUMMARY"), "environment": s.file(t, "GITHUB_ENV"),
	} {
		for _, secret := range secrets {
			if strings.Contains(text, secret.Reveal()) {
				t.Errorf("a secret is readable in the %s:\n%s", place, text)
			}
		}
		if regexp.MustCompile(`eyJ[\w-]+\.`).MatchString(text) {
			t.Errorf("a JWT is readable in the %s", place)
		}
	}
}

func withoutMasks(log string) string {
	var b strings.Builder
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "::add-mask::") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// inFile moves the step's key to a file, and returns its path.
func (s *step) inFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, []byte(testKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	s.env["INPUT_PRIVATE-KEY"], s.env["INPUT_PRIVATE-KEY-FILE"] = "", path
	return path
}

// checkKeyHidden checks that the log masks every line of the key, and shows
// none of them elsewhere.
func (s *step) checkKeyHidden(t *testing.T) {
	t.Helper()
	log := s.log.String()
	for _, line := range actions.LongLines(redact.New(testKey())) {
		if len(actions.Maskable(line)) > 0 && !strings.Contains(log, "::add-mask::"+line.Reveal()+"\n") {
			t.Error("a line of the key is not masked")
		}
	}
	s.env["INPUT_PRIVATE-KEY"] = testKey() // where it looks
	s.checkHidden(t)
	s.env["INPUT_PRIVATE-KEY"] = ""
}
