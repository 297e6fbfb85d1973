package githubapp

import (
	"crypto/rsa"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
	"github.com/valetkey/valetkey/internal/redact"
)

// fixture is a GitHub with one App on one organization, reached without a
// socket: sockets would stop the clock of a synctest bubble.
type fixture struct {
	*fakegithubtest.GitHub
	api    *API
	app    *App
	said   []string // notices
	jwts   []redact.String
	tokens []redact.String
}

const (
	testClientID     = "Iv23liTESTkeeper0000"
	testInstallation = 4242
)

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{GitHub: fakegithubtest.New(t, fakegithubtest.Setup{
		App: fakegithub.App{
			ID: 917, ClientID: testClientID, Slug: "keeper", Owner: "acme",
			Permissions: map[string]string{"metadata": "read", "contents": "write", "issues": "write"},
		},
		Repositories: []string{"api", "web"},
		Installation: fakegithub.Installation{ID: testInstallation},
	})}
	f.connect(t, "https://api.github.test", fakegithubtest.Key())
	return f
}

func (f *fixture) connect(t testing.TB, url string, key *rsa.PrivateKey) {
	t.Helper()
	var err error
	f.api, err = New(Config{
		URL: url, UserAgent: "valetkey-test", Transport: transporttest.InMemory{Handler: f},
		Warning: func(format string, args ...any) { f.said = append(f.said, "warning: "+fmt.Sprintf(format, args...)) },
		Info:    func(format string, args ...any) { f.said = append(f.said, fmt.Sprintf(format, args...)) },
		OnJWT:   func(s redact.String) { f.jwts = append(f.jwts, s) },
		OnToken: func(s redact.String) { f.tokens = append(f.tokens, s) },
	})
	if err == nil {
		f.app, err = f.api.App(testClientID, key)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// asked lists the requests that reached the server.
func (f *fixture) asked() []string {
	var list []string
	for _, r := range f.Requests() {
		list = append(list, r.Method+" "+r.Path+" "+strconv.Itoa(r.Status))
	}
	return list
}

// firstLine returns an error's text without its request id, which differs each
// time.
func firstLine(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	if i := strings.Index(text, " (request "); i >= 0 {
		if j := strings.Index(text[i:], ")"); j >= 0 {
			text = text[:i] + text[i+j+1:]
		}
	}
	return text
}
