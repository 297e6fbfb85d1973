//go:build !nodemo

package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// watched is a log that somebody reads while it is written.
type watched struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// person is somebody who runs setup, with a browser.
type person struct {
	*fakegithubtest.GitHub
	web     string // where GitHub is
	env     map[string]string
	stdout  strings.Builder
	log     watched
	browser *fakegithubtest.Browser

	transport http.RoundTripper // to GitHub; nil: the network
}

func newPerson(t *testing.T) *person {
	t.Helper()
	p := &person{
		GitHub: fakegithubtest.New(t, fakegithubtest.Setup{
			App: fakegithub.App{Slug: "another", Owner: "acme"}, Repositories: []string{"api", "web"},
		}),
		browser: fakegithubtest.NewBrowser(nil),
		env:     map[string]string{"PATH": "/usr/bin:/bin", "HOME": t.TempDir(), "RUNNER_DEBUG": "1"},
	}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.web = server.URL
	t.Setenv("PATH", t.TempDir()) // no gh, unless a test puts one there
	return p
}

// run runs setup with flags, against this GitHub.
func (p *person) run(ctx context.Context, args ...string) (exit int) {
	return run(ctx, Process{
		Getenv:  func(name string) string { return p.env[name] },
		Environ: func() []string { return environ(p.env) },
		Stdout:  &p.stdout, Stderr: &p.log, Transport: p.transport,
	}, "setup", append([]string{"-github-api-url", p.web, "-no-browser"}, args...)...)
}

var pageAddress = regexp.MustCompile(`http://127\.0\.0\.1:\d+/\w{26}/`)

// waitFor returns what a pattern matches in the log, once it is there.
func (p *person) waitFor(t *testing.T, pattern *regexp.Regexp) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if found := pattern.FindString(p.log.String()); found != "" {
			return found
		}
	}
	t.Fatalf("%s is not in:\n%s", pattern, &p.log)
	return ""
}

// make runs setup, and does in the browser what it asks for.
func (p *person) make(t *testing.T, args ...string) (exit int) {
	t.Helper()
	done := make(chan int, 1)
	go func() { done <- p.run(t.Context(), args...) }()
	installPage := regexp.MustCompile(regexp.QuoteMeta(p.web) + `/(github-)?apps/\S+/installations/new`)
	steps := []func() error{
		func() error { return p.browser.Open(t.Context(), p.waitFor(t, pageAddress)) },
		func() error { return p.browser.Submit(t.Context(), nil) },
		func() error { return p.browser.Submit(t.Context(), nil) },
		func() error { return p.browser.Open(t.Context(), p.waitFor(t, installPage)) },
		func() error { return p.browser.Submit(t.Context(), url.Values{"target": {"all"}}) },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v\n%s", i, err, &p.log)
		}
	}
	return <-done
}

// checkHidden looks for secrets in all that was written.
func (p *person) checkHidden(t *testing.T) {
	t.Helper()
	all := p.stdout.String() + p.log.String()
	for _, token := range p.Tokens() {
		if strings.Contains(all, token.Value) {
			t.Error("a token is readable")
		}
		if !token.Revoked {
			t.Error("a token was not revoked")
		}
	}
	for what, pattern := range map[string]string{
		"a key": `PRIVATE KEY-----|MII[A-Za-z0-9+/]{20}`, "a JWT": `eyJ[\w-]+\.`, "a code or a client secret": `\b[0-9a-f]{40}\b`,
	} {
		if found := regexp.MustCompile(pattern).FindString(all); found != "" {
			t.Errorf("%s is readable: %s", what, found)
		}
	}
}
