package setup

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// From nothing to a token, for an organization and a person, on both kinds of
// GitHub.
func TestAppIsMade(t *testing.T) {
	for _, server := range []bool{false, true} {
		for organization, owner := range map[string]string{"acme": "acme", "": "octocat"} {
			t.Run(fmt.Sprintf("%s, server %v", owner, server), func(t *testing.T) {
				f, ctx := newFixture(t, organization, server), t.Context()
				started := time.Now()
				done := f.start(ctx, t)
				f.confirm(ctx, t)
				if !strings.Contains(f.browser.Text, f.InstallPage("my-key")) || strings.Contains(f.browser.URL.String(), "code") {
					t.Errorf("the browser is at %s, and shows %s", f.browser.URL, f.browser.Text)
				}
				f.install(ctx, t)
				end := <-done
				f.must(t, end.err)
				t.Logf("from start to a token that was minted and revoked: %s", time.Since(started).Round(time.Millisecond))
				if end.App.Owner != owner || end.App.Slug != "my-key" || len(f.kept) != 1 || f.kept[0].Key.Empty() {
					t.Errorf("%+v", end.App)
				}
				tokens := f.github.Tokens()
				if len(tokens) != 1 || !tokens[0].Revoked || tokens[0].Permissions["contents"] != "write" {
					t.Errorf("%+v", tokens)
				}
				secrets := regexp.MustCompile(`PRIVATE KEY|\b[0-9a-f]{40}\b|` + tokens[0].Value) // GitHub's codes have 40 digits
				if secrets.MatchString(f.text()) {
					t.Errorf("a secret is readable:\n%s", f.text())
				}
				if err := f.browser.Open(ctx, "http://"+hostIn(f.text())); err == nil {
					t.Error("the page is served after the end")
				}
			})
		}
	}
}

// hostIn returns the address of the page in what was told.
func hostIn(told string) string {
	_, rest, _ := strings.Cut(told, "http://127.0.0.1:")
	port, _, _ := strings.Cut(rest, "/")
	return "127.0.0.1:" + port
}

// A key that goes to GitHub through the App itself is kept after it is
// installed.
func TestKeyIsKeptLate(t *testing.T) {
	f, ctx := newFixture(t, "acme", false), t.Context()
	f.KeepLate = true
	done := f.start(ctx, t)
	f.confirm(ctx, t)
	if len(f.kept) != 0 {
		t.Error("it was kept before the App was installed")
	}
	f.install(ctx, t)
	if end := <-done; end.err != nil || len(f.kept) != 1 {
		t.Errorf("%v, kept %d times", end.err, len(f.kept))
	}
}

