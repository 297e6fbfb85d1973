package secret

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/apicall/apicalltest"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// fixture is a GitHub with the owner acme, which has api and web, and an App
// that may do everything there. A call has a token with one permission only.
type fixture struct {
	*fakegithubtest.GitHub
	t         testing.TB
	statePath string
	ids       map[string]int64 // of repositories

	mu     sync.Mutex
	tokens map[string]string // by permission
}

func newFixture(t testing.TB, more ...string) *fixture {
	t.Helper()
	permissions := map[string]string{"metadata": "read", "actions": "read", "administration": "write", "environments": "write"}
	for _, app := range Apps() {
		for _, p := range []Place{{Owner: "acme", App: app}, {Owner: "acme", Repository: "api", App: app}} {
			permissions[p.Permission()] = "write"
		}
	}
	f := &fixture{t: t, statePath: filepath.Join(t.TempDir(), "state"), tokens: map[string]string{}, ids: map[string]int64{}}
	f.GitHub = fakegithubtest.New(t, fakegithubtest.Setup{
		App:          fakegithub.App{Slug: "sync", Owner: "acme", Permissions: permissions},
		Repositories: append([]string{"api", "web"}, more...),
	})
	for name, r := range f.Repositories {
		f.ids[name] = r.ID
	}
	f.SetRequestsPerHour(1 << 30)
	return f
}

// call is an [apicall.Func] that never retries.
func (f *fixture) call(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
	level := "write"
	if r.Permission == "actions" {
		level = "read"
	}
	token, err := f.token(r.Permission, level)
	if err != nil {
		return apicall.Answer{}, err
	}
	return apicalltest.Send(ctx, f, "token "+token, r)
}

func (f *fixture) token(permission, level string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if token := f.tokens[permission]; token != "" {
		return token, nil
	}
	token, err := f.Mint(time.Now(), f.Installation.ID, map[string]any{"permissions": map[string]string{permission: level}})
	if err == nil {
		f.tokens[permission] = token
	}
	return token, err
}

// requests returns the requests since the last call, without mints, in no
// particular order.
func (f *fixture) requests() []string {
	list := []string{}
	for _, r := range f.Requests() {
		if path := strings.TrimPrefix(r.Path, "/"); !strings.HasPrefix(path, "app/") {
			list = append(list, fmt.Sprintf("%s %s %d", r.Method, path, r.Status))
		}
	}
	f.ResetRequests()
	return list
}

var testManifest = Manifest{"api.github.test", "acme/infra", 7, ".github/valetkey.yml"}

// derive takes the place of an App's key.
func derive(key string) Derive {
	return func(salt []byte) ([]byte, error) {
		sum := sha256.Sum256([]byte(key + string(salt)))
		return sum[:], nil
	}
}

func stateFile(path string) StateFile {
	return StateFile{Path: path, Manifest: testManifest, Key: derive("k")}
}

func openState(t testing.TB, path string) *State {
	t.Helper()
	s, err := OpenState(stateFile(path))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

// sync returns a run with the state file of the fixture.
func (f *fixture) sync(options ...func(*Sync)) *Sync {
	f.t.Helper()
	s := &Sync{Call: f.call, State: openState(f.t, f.statePath), MaxDeletions: 100}
	for _, option := range options {
		option(s)
	}
	return s
}

func prune(s *Sync) { s.Prune = true }

// run plans and applies, some seconds after the last run, and returns a line
// for each result.
func (f *fixture) run(wanted []Wanted, options ...func(*Sync)) []string {
	f.t.Helper()
	time.Sleep(2 * time.Second) // GitHub's times are in whole seconds
	s := f.sync(options...)
	plan := s.Plan(f.t.Context(), wanted, nil)
	results, err := s.Apply(f.t.Context(), plan)
	if err != nil {
		f.t.Fatal(err)
	}
	return lines(results)
}

func lines(results []Result) []string {
	lines := []string{}
	for _, r := range results {
		line := fmt.Sprintf("%s of %s: %s", r.Name, r.Place, r.Outcome)
		if r.Reason != "" {
			line += ", " + r.Reason
		}
		if r.Err != nil {
			line += ": " + r.Err.Error() + hinted(r.Err)
		}
		lines = append(lines, line)
	}
	return lines
}

func hinted(err error) string {
	if hint := fault.Hint(err); hint != "" {
		return " (hint: " + hint + ")"
	}
	return ""
}

func wants(place Place, name, value string) Wanted {
	return Wanted{Place: place, Name: name, Value: redact.New(value)}
}

var (
	apiActions = Place{Owner: "acme", Repository: "api", App: "actions"}
	webActions = Place{Owner: "acme", Repository: "web", App: "actions"}
	production = Place{Owner: "acme", Repository: "api", Environment: "production", App: "actions"}
	acmeOrg    = Place{Owner: "acme", App: "actions"}
)

func (f *fixture) want(what string, got, want []string) {
	f.t.Helper()
	for i := range max(len(got), len(want)) {
		g, x := "(nothing)", "(nothing)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			x = want[i]
		}
		if g != x {
			f.t.Errorf("%s, line %d:\n got %s\nwant %s", what, i, g, x)
		}
	}
}

// checkSeen compares the values that a workflow would see with the wanted ones.
func (f *fixture) checkSeen(wanted []Wanted) {
	f.t.Helper()
	for i := range wanted {
		x := &wanted[i]
		if got, ok := f.SecretValue(fakegithub.Place(x.Place), x.Name); !ok || got != x.Value.Reveal() {
			f.t.Errorf("%s of %s: a workflow sees %.40q (%v), want %.40q", x.Name, x.Place, got, ok, x.Value.Reveal())
		}
	}
}
