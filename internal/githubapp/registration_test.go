package githubapp

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
	"github.com/valetkey/valetkey/internal/redact"
)

// makeApp makes an App as a person does in a browser, and returns the code that
// GitHub sends the browser back with.
func (f *fixture) makeApp(t *testing.T) redact.String {
	t.Helper()
	const manifest = `{"name": "new key", "url": "https://acme.test", "redirect_url": "http://back.test/", "public": false,
		"default_permissions": {"contents": "read"}}`
	browser := fakegithubtest.NewBrowser(transporttest.InMemory{Handler: f})
	browser.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	err := browser.Post(t.Context(), "https://github.test/organizations/acme/settings/apps/new", url.Values{"manifest": {manifest}})
	if err == nil {
		err = browser.Submit(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(browser.Header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("%s: %v", browser.Text, err)
	}
	return redact.New(back.Query().Get("code"))
}

// logged is the fixture with debug logging.
func (f *fixture) logged(t *testing.T) *API {
	t.Helper()
	api, err := New(Config{
		URL: "https://api.github.test", UserAgent: "valetkey-test", Transport: transporttest.InMemory{Handler: f},
		Info:  func(format string, args ...any) { f.said = append(f.said, fmt.Sprintf(format, args...)) },
		Debug: func(format string, args ...any) { f.said = append(f.said, fmt.Sprintf(format, args...)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// An App is taken over without a credential, and can mint once it is installed.
func TestRegister(t *testing.T) {
	f := newFixture(t)
	api, code := f.logged(t), f.makeApp(t)
	f.ResetRequests()
	made, err := api.Register(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	if made.Slug != "new-key" || made.Name != "new key" || made.Owner != "acme" || made.Permissions["contents"] != "read" {
		t.Errorf("%+v", made)
	}
	if r := f.Requests(); len(r) != 1 || r[0].Authorization != "none" {
		t.Errorf("%+v", r)
	}
	key, err := ParseKey(made.Key)
	if err != nil {
		t.Fatal(err)
	}
	app, err := api.App(made.ClientID, key.(*rsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	if _, found, err := app.FindInstallation(t.Context(), Target{Owner: "acme"}); found || err != nil {
		t.Errorf("before it is installed: %v, %v", found, err)
	}
	_, err = api.Register(t.Context(), code)
	if got := firstLine(err); got != "take the App over: GitHub answered 404: Not Found" {
		t.Errorf("second use: %s", got)
	}
	for _, line := range f.said {
		if strings.Contains(line, code.Reveal()) || strings.Contains(line, made.Key.Reveal()) {
			t.Errorf("a secret is readable in %q", line)
		}
	}
	if said := strings.Join(f.said, "\n"); !strings.Contains(said, "POST /app-manifests/***: 201") {
		t.Errorf("the log says %s", said)
	}
}

// The key comes once: the hint says what is left to do.
func TestRegisterFails(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  fakegithub.Fault
		reason string
		hint   string
	}{
		{
			"the first answer is lost",
			fakegithub.Fault{Drop: true, After: true},
			"GitHub answered 404: Not Found", "generate another private key on the App's settings page",
		},
		{
			"the answer repeats the code",
			fakegithub.Fault{Status: 422, Body: `{"message": "Code CODE is not valid"}`},
			"GitHub answered 422: Code *** is not valid", "",
		},
		{
			"no key",
			fakegithub.Fault{Rewrite: func([]byte) []byte { return []byte(`{"slug": "a", "client_id": "b", "owner": null}`) }},
			"pem is missing", "answers in its place",
		},
		{
			"an empty key",
			fakegithub.Fault{Rewrite: func([]byte) []byte {
				return []byte(`{"slug": "a", "client_id": "b", "owner": null, "pem": ""}`)
			}},
			"has no slug, no client id or no key", "answers in its place",
		},
	} {
		f := newFixture(t)
		f.SkipOpenAPI = true
		api, code := f.logged(t), f.makeApp(t)
		c.fault.Body = strings.ReplaceAll(c.fault.Body, "CODE", code.Reveal())
		c.fault.Method, c.fault.Path, c.fault.Times = "POST", "/app-manifests/*/conversions", 1
		f.Inject(c.fault)
		_, err := api.Register(context.Background(), code)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.reason) || !strings.Contains(e.ErrorHint(), c.hint) {
			t.Errorf("%s: %v; hint: %s", c.name, err, e.ErrorHint())
		}
		if strings.Contains(fmt.Sprint(err, e.ErrorHint(), f.said), code.Reveal()) {
			t.Errorf("%s: the code is readable", c.name)
		}
	}
}

// Whatever GitHub itself answers will do; anything else means that a new App's
// key could not be received.
func TestCheckReachable(t *testing.T) {
	html, nobody := map[string]string{"Content-Type": "text/html"}, map[string]string{"X-GitHub-Request-Id": ""}
	for _, c := range []struct {
		name  string
		fault fakegithub.Fault
		want  string
	}{
		{"it answers", fakegithub.Fault{Method: "DELETE"}, ""},
		{"a private server", fakegithub.Fault{Status: 401, Body: `{"message": "Must authenticate to access this API."}`}, ""},
		{"a used up limit", fakegithub.Fault{Status: 403, Body: `{"message": "API rate limit exceeded for 192.0.2.1."}`}, ""},
		{"a website", fakegithub.Fault{Status: 404, Header: html, Body: "<html>"}, "GitHub answered 404"},
		{"a firewall", fakegithub.Fault{Status: 403, Header: nobody, Body: "no"}, "GitHub answered 403"},
	} {
		f := newFixture(t)
		f.SkipOpenAPI = true
		f.Inject(c.fault)
		err := f.api.CheckReachable(t.Context())
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
