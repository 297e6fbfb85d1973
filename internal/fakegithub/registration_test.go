package fakegithub_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// post sends a form of a page, as a browser does.
func (f *fixture) post(path string, fields url.Values) reply {
	f.t.Helper()
	return f.send("POST", path, "", fields.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

const goodManifest = `{"name": "key of acme", "url": "https://acme.test", "redirect_url": "http://127.0.0.1:1/back?x=1", "public": false,
	"hook_attributes": {"url": "https://acme.test", "active": false}, "default_permissions": {"contents": "read"}}`

var confirmationField = regexp.MustCompile(`name="confirmation" value="(\w+)"`)

// confirm posts a manifest and presses the button, with the name that is given.
func (f *fixture) confirm(path, name string) reply {
	f.t.Helper()
	shown := f.post(path, url.Values{"manifest": {goodManifest}})
	id := confirmationField.FindStringSubmatch(shown.text)
	if shown.StatusCode != http.StatusOK || id == nil {
		f.t.Fatalf("%s: %d %s", path, shown.StatusCode, shown.text)
	}
	return f.post("/settings/apps/manifest", url.Values{"confirmation": {id[1]}, "name": {name}})
}

// codeOf returns the code with which the browser is sent back.
func (f *fixture) codeOf(r reply) string {
	f.t.Helper()
	back, err := r.Location()
	if r.StatusCode != http.StatusFound || err != nil {
		f.t.Fatalf("%d %s, %v", r.StatusCode, r.text, err)
	}
	return back.Query().Get("code")
}

func TestAppIsMadeFromManifest(t *testing.T) {
	for _, c := range []struct{ path, owner string }{
		{"/organizations/octo-corp/settings/apps/new?state=s1", "octo-corp"},
		{"/settings/apps/new?state=s1", "octocat"},
	} {
		f := newFixture(t, fakegithub.Config{})
		f.SkipOpenAPI = false
		back := f.confirm(c.path, "key of acme")
		want := regexp.MustCompile(`^http://127\.0\.0\.1:1/back\?code=\w{40}&state=s1&x=1$`)
		if to := back.Header.Get("Location"); !want.MatchString(to) {
			t.Errorf("the browser goes to %s", to)
		}
		made := f.send("POST", "/app-manifests/"+f.codeOf(back)+"/conversions", "", "")
		var app struct {
			Slug        string
			Owner       struct{ Login string }
			Permissions map[string]string
			PEM         string `json:"pem"`
		}
		if err := json.Unmarshal([]byte(made.text), &app); err != nil || made.StatusCode != http.StatusCreated {
			t.Fatalf("%d %s: %v", made.StatusCode, made.text, err)
		}
		if app.Slug != "key-of-acme" || app.Owner.Login != c.owner || app.Permissions["contents"] != "read" {
			t.Errorf("%+v", app)
		}
		block, _ := pem.Decode([]byte(app.PEM))
		if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			t.Error(err)
		}
		for _, r := range f.Requests() {
			if strings.Contains(r.Path, f.codeOf(back)) {
				t.Errorf("%s is recorded with its code", r.Path)
			}
		}
	}
}

// A code opens the key once, within an hour.
func TestCodeOfManifest(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	const organization = "/organizations/octo-corp/settings/apps/new"
	used, late := f.codeOf(f.confirm(organization, "one")), f.codeOf(f.confirm(organization, "two"))
	convert := func(code string) int { return f.send("POST", "/app-manifests/"+code+"/conversions", "", "").StatusCode }
	if got := convert(used); got != http.StatusCreated {
		t.Errorf("first use: %d", got)
	}
	if got := convert(used); got != http.StatusNotFound {
		t.Errorf("second use: %d", got)
	}
	f.SetClockSkew(time.Hour)
	if got := convert(late); got != http.StatusNotFound {
		t.Errorf("after an hour: %d", got)
	}
}

func TestManifestsThatGitHubRefuses(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	for manifest, want := range map[string]string{
		"":     "No manifest was posted",
		"text": "not a JSON object",
		`{"name": "a", "redirect_url": "http://127.0.0.1:1/"}`:                               "url must be a URL",
		strings.Replace(goodManifest, "http://127", "javascript:127", 1):                     "redirect_url must be a URL",
		strings.Replace(goodManifest, `"url": "https://acme.test", "active"`, `"active"`, 1): "hook_attributes.url must be a URL",
		strings.Replace(goodManifest, `"contents"`, `"content"`, 1):                          "content: read is not a permission",
		strings.Replace(goodManifest, `"read"`, `"reed"`, 1):                                 "contents: reed is not a permission",
		strings.Replace(goodManifest, `"name"`, `"title": "x", "name"`, 1):                   "not a JSON object of the documented keys",
	} {
		r := f.post("/organizations/octo-corp/settings/apps/new", url.Values{"manifest": {manifest}})
		if r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(r.text, want) {
			t.Errorf("%s: %d %s, want %q", manifest, r.StatusCode, r.text, want)
		}
	}
	form := url.Values{"manifest": {goodManifest}}
	for _, path := range []string{
		"/organizations/nobody/settings/apps/new", "/organizations/octocat/settings/apps/new",
		"/api/v3/organizations/octo-corp/settings/apps/new",
	} {
		if r := f.post(path, form); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	f.codeOf(f.confirm("/settings/apps/new", "taken"))
	for _, name := range []string{"Taken", "", "--", strings.Repeat("a", 35)} {
		if r := f.confirm("/settings/apps/new", name); r.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("the name %q: %d", name, r.StatusCode)
		}
	}
}

// A person installs the App on all of the account's repositories, or on some.
func TestInstallPage(t *testing.T) {
	for _, c := range []struct {
		server       bool
		page, other  string
		form         url.Values
		repositories string
	}{
		{false, "/apps/one/installations/new", "/github-apps/one/installations/new", url.Values{"target": {"all"}}, "all"},
		{
			true, "/github-apps/one/installations/new", "/apps/one/installations/new",
			url.Values{"target": {"selected"}, "repository": {"api"}},
			"selected",
		},
	} {
		f := newFixture(t, fakegithub.Config{EnterpriseServer: c.server})
		f.codeOf(f.confirm("/organizations/octo-corp/settings/apps/new", "one"))
		if r := f.send("GET", c.other, "", ""); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", c.other, r.StatusCode)
		}
		if r := f.send("GET", c.page, "", ""); r.StatusCode != http.StatusOK || !strings.Contains(r.text, "<button>Install</button>") {
			t.Errorf("%s: %d %s", c.page, r.StatusCode, r.text)
		}
		for _, wrong := range []url.Values{{"target": {"selected"}}, {"target": {"selected"}, "repository": {"no"}}} {
			if r := f.post(c.page, wrong); r.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%v: %d", wrong, r.StatusCode)
			}
		}
		to := f.post(c.page, c.form).Header.Get("Location")
		if again := f.send("GET", c.page, "", "").Header.Get("Location"); again != to || to == "" {
			t.Errorf("an App that is installed leads to %q, at first to %q", again, to)
		}
		seen := f.send("GET", strings.TrimPrefix(to, "http://ghes.test"), "", "")
		if !strings.Contains(seen.text, "Repository access: "+c.repositories) {
			t.Errorf("%s: %s", to, seen.text)
		}
	}
}
