package setup

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/redact"
)

// fixture is a flow against a GitHub on this machine, and what it told.
type fixture struct {
	*Flow
	github  *fakegithubtest.GitHub
	api     *githubapp.API
	browser *fakegithubtest.Browser
	pages   chan string // addresses that a browser was opened for

	mu   sync.Mutex
	told []string
	kept []App
}

func newFixture(t *testing.T, organization string, server bool) *fixture {
	t.Helper()
	github := fakegithubtest.New(t, fakegithubtest.Setup{
		Config: fakegithub.Config{EnterpriseServer: server},
		App:    fakegithub.App{Slug: "another", Owner: "acme"}, Repositories: []string{"api", "web"},
	})
	github.AddAccount(fakegithub.Account{Login: "octocat", Type: "User"})
	github.AddRepository(fakegithub.Repository{Owner: "octocat", Name: "dotfiles"})
	web := httptest.NewServer(github)
	t.Cleanup(web.Close)
	f := &fixture{github: github, browser: fakegithubtest.NewBrowser(nil), pages: make(chan string, 1)}
	address := web.URL
	if server {
		address += "/api/v3"
	}
	var err error
	f.api, err = githubapp.New(githubapp.Config{URL: address, UserAgent: "valetkey-test", Debug: f.info, Info: f.info})
	if err != nil {
		t.Fatal(err)
	}
	f.Flow = &Flow{
		Plan: Plan{
			Website: web.URL, Enterprise: server, Organization: organization, Name: "valetkey-mint-acme",
			Permissions: permission.Set{"contents": "write", "issues": "read"},
		},
		KeyGoes:  "the file key.pem",
		Browse:   func(address string) error { f.pages <- address; return nil },
		Register: f.register, Keep: f.keepKey, Installed: f.isInstalled, Check: f.check, Info: f.info,
		FormTime: 10 * time.Second, InstallTime: 10 * time.Second,
	}
	return f
}

func (f *fixture) info(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, fmt.Sprintf(format, args...))
}

// text returns all that was told so far.
func (f *fixture) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.told, "\n")
}

func (f *fixture) register(ctx context.Context, code redact.String) (App, error) {
	made, err := f.api.Register(ctx, code)
	return App(made), err
}

func (f *fixture) keepKey(_ context.Context, app App) ([]Kept, error) {
	f.kept = append(f.kept, app)
	return []Kept{{"the key is in the file key.pem", "delete the file"}}, nil
}

func (f *fixture) app(made App) (*githubapp.App, error) {
	key, err := githubapp.ParseKey(made.Key)
	if err != nil {
		return nil, err
	}
	return f.api.App(made.ClientID, key)
}

func (f *fixture) isInstalled(ctx context.Context, made App) (bool, error) {
	app, err := f.app(made)
	if err != nil {
		return false, err
	}
	_, found, err := app.FindInstallation(ctx, githubapp.Target{Owner: made.Owner})
	return found, err
}

func (f *fixture) check(ctx context.Context, made App) error {
	app, err := f.app(made)
	if err != nil {
		return err
	}
	installation, _, err := app.FindInstallation(ctx, githubapp.Target{Owner: made.Owner})
	if err != nil {
		return err
	}
	token, err := app.Mint(ctx, installation, githubapp.Scope{AllRepositories: true, Permissions: f.Permissions})
	return errors.Join(err, f.api.Discard(ctx, token.Value))
}

// outcome is what a run returned.
type outcome struct {
	Result
	err error
}

// run runs the flow.
func (f *fixture) run(ctx context.Context) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		r, err := f.Run(ctx)
		done <- outcome{r, err}
	}()
	return done
}

// start runs the flow, and opens the page as a person does.
func (f *fixture) start(ctx context.Context, t *testing.T) <-chan outcome {
	t.Helper()
	done := f.run(ctx)
	f.must(t, f.browser.Open(ctx, <-f.pages))
	return done
}

// confirm goes from the page to GitHub and back, with an App there.
func (f *fixture) confirm(ctx context.Context, t *testing.T) {
	t.Helper()
	f.must(t, f.browser.Submit(ctx, nil))
	f.must(t, f.browser.Submit(ctx, url.Values{"name": {"My key"}}))
}

// install follows the link on the page, and installs the App.
func (f *fixture) install(ctx context.Context, t *testing.T) {
	t.Helper()
	f.must(t, f.browser.Open(ctx, f.InstallPage("my-key")))
	f.must(t, f.browser.Submit(ctx, url.Values{"target": {"all"}}))
}

func (f *fixture) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v\n%s", err, f.text())
	}
}
