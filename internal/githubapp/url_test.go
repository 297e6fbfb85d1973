package githubapp

import (
	"context"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/address"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://api.github.com":         "https://api.github.com/",
		" https://api.octo.ghe.com/ ":    "https://api.octo.ghe.com/",
		"https://ghes.test/api/v3":       "https://ghes.test/api/v3/",
		"https://ghes.test:8443/api/v3/": "https://ghes.test:8443/api/v3/",
		"http://127.0.0.1:8080":          "http://127.0.0.1:8080/",
		"http://localhost":               "http://localhost/",
		"HTTPS://API.GitHub.com:443/":    "https://api.github.com/",
		"http://127.0.0.1:80":            "http://127.0.0.1/",
		"https://ghes.test:/API/v3":      "https://ghes.test/API/v3/",
		"https://[2001:DB8::1]:443":      "https://[2001:db8::1]/",
		"http://ghes.test":               address.ErrPlain.Error(),
		"http://0.0.0.0:8080":            address.ErrPlain.Error(),
		"ftp://x":                        "is not an http(s) URL",
		"api.github.com":                 "is not an http(s) URL",
		"https://":                       "is not an http(s) URL",
		"https://u:p@ghes.test":          "holds a user name or password",
		"https://ghes.test/?x=1":         "has a query or a fragment",
		"https://[::1":                   "is not an http(s) URL",
	} {
		u, err := ParseURL(text)
		if err != nil && err.Error() != want || err == nil && u.String() != want {
			t.Errorf("%s: got %v, %v, want %s", text, u, err, want)
		}
	}
	if u, err := ParseInsecureURL("http://GHES.test:80"); err != nil || u.String() != "http://ghes.test/" {
		t.Errorf("insecure: %v, %v", u, err)
	}
	for _, insecure := range []bool{false, true} {
		if _, err := New(Config{URL: "http://ghes.test", InsecureHTTP: insecure}); (err == nil) != insecure {
			t.Errorf("insecure is %v: %v", insecure, err)
		}
	}
}

// The same App on each kind of host, with and without a slash at the end.
func TestHosts(t *testing.T) {
	for _, base := range []string{
		"https://api.github.com", "https://api.octo.ghe.com/", "https://ghes.test/api/v3", "https://ghes.test/api/v3/",
	} {
		f := newFixture(t)
		f.connect(t, base, fakegithubtest.Key())
		if _, err := f.app.Installation(context.Background(), Target{Owner: "acme", Repository: "api"}); err != nil {
			t.Errorf("%s: %v", base, err)
		}
		want := strings.TrimSuffix(strings.TrimPrefix(base[8:], strings.SplitN(base[8:], "/", 2)[0]), "/") + "/repos/acme/api/installation"
		if got := f.Requests()[0].Path; got != want {
			t.Errorf("%s: asked %s, want %s", base, got, want)
		}
	}
}
