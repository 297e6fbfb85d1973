package fakegithub_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// fixture is a small GitHub: octo-corp with four repositories, of which the App
// reaches two. What it answers is not held against GitHub's description, unless
// a test asks for that.
type fixture struct {
	*fakegithubtest.GitHub
	t        testing.TB
	api, web fakegithub.Repository
}

func newFixture(t testing.TB, config fakegithub.Config) *fixture {
	t.Helper()
	f := &fixture{t: t, GitHub: fakegithubtest.New(t, fakegithubtest.Setup{
		Config: config,
		App: fakegithub.App{
			ID: 917, Slug: "vault-keeper", Owner: "octo-corp",
			Permissions: map[string]string{"contents": "write", "issues": "read", "members": "read"},
		},
		Repositories: []string{"api", "web", "vault"},
		Installation: fakegithub.Installation{ID: 4242, Repositories: []string{"api", "web"}},
	})}
	f.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "open"})
	f.api, f.web = f.Repositories["api"], f.Repositories["web"]
	f.SkipOpenAPI = true
	return f
}

// sign makes a JWT of claims, with the App's key.
func (f *fixture) sign(claims jwt.MapClaims) string {
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(fakegithubtest.Key())
	if err != nil {
		f.t.Fatal(err)
	}
	return "Bearer " + signed
}

// reply is an answer with its body, decoded if it is a JSON object.
type reply struct {
	*http.Response
	text string
	body map[string]any
}

func (r reply) message() string { m, _ := r.body["message"].(string); return m }

// send makes a request. headers alternate names and values; an empty value
// removes the header.
func (f *fixture) send(method, path, authorization, body string, headers ...string) reply {
	f.t.Helper()
	r := httptest.NewRequest(method, "http://ghes.test"+path, strings.NewReader(body))
	r.Header.Set("User-Agent", "test")
	r.Header.Set("Accept", "application/vnd.github+json")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	rec := httptest.NewRecorder()
	f.ServeHTTP(rec, r)
	out := reply{Response: rec.Result(), text: rec.Body.String()}
	json.Unmarshal(rec.Body.Bytes(), &out.body)
	return out
}

func (f *fixture) mintPath() string {
	return fmt.Sprintf("/app/installations/%d/access_tokens", f.Installation.ID)
}

// mint makes a token and returns it as an Authorization header.
func (f *fixture) mint(body string) string {
	f.t.Helper()
	r := f.send("POST", f.mintPath(), f.JWT(time.Now()), body)
	if r.StatusCode != http.StatusCreated {
		f.t.Fatalf("mint %s: %d %s", body, r.StatusCode, r.message())
	}
	return "token " + r.body["token"].(string)
}

// want checks status and message.
func (f *fixture) want(r reply, status int, message string) {
	f.t.Helper()
	if r.StatusCode != status || r.message() != message {
		f.t.Errorf("got %d %q, want %d %q", r.StatusCode, r.message(), status, message)
	}
}
