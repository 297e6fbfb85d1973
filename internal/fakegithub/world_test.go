package fakegithub_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/valetkey/valetkey/internal/fakegithub"
)

// world is a small GitHub: octo-corp with four repositories, of which the App
// reaches two.
type world struct {
	*fakegithub.Server
	t            testing.TB
	handler      http.Handler
	app          fakegithub.App
	installation fakegithub.Installation
	api, web     fakegithub.Repository
}

var privateKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newWorld(t testing.TB, config fakegithub.Config) *world {
	t.Helper()
	s := fakegithub.New(config, fakegithub.Secrets, fakegithub.Environments, fakegithub.Variables, fakegithub.DeployKeys)
	w := &world{Server: s, t: t, handler: s}
	w.api = s.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "api", Private: true})
	w.web = s.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "web", Private: true})
	s.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "vault", Private: true})
	s.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "open"})
	w.app = s.AddApp(fakegithub.App{
		ID: 917, Slug: "vault-keeper", Owner: "octo-corp", PublicKey: &privateKey().PublicKey,
		Permissions: map[string]string{"contents": "write", "issues": "read", "members": "read"},
	})
	w.installation = s.Install(fakegithub.Installation{
		ID: 4242, AppID: w.app.ID, Account: "octo-corp", Repositories: []string{"api", "web"},
	})
	return w
}

// jwt signs claims, or good ones when they are nil.
func (w *world) jwt(claims jwt.MapClaims) string {
	if claims == nil {
		now := time.Now().Unix()
		claims = jwt.MapClaims{"iss": strconv.FormatInt(w.app.ID, 10), "iat": now - 60, "exp": now + 540}
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(privateKey())
	if err != nil {
		w.t.Fatal(err)
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
func (w *world) send(method, path, authorization, body string, headers ...string) reply {
	w.t.Helper()
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
	w.handler.ServeHTTP(rec, r)
	out := reply{Response: rec.Result(), text: rec.Body.String()}
	json.Unmarshal(rec.Body.Bytes(), &out.body)
	return out
}

func (w *world) mintPath() string {
	return fmt.Sprintf("/app/installations/%d/access_tokens", w.installation.ID)
}

// mint makes a token and returns it as an Authorization header.
func (w *world) mint(body string) string {
	w.t.Helper()
	r := w.send("POST", w.mintPath(), w.jwt(nil), body)
	if r.StatusCode != http.StatusCreated {
		w.t.Fatalf("mint %s: %d %s", body, r.StatusCode, r.message())
	}
	return "token " + r.body["token"].(string)
}

// want checks status and message.
func (w *world) want(r reply, status int, message string) {
	w.t.Helper()
	if r.StatusCode != status || r.message() != message {
		w.t.Errorf("got %d %q, want %d %q", r.StatusCode, r.message(), status, message)
	}
}