// The person stops it, at every step: it says what exists, and how to remove it.
func TestStopped(t *testing.T) {
	const none, app = "Nothing was made.", "- the App My key, which is not installed anywhere: Delete GitHub App on WEB" +
		"/organizations/acme/settings/apps/my-key/advanced\n"
	const kept = "- the key is in the file key.pem: delete the file\n"
	for _, c := range []struct {
		step string
		stop func(f *fixture, cancel func()) // makes the step stop it
		far  int                             // the person goes: -1 nowhere, 0 to the page, 1 to GitHub's form, 2 to the installation
		err  string
		want string
	}{
		{
			"before the page is opened", func(f *fixture, cancel func()) { f.Browse = func(string) error { cancel(); return nil } }, -1,
			"stopped while the page waited", none,
		},
		{
			"before GitHub's form", func(*fixture, func()) {}, 0,
			"stopped while the page waited", "nobody has its key: delete it there.\n  WEB/organizations/acme/settings/apps",
		},
		{
			"while the code is exchanged", func(f *fixture, cancel func()) {
				f.Register = func(ctx context.Context, _ redact.String) (App, error) { cancel(); return App{}, ctx.Err() }
			}, 1,
			"context canceled", "GitHub has made the App, and its key was not received",
		},
		{
			"before the key is kept", func(f *fixture, cancel func()) {
				f.Register = func(ctx context.Context, code redact.String) (App, error) {
					defer cancel()
					return f.register(ctx, code)
				}
			}, 1,
			"stopped before the key was kept",
			app + "Its key was not kept anywhere. To go on with the App, generate another one on " +
				"WEB/organizations/acme/settings/apps/my-key",
		},
		{
			"while the key is kept", func(f *fixture, cancel func()) {
				f.Keep = func(ctx context.Context, _ App) ([]Kept, error) {
					cancel()
					return []Kept{{"the secret KEY of acme/api", "gh secret delete KEY"}}, ctx.Err()
				}
			}, 1,
			"context canceled",
			app + "- the secret KEY of acme/api: gh secret delete KEY\nTo go on with it, install it: WEB/apps/my-key/installations/new",
		},
		{
			"before it is installed", func(f *fixture, cancel func()) {
				f.Installed = func(context.Context, App) (bool, error) { cancel(); return false, nil }
			}, 1,
			"stopped before the App was installed", app + kept + "To go on with it, install it: WEB/apps/my-key/installations/new",
		},
		{
			"while the token is minted", func(f *fixture, cancel func()) {
				f.Check = func(ctx context.Context, _ App) error { cancel(); return ctx.Err() }
			}, 2,
			"context canceled",
			strings.Replace(app, "which is not installed anywhere", "and its installation on acme", 1) + kept +
				"To go on with it, see what is wrong",
		},
	} {
		t.Run(c.step, func(t *testing.T) {
			f := newFixture(t, "acme", false)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c.stop(f, cancel)
			var done <-chan outcome
			if c.far < 0 {
				done = f.run(ctx)
			} else {
				done = f.start(ctx, t)
			}
			switch {
			case c.far == 0:
				cancel()
			case c.far >= 1:
				f.must(t, f.browser.Submit(t.Context(), nil))
				_ = f.browser.Submit(t.Context(), url.Values{"name": {"My key"}}) // the page may be gone by then
			}
			if c.far >= 2 {
				f.install(t.Context(), t)
			}
			end := <-done
			if end.err == nil || !strings.Contains(end.err.Error(), c.err) {
				t.Errorf("%v, want %s", end.err, c.err)
			}
			if got, want := end.Remains(), strings.ReplaceAll(c.want, "WEB", f.Website); !strings.Contains(got, want) {
				t.Errorf("it says\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// What goes wrong at GitHub ends it, with what exists.
func TestFails(t *testing.T) {
	for _, c := range []struct {
		name, err, remains string
		change             func(*fixture)
	}{
		{
			"nobody opens the page", "no answer came back from 127.0.0.1", "Nothing was made",
			func(f *fixture) { f.FormTime = 30 * time.Millisecond },
		},
		{
			"nobody installs it", "the App was not installed within", "To go on with it, install it",
			func(f *fixture) { f.InstallTime = 30 * time.Millisecond },
		},
		{
			"another owner's App", "the App belongs to mallory, and not to acme", "Its key was not kept anywhere",
			func(f *fixture) {
				f.Register = func(ctx context.Context, code redact.String) (App, error) {
					made, err := f.register(ctx, code)
					made.Owner = "mallory"
					return made, err
				}
			},
		},
		{
			"nobody's App", "the App belongs to nobody, and not to acme", "- the App my-key, which is not installed anywhere",
			func(f *fixture) {
				f.Register = func(ctx context.Context, code redact.String) (App, error) {
					made, err := f.register(ctx, code)
					made.Owner, made.Name = "", ""
					return made, err
				}
			},
		},
		{
			"the key can't be kept", "no room", "Its key was not kept anywhere",
			func(f *fixture) {
				f.Keep = func(context.Context, App) ([]Kept, error) { return nil, errors.New("no room") }
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, ctx := newFixture(t, "acme", false), t.Context()
			c.change(f)
			var done <-chan outcome
			if c.remains == "Nothing was made" {
				done = f.run(ctx)
			} else {
				done = f.start(ctx, t)
				f.confirm(ctx, t)
				if c.name != "nobody installs it" && !strings.Contains(f.browser.Text, "It went wrong") {
					t.Errorf("the browser shows %s", f.browser.Text)
				}
			}
			end := <-done
			if end.err == nil || !strings.Contains(end.err.Error(), c.err) || !strings.Contains(end.Remains(), c.remains) {
				t.Errorf("%v, want %s\n%s, want %s", end.err, c.err, end.Remains(), c.remains)
			}
		})
	}
}

// A new App that GitHub does not know everywhere yet is waited for, and the
// person learns of what does not pass.
func TestWaitsThroughErrors(t *testing.T) {
	f, ctx := newFixture(t, "acme", false), t.Context()
	asked := 0
	f.Installed = func(ctx context.Context, app App) (bool, error) {
		if asked++; asked <= manyErrors {
			return false, errors.New("GitHub answered 401")
		}
		return f.isInstalled(ctx, app)
	}
	done := f.start(ctx, t)
	f.confirm(ctx, t)
	f.install(ctx, t)
	if end := <-done; end.err != nil {
		t.Error(end.err)
	}
	if got := strings.Count(f.text(), "Still waiting; GitHub answered 401"); got != 1 {
		t.Errorf("it was told %d times:\n%s", got, f.text())
	}
}
