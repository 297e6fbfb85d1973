package setup

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/permission"
)

// request is what somebody sends to the page.
type request struct {
	method, path string
	host, origin string
	destination  string // Sec-Fetch-Dest
	cookie       *http.Cookie
}

// send makes a request of the door, without following redirects.
func (r request) send(t *testing.T, d *door) (*http.Response, string) {
	t.Helper()
	method := r.method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+d.host+r.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.host != "" {
		req.Host = r.host
	}
	for name, value := range map[string]string{"Origin": r.origin, "Sec-Fetch-Dest": r.destination} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if r.cookie != nil {
		req.AddCookie(r.cookie)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func newDoor(t *testing.T, plan Plan) *door {
	t.Helper()
	if plan.Website == "" {
		plan.Website = "https://github.test"
	}
	d, err := openDoor(t.Context(), plan, "the file key.pem", func(string, ...any) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.close(t.Context()) })
	return d
}

const code = "0123456789abcdef0123456789abcdef01234567"

// Nobody but the browser that got the page can hand in a code, and only the
// answer to the page's own form.
func TestDoorRefuses(t *testing.T) {
	const own = "OWN" // stands for the cookie of the browser that got the page
	for _, c := range []struct {
		name   string
		send   request
		status int
	}{
		{"another host", request{host: "evil.test:80", path: "PATH", cookie: &http.Cookie{Name: own}}, http.StatusMisdirectedRequest},
		{"localhost is another name", request{host: "localhost:PORT", path: "PATH"}, http.StatusMisdirectedRequest},
		{"no port", request{host: "127.0.0.1", path: "PATH"}, http.StatusMisdirectedRequest},
		{"another origin", request{origin: "https://evil.test", path: "PATHnext", cookie: &http.Cookie{Name: own}}, http.StatusForbidden},
		{"no origin at all", request{origin: "null", path: "PATH", cookie: &http.Cookie{Name: own}}, http.StatusForbidden},
		{"a frame", request{destination: "iframe", path: "PATH", cookie: &http.Cookie{Name: own}}, http.StatusForbidden},
		{"a script", request{destination: "empty", path: "PATHmade?state=STATE&code=" + code}, http.StatusForbidden},
		{"a form", request{method: "POST", path: "PATHmade?state=STATE&code=" + code}, http.StatusMethodNotAllowed},
		{"the root", request{path: "/"}, http.StatusNotFound},
		{"a guess", request{path: "/AAAAAAAAAAAAAAAAAAAAAAAAAA/"}, http.StatusNotFound},
		{"an upper path", request{path: "/AAAA/..PATH"}, http.StatusNotFound},
		{"a longer path", request{path: "PATHelse", cookie: &http.Cookie{Name: own}}, http.StatusNotFound},
		{"the page in a second browser", request{path: "PATH"}, http.StatusForbidden},
		{"the rest in a second browser", request{path: "PATHnext"}, http.StatusForbidden},
		{"a code from a second browser", request{path: "PATHmade?state=STATE&code=" + code}, http.StatusForbidden},
		{"another cookie", request{path: "PATH", cookie: &http.Cookie{Name: "NAME", Value: "x"}}, http.StatusForbidden},
		{"no state", request{path: "PATHmade?code=" + code, cookie: &http.Cookie{Name: own}}, http.StatusForbidden},
		{"another state", request{path: "PATHmade?state=x&code=" + code, cookie: &http.Cookie{Name: own}}, http.StatusForbidden},
		{"two states", request{path: "PATHmade?state=STATE&state=x&code=" + code, cookie: &http.Cookie{Name: own}}, http.StatusForbidden},
		{"no code", request{path: "PATHmade?state=STATE", cookie: &http.Cookie{Name: own}}, http.StatusBadRequest},
		{"an empty code", request{path: "PATHmade?state=STATE&code=", cookie: &http.Cookie{Name: own}}, http.StatusBadRequest},
		{"two codes", request{path: "PATHmade?state=STATE&code=a&code=b", cookie: &http.Cookie{Name: own}}, http.StatusBadRequest},
		{
			"a path for a code",
			request{path: "PATHmade?state=STATE&code=..%2Fapp%2Finstallations", cookie: &http.Cookie{Name: own}},
			http.StatusBadRequest,
		},
		{
			"a long code",
			request{path: "PATHmade?state=STATE&code=" + strings.Repeat("a", maxCode+1), cookie: &http.Cookie{Name: own}},
			http.StatusBadRequest,
		},
		{
			"a huge code",
			request{path: "PATHmade?state=STATE&code=" + strings.Repeat("a", 64<<10), cookie: &http.Cookie{Name: own}},
			http.StatusRequestHeaderFieldsTooLarge,
		},
	} {
		d := newDoor(t, Plan{Name: "key"})
		opened, _ := request{path: d.path}.send(t, d)
		fill := strings.NewReplacer("PATH", d.path, "STATE", d.state, "PORT", d.host[strings.LastIndex(d.host, ":")+1:])
		c.send.path, c.send.host = fill.Replace(c.send.path), fill.Replace(c.send.host)
		switch {
		case c.send.cookie != nil && c.send.cookie.Name == own:
			c.send.cookie = opened.Cookies()[0]
		case c.send.cookie != nil:
			c.send.cookie.Name = d.cookieName()
		}
		resp, text := c.send.send(t, d)
		if resp.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", c.name, resp.StatusCode, c.status)
		}
		if d.wasTaken() || strings.Contains(text, d.state) || strings.Contains(text, code) {
			t.Errorf("%s: a code was taken, or something is given away", c.name)
		}
		if c.status == http.StatusNotFound && strings.Contains(text, d.path) {
			t.Errorf("%s: the path is given away", c.name)
		}
		// The right answer still counts.
		made := request{path: d.path + "made?state=" + d.state + "&code=" + code, cookie: opened.Cookies()[0]}
		if resp, _ := made.send(t, d); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != d.path+"next" {
			t.Errorf("%s: then the right answer gets %d", c.name, resp.StatusCode)
		}
	}
}

