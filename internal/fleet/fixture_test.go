package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// fixture is a GitHub with an App on the organization acme, and a fleet. acme
// has the repositories r0, r1 and so on.
type fixture struct {
	*fakegithubtest.GitHub
	*Fleet

	api    *githubapp.API
	before func(*http.Request) error // of each request; an error is all that comes of it

	mu   sync.Mutex
	told []string
}

func newFixture(t testing.TB, repositories int) *fixture {
	t.Helper()
	setup := fakegithubtest.Setup{App: fakegithub.App{ID: 917, Slug: "keeper", Owner: "acme", Permissions: map[string]string{
		"metadata": "read", "contents": "write", "actions": "read", "administration": "write", "environments": "write",
		"secrets": "write", "dependabot_secrets": "write", "organization_secrets": "write",
	}}}
	for i := range repositories {
		setup.Repositories = append(setup.Repositories, inRepository(i).Repository)
	}
	setup.Installation.ID = 4242
	x := &fixture{GitHub: fakegithubtest.New(t, setup)}
	var err error
	x.api, err = githubapp.New(githubapp.Config{
		URL: "https://api.github.test", UserAgent: "valetkey-test", Transport: transport{x, transporttest.InMemory{Handler: x.GitHub}},
	})
	if err != nil {
		t.Fatal(err)
	}
	x.use(t, x.app())
	return x
}

// app returns the configuration of a fleet that has the App.
func (x *fixture) app() Config { return Config{Issuer: x.App.ClientID, Key: fakegithubtest.Key()} }

// grant changes the permissions of the installation.
func (x *fixture) grant(permissions map[string]string) {
	x.Installation.Permissions = permissions
	x.Install(x.Installation)
}

// use replaces the fleet.
func (x *fixture) use(t testing.TB, c Config) {
	t.Helper()
	tell := func(text string) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.told = append(x.told, text)
	}
	c.API = x.api
	c.Info = func(format string, args ...any) { tell(fmt.Sprintf(format, args...)) }
	c.Warning = func(err error) { tell("warning: " + described(err)) }
	var err error
	if x.Fleet, err = New(c); err != nil {
		t.Fatal(err)
	}
}

// transport runs what a test does before each request.
type transport struct {
	x    *fixture
	next http.RoundTripper
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.x.before != nil {
		if err := t.x.before(r); err != nil {
			return nil, err
		}
	}
	return t.next.RoundTrip(r)
}

// look lists the secrets of a place, which takes its permission.
func (x *fixture) look(ctx context.Context, at secret.Place) error {
	_, _, err := secret.List(ctx, x.Call, at)
	return err
}

// inRepository is the place of the Actions secrets of r0, r1 and so on.
func inRepository(i int) secret.Place {
	return secret.Place{Owner: "acme", Repository: fmt.Sprintf("r%d", i), App: "actions"}
}

// announce announces calls about the secrets of the first n repositories.
func (x *fixture) announce(n int) {
	for i := range n {
		x.Need("acme", inRepository(i).Repository, "secrets")
	}
}

// look0 lists the secrets of r0.
func (x *fixture) look0(ctx context.Context) error { return x.look(ctx, inRepository(0)) }

// opened lists what the tokens open, sorted.
func (x *fixture) opened() []string {
	var list []string
	for _, token := range x.Tokens() {
		reach := fmt.Sprintf("%d repositories", len(token.Repositories))
		if token.RepositorySelection == "all" {
			reach = "all repositories"
		}
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(token.Permissions)) {
			lines = append(lines, name+": "+token.Permissions[name])
		}
		list = append(list, reach+", "+strings.Join(lines, ", "))
	}
	slices.Sort(list)
	return list
}

// alive counts the tokens that GitHub still accepts.
func (x *fixture) alive() (n int) {
	for _, token := range x.Tokens() {
		if x.Alive(token.Value) {
			n++
		}
	}
	return n
}

// count counts the requests of a method whose path has an ending.
func (x *fixture) count(method, end string) (n int) {
	for _, r := range x.Requests() {
		if r.Method == method && strings.HasSuffix(r.Path, end) {
			n++
		}
	}
	return n
}

// described returns an error with its hint, and without the request id.
func described(err error) string {
	if err == nil {
		return ""
	}
	text := fault.Line(err)
	if from := strings.Index(text, " (request "); from >= 0 {
		text = text[:from] + text[from+strings.Index(text[from:], ")")+1:]
	}
	return text
}

var _ apicall.Func = (&Fleet{}).Call

var errLine = errors.New("the line is dead")

// opensesame returns a value for every variable.
func opensesame(string) (redact.String, error) { return redact.New("opensesame-value"), nil }
