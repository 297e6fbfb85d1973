package githubapp

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
	"github.com/valetkey/valetkey/internal/redact"
)

// The hint for an answer of a website names the address of its API.
func TestWebsites(t *testing.T) {
	for base, want := range map[string]string{
		"https://github.com": "github.com answers like a website, not like GitHub's API: github-api-url must be " +
			"https://api.github.com",
		"https://octo.ghe.com": "octo.ghe.com answers like a website, not like GitHub's API: github-api-url must be " +
			"https://api.octo.ghe.com",
		"https://ghes.test": "ghes.test answers like a website, not like GitHub's API: github-api-url must be " +
			"https://ghes.test/api/v3",
		"https://ghes.test:8443": "ghes.test:8443 answers like a website, not like GitHub's API: github-api-url must be " +
			"https://ghes.test:8443/api/v3",
		"https://ghes.test/api/v3": "ghes.test does not answer like GitHub's API: github-api-url must be https://api.github.com, or " +
			"https://HOST/api/v3 on an Enterprise Server",
		"https://api.github.com": "api.github.com does not answer like GitHub's API: github-api-url must be https://api.github.com, or " +
			"https://HOST/api/v3 on an Enterprise Server",
		"https://api.octo.ghe.com/": "api.octo.ghe.com does not answer like GitHub's API: github-api-url must be",
	} {
		for kind, answer := range map[string]func(http.ResponseWriter, *http.Request){
			"a page": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("X-GitHub-Request-Id", "AA:BB") // the website gives them too
				w.WriteHeader(http.StatusNotFound)
				fmt.Fprint(w, "<html>404</html>")
			},
			"JSON that is not the API's": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusNotFound)
				fmt.Fprint(w, `{"error":"Not Found"}`)
			},
		} {
			f := newFixture(t)
			api, err := New(Config{
				URL: base, UserAgent: "valetkey-test", Transport: transporttest.InMemory{Handler: http.HandlerFunc(answer)},
			})
			if err != nil {
				t.Fatal(err)
			}
			f.app, err = api.App(testClientID, fakegithubtest.Key())
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.app.Installation(t.Context(), Target{Owner: "acme"})
			var e *Error
			if !errors.As(err, &e) || !strings.HasPrefix(e.ErrorHint(), want) {
				t.Errorf("%s, %s: got %v, hint %q, want %q", base, kind, err, e.ErrorHint(), want)
			}
		}
	}
}

// The hint for an answer that is not GitHub's names what may have answered.
func TestAnswersOfOthers(t *testing.T) {
	for _, c := range []struct {
		base, kind string
		status     int
		want       string
	}{
		{"https://api.github.test", "text/html", 403, "a firewall or a proxy answers in place of api.github.test"},
		{"https://ghes.test", "text/html", 451, "a firewall or a proxy answers in place of ghes.test"},
		{
			"https://api.github.test", "text/html", 407,
			"check HTTPS_PROXY or HTTP_PROXY of the runner, its user and password too, or name api.github.test in NO_PROXY",
		},
		{"https://api.github.test", "application/json", 418, "api.github.test does not answer like GitHub's API"},
		{"https://api.github.test", "text/html", 502, "GitHub has trouble, or a proxy in front of it, whose answer this seems to be"},
		{"https://ghes.test/api/v3", "text/html", 502, "ghes.test has trouble of its own: ask its administrator"},
	} {
		synctest.Test(t, func(t *testing.T) {
			answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.status)
				fmt.Fprint(w, "{}")
			})
			api, err := New(Config{URL: c.base, UserAgent: "valetkey-test", Transport: transporttest.InMemory{Handler: answer}})
			if err != nil {
				t.Fatal(err)
			}
			err = api.Reach(t.Context(), redact.New("x"), "acme", "api")
			var e *Error
			if !errors.As(err, &e) || !strings.HasPrefix(e.ErrorHint(), c.want) {
				t.Errorf("%s, %d: %v, hint %q, want %q", c.base, c.status, err, e.ErrorHint(), c.want)
			}
		})
	}
}