// The code is taken once, and the page is not shown again.
func TestDoorIsUsedOnce(t *testing.T) {
	d := newDoor(t, Plan{Name: "key"})
	opened, _ := request{path: d.path}.send(t, d)
	ours := opened.Cookies()[0]
	if !ours.HttpOnly || ours.SameSite != http.SameSiteLaxMode || ours.Path != d.path {
		t.Errorf("the cookie is %s", ours)
	}
	if early, _ := (request{path: d.path + "next", cookie: ours}).send(t, d); early.Header.Get("Location") != d.path {
		t.Errorf("what comes next, before GitHub's answer: %d", early.StatusCode)
	}
	made := request{path: d.path + "made?state=" + d.state + "&code=" + code, cookie: ours, origin: d.plan.Website}
	for i, want := range []int{http.StatusSeeOther, http.StatusGone, http.StatusGone} {
		if resp, _ := made.send(t, d); resp.StatusCode != want {
			t.Errorf("use %d: %d, want %d", i+1, resp.StatusCode, want)
		}
	}
	if again, _ := (request{path: d.path, cookie: ours}).send(t, d); again.Header.Get("Location") != d.path+"next" {
		t.Errorf("the page is shown again: %d", again.StatusCode)
	}
	got, err := d.wait(t.Context())
	if err != nil || got.Reveal() != code {
		t.Errorf("%s, %v", got.Reveal(), err)
	}
	d.show("done")
	if resp, text := (request{path: d.path + "next", cookie: ours}).send(t, d); text != "done" || resp.StatusCode != http.StatusOK {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

// What people name ends up as text, in the page and in the manifest.
func TestPageHoldsNames(t *testing.T) {
	const hostile = `"><script>alert(1)</script>'","public":true,"x":"`
	d := newDoor(t, Plan{
		Name: hostile, Organization: hostile, Website: "https://github.test", Permissions: permission.Set{"contents": hostile},
	})
	resp, text := request{path: d.path}.send(t, d)
	if strings.Contains(text, "<script") || strings.Contains(text, `","public":true`) {
		t.Errorf("names are markup:\n%s", text)
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") ||
		!strings.HasSuffix(policy, "form-action https://github.test; base-uri 'none'; frame-ancestors 'none'") {
		t.Error(policy)
	}
	if regexp.MustCompile(`(src|@import|url\()`).MatchString(text) {
		t.Errorf("something is fetched from elsewhere:\n%s", text)
	}
	form, _, _ := strings.Cut(text, "</form>")
	form = form[strings.Index(form, "<form"):]
	action := regexp.MustCompile(`action="([^"]*)"`).FindStringSubmatch(form)
	if u, err := url.Parse(action[1]); err != nil || u.Host != "github.test" {
		t.Errorf("the form goes to %s", action[1])
	}
}

// Readers of every kind get along with the page: it says its language, has one
// heading and a title, a table with headers, and a button in words.
func TestPageIsAccessible(t *testing.T) {
	start := acme.startPage("s", "http://127.0.0.1:1/x/made", "the file key.pem")
	for name, page := range map[string]string{
		"start": start,
		"made":  acme.installPage(App{Name: "valetkey-mint-acme", Slug: "valetkey-mint-acme", Owner: "acme"}),
	} {
		for _, want := range []string{`<html lang="en">`, "<title>", "<main>", `name="viewport"`, `charset="utf-8"`} {
			if strings.Count(page, want) != 1 {
				t.Errorf("%s has no %s, or two", name, want)
			}
		}
		if strings.Count(page, "<h1>") != 1 || strings.Contains(page, "<script") || strings.Contains(page, "onclick") {
			t.Errorf("%s:\n%s", name, page)
		}
	}
	for _, want := range []string{
		`<button class="go" type="submit">Continue to github.com</button>`, "<caption>Permissions</caption>",
		`<th scope="row">contents</th>`,
		`action="https://github.com/organizations/acme/settings/apps/new?state=s"`, "Its private key goes to the file key.pem",
	} {
		if !strings.Contains(start, want) {
			t.Errorf("the page has no %s:\n%s", want, start)
		}
	}
}
