// Package fakegithubtest builds the GitHub that most tests begin with: one App,
// installed on one organization with private repositories. It is support for
// tests only and never goes into the program. Start at [New].
package fakegithubtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/openapitest"
)

// Setup describes the App and the organization that it is installed on.
type Setup struct {
	fakegithub.Config
	App          fakegithub.App          // Owner is the organization; a PublicKey that is nil becomes that of [Key]
	Repositories []string                // private repositories of the organization
	Installation fakegithub.Installation // without Repositories it reaches all of them
}

// GitHub is a fake with one App on one organization. What it serves is held
// against GitHub's own description, where the environment names that (see
// openapitest).
type GitHub struct {
	*fakegithub.Server
	App          fakegithub.App
	Repositories map[string]fakegithub.Repository // of the organization, by name
	Installation fakegithub.Installation
	SkipOpenAPI  bool // the test makes answers that GitHub does not describe

	checked http.Handler
}

// New builds a GitHub that has all operations of the fake.
func New(t testing.TB, s Setup) *GitHub {
	t.Helper()
	server := fakegithub.New(s.Config,
		fakegithub.Secrets, fakegithub.Environments, fakegithub.Variables, fakegithub.DeployKeys,
		fakegithub.PersonalTokens, fakegithub.SingleSignOn, fakegithub.CredentialRevocation, fakegithub.SecretScanning,
		fakegithub.Members, fakegithub.AuditLog, fakegithub.Issues, fakegithub.Registration)
	g := &GitHub{Server: server, Repositories: map[string]fakegithub.Repository{}, checked: openapitest.Check(t, server)}
	if s.App.PublicKey == nil {
		s.App.PublicKey = &Key().PublicKey
	}
	for _, name := range s.Repositories {
		g.Repositories[name] = g.AddRepository(fakegithub.Repository{Owner: s.App.Owner, Name: name, Private: true})
	}
	g.App = g.AddApp(s.App)
	in := s.Installation
	in.AppID, in.Account, in.All = g.App.ID, s.App.Owner, len(in.Repositories) == 0
	g.Installation = g.Install(in)
	return g
}

// ServeHTTP implements [http.Handler].
func (g *GitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.SkipOpenAPI {
		g.Server.ServeHTTP(w, r)
		return
	}
	g.checked.ServeHTTP(w, r)
}

// jwts are those that were signed already: a signature takes a millisecond, and
// all bubbles of testing/synctest begin at the same time.
var jwts sync.Map

// JWT returns the Authorization header of the App at a time. It is signed with
// [Key].
func (g *GitHub) JWT(now time.Time) string {
	id := fmt.Sprint(g.App.ID, now.Unix())
	if known, ok := jwts.Load(id); ok {
		return known.(string)
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer:    strconv.FormatInt(g.App.ID, 10),
		IssuedAt:  jwt.NewNumericDate(now.Add(-time.Minute)),
		ExpiresAt: jwt.NewNumericDate(now.Add(5 * time.Minute)),
	}).SignedString(Key())
	if err != nil {
		panic(err)
	}
	jwts.Store(id, "Bearer "+signed)
	return "Bearer " + signed
}

// Mint asks for a token of an installation, as the App does at a time. The body
// says what the token is for; nil asks for all that there is.
func (g *GitHub) Mint(now time.Time, installation int64, body any) (token string, err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return "", err
		}
	}
	path := fmt.Sprintf("https://api.github.test/app/installations/%d/access_tokens", installation)
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, bytes.NewReader(text))
	r.Header.Set("Authorization", g.JWT(now))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "valetkey-test")
	rec := httptest.NewRecorder()
	g.ServeHTTP(rec, r)
	var answer struct{ Token, Message string }
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || rec.Code != http.StatusCreated {
		return "", fmt.Errorf("mint a token for installation %d: %d %s", installation, rec.Code, answer.Message)
	}
	return answer.Token, nil
}
