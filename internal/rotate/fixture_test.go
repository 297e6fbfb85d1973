package rotate

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/apicall/apicalltest"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
)

// fixture is a GitHub with the owner acme. Its repository infra has deploy keys
// and its repository app stores them. The tests run in a synctest bubble.
type fixture struct {
	*fakegithubtest.GitHub
	t    testing.TB
	skew time.Duration // how far GitHub's clock is ahead

	mu      sync.Mutex
	token   string
	until   time.Time
	secrets []string // all secrets that the engine reported
	texts   []string // all texts that anybody may read
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, GitHub: fakegithubtest.New(t, fakegithubtest.Setup{
		App: fakegithub.App{Slug: "keeper", Owner: "acme", Permissions: map[string]string{
			"administration": "write", "environments": "write", "secrets": "write", "dependabot_secrets": "write",
			"organization_secrets": "write", "organization_codespaces_secrets": "write",
			"actions_variables": "write", "organization_actions_variables": "write",
		}},
		Repositories: []string{"app", "infra"},
	})}
	f.AddEnvironment("acme", "app", "production")
	f.SetRequestsPerHour(1 << 30)
	f.SkipOpenAPI = true // a year, or a race in every order, takes too many requests for that
	return f
}

// call is an [apicall.Func] that never retries.
func (f *fixture) call(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
	if r.Body != nil {
		text, _ := json.Marshal(r.Body)
		f.noteText(string(text))
	}
	return apicalltest.Send(ctx, f, "token "+f.mint(), r)
}

// must makes a request that does not belong to the engine.
func (f *fixture) must(method, path string, body, result any) {
	f.t.Helper()
	r := apicall.Request{Op: method + " " + path, Method: method, Path: path, Body: body, Result: result}
	if _, err := apicalltest.Send(context.Background(), f, "token "+f.mint(), r); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) mint() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Now().Before(f.until) {
		return f.token
	}
	token, err := f.Mint(time.Now().Add(f.skew), f.Installation.ID, nil)
	if err != nil {
		panic(err)
	}
	f.token, f.until = token, time.Now().Add(50*time.Minute)
	return f.token
}

// noteText remembers a text that must not contain a secret.
func (f *fixture) noteText(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.texts = append(f.texts, text)
}

// engine returns the engine of one run, whose requests go through a call that
// may interfere.
func (f *fixture) engine(call apicall.Func) *Engine {
	return &Engine{
		Call:   oneByOne(f.call, call),
		Origin: testOrigin,
		Secret: func(s redact.String) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.secrets = append(f.secrets, s.Reveal())
		},
		Info: func(format string, args ...any) { f.noteText(fmt.Sprintf(format, args...)) },
		Identity: func() (redact.String, string, error) {
			text := rand.Text()
			return redact.New("AGE-SECRET-KEY-" + text), recipientOf("AGE-SECRET-KEY-" + text), nil
		},
		Mint: func(context.Context, manifest.Rotation) (Minted, error) {
			return Minted{Value: redact.New("ghs_" + rand.Text())}, nil
		},
	}
}

// testOrigin says where the manifest of the tests is kept.
var testOrigin = Origin{Host: "github.com", Repository: "1", Path: ".github/valetkey.yml"}

// oneByOne passes requests to a call that interferes with them one at a time,
// in the order in which they come. A nil call does not interfere.
func oneByOne(call, meddling apicall.Func) apicall.Func {
	if meddling == nil {
		return call
	}
	turn := make(chan struct{}, 1)
	return func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
		turn <- struct{}{}
		defer func() { <-turn }()
		return meddling(ctx, r)
	}
}

func recipientOf(identity string) string {
	return fmt.Sprintf("age1%x", len(identity)) + strings.ToLower(identity[len(identity)-6:])
}

// run performs a whole run, and remembers its reports as texts that people
// read.
func (f *fixture) run(e *Engine, rotations ...manifest.Rotation) []Report {
	return f.runIn(f.t.Context(), e, rotations...)
}

func (f *fixture) runIn(ctx context.Context, e *Engine, rotations ...manifest.Rotation) []Report {
	reports := e.Run(ctx, rotations)
	for i := range reports {
		f.noteText(fmt.Sprintf("%+v %+v", reports[i], reports[i].Err))
	}
	return reports
}

// checkNoSecretShown fails the test if a secret, or a line of one, could be
// read anywhere.
func (f *fixture) checkNoSecretShown() {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	all := strings.Join(f.texts, "\n")
	for _, s := range f.secrets {
		for line := range strings.Lines(s) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") && strings.Contains(all, line) {
				f.t.Fatalf("a line of a secret can be read")
			}
		}
	}
	f.secrets, f.texts = nil, nil
}

const day = 24 * time.Hour

// hint returns the hint of the first of the errors, as cli prints it.
func hint(err error) string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		err = joined.Unwrap()[0]
	}
	return fault.Hint(err)
}

// status returns an answer of which only the status matters.
func status(code int) apicall.Answer { return apicall.Answer{Status: code} }

// inBubble runs a case in a synctest bubble, with a fixture of its own.
func inBubble(t *testing.T, name string, do func(*testing.T, *fixture)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			f.SkipOpenAPI = false
			do(t, f)
			f.checkNoSecretShown()
		})
	})
}

// answering returns an engine for which do answers the requests with a method
// and path prefix.
func (f *fixture) answering(method, path string, do func(ctx context.Context, r apicall.Request) (apicall.Answer, error)) *Engine {
	return f.engine(func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
		if r.Method == method && strings.HasPrefix(r.Path, path) {
			return do(ctx, r)
		}
		return f.call(ctx, r)
	})
}

const keysPath = "repos/acme/infra/keys"
