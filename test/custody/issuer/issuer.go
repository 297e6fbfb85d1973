// Package issuer stands for GitHub's OIDC provider, and for the address at which
// a runner hands out the token of a job. Its tokens have the claims that GitHub
// documents, with `sub` in both of its forms, and whoever trusts the provider
// finds its keys by discovery, as clouds do.
//
// It imports none of our packages: an issuer that shared our code would confirm
// our mistakes. Start at [New].
package issuer

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

// Job is a job of a workflow, as far as its token tells of it.
type Job struct {
	Owner, Repository     string
	OwnerID, RepositoryID int64
	Branch, Environment   string
	PullRequest           bool
	IDs                   bool          // sub has the ids beside the names
	Lifetime              time.Duration // of its tokens; 0: [Lifetime]. Below zero it has passed before the token is there
}

// Subject returns the claim sub of the job's token.
func (j Job) Subject() string {
	owner, repository := j.Owner, j.Repository
	if j.IDs {
		owner, repository = fmt.Sprintf("%s@%d", owner, j.OwnerID), fmt.Sprintf("%s@%d", repository, j.RepositoryID)
	}
	switch {
	case j.Environment != "":
		return fmt.Sprintf("repo:%s/%s:environment:%s", owner, repository, j.Environment)
	case j.PullRequest:
		return fmt.Sprintf("repo:%s/%s:pull_request", owner, repository)
	default:
		return fmt.Sprintf("repo:%s/%s:ref:refs/heads/%s", owner, repository, j.Branch)
	}
}

// Issuer is the provider, and serves the addresses of jobs.
type Issuer struct {
	URL string

	key  *rsa.PrivateKey
	mu   sync.Mutex
	jobs map[string]Job // by the bearer token that the job asks with
	made []string
}

// Lifetime is the time for which GitHub's tokens live.
const Lifetime = 5 * time.Minute

const keyID = "1"

// makeKey takes a while, so that all the providers of a package share the key.
var makeKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// New starts a provider. It ends with the test.
func New(tb testing.TB) *Issuer {
	tb.Helper()
	i := &Issuer{key: makeKey(), jobs: map[string]Job{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /.well-known/jwks", i.keys)
	mux.HandleFunc("GET /idtoken", i.token)
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// Start starts a job, and returns the two variables that its steps find in their
// environment.
func (i *Issuer) Start(j Job) (requestURL, requestToken string) {
	bearer := rand.Text()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.jobs[bearer] = j
	return i.URL + "/idtoken?api-version=2.0", bearer
}

// Token returns a token for an audience, as a step gets it that asks for one.
// Without an audience it is the usual one of GitHub.
func (i *Issuer) Token(ctx context.Context, j Job, audience string) (string, error) {
	address, bearer := i.Start(j)
	if audience != "" {
		address += "&audience=" + url.QueryEscape(audience)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer got.Body.Close()
	var answer struct{ Value string }
	if err := json.NewDecoder(got.Body).Decode(&answer); err != nil {
		return "", err
	}
	return answer.Value, nil
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{
		"issuer": i.URL, "jwks_uri": i.URL + "/.well-known/jwks",
		"subject_types_supported": []string{"public", "pairwise"}, "response_types_supported": []string{"id_token"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "scopes_supported": []string{"openid"},
	})
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	exponent := big.NewInt(int64(i.key.E)).Bytes()
	answer(w, map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID,
		"n": base64.RawURLEncoding.EncodeToString(i.key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(exponent),
	}}})
}

// token is what the runner's address does. Without an audience it is the owner's
// page at GitHub.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	scheme, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	i.mu.Lock()
	defer i.mu.Unlock()
	job, known := i.jobs[bearer]
	if !strings.EqualFold(scheme, "bearer") || !known || r.URL.Query().Get("api-version") == "" {
		http.Error(w, `{"message":"the request is not authorized"}`, http.StatusUnauthorized)
		return
	}
	audience := r.URL.Query().Get("audience")
	if audience == "" {
		audience = "https://github.com/" + job.Owner
	}
	signed := i.sign(job, audience, fmt.Sprint("id-", len(i.made)))
	i.made = append(i.made, signed)
	answer(w, map[string]any{"value": signed})
}

// Issued returns all tokens that were handed out so far.
func (i *Issuer) Issued() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.made)
}

func (i *Issuer) sign(j Job, audience, id string) string {
	now := time.Now()
	claims := jwt.MapClaims{
		"iss": i.URL, "sub": j.Subject(), "aud": audience, "jti": id,
		"iat": now.Unix(), "nbf": now.Add(-10 * time.Minute).Unix(), "exp": now.Add(cmp.Or(j.Lifetime, Lifetime)).Unix(),
		"repository": j.Owner + "/" + j.Repository, "repository_id": fmt.Sprint(j.RepositoryID),
		"repository_owner": j.Owner, "repository_owner_id": fmt.Sprint(j.OwnerID),
		"ref": "refs/heads/" + j.Branch, "ref_type": "branch", "event_name": "push", "runner_environment": "github-hosted",
	}
	if j.Environment != "" {
		claims["environment"] = j.Environment
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"] = keyID
	signed, err := token.SignedString(i.key)
	if err != nil {
		panic(err)
	}
	return signed
}

// Verify reads a token of this provider, for those that trust it.
func (i *Issuer) Verify(token string) (claims map[string]any, err error) {
	parsed, err := jwt.Parse(token, func(t *jwt.Token) (any, error) {
		if t.Method != jwt.SigningMethodRS256 || t.Header["kid"] != keyID {
			return nil, fmt.Errorf("signed with %v", t.Header)
		}
		return &i.key.PublicKey, nil
	})
	if parsed == nil {
		return nil, err
	}
	claims, _ = parsed.Claims.(jwt.MapClaims)
	if err == nil && claims["iss"] != i.URL {
		err = fmt.Errorf("issued by %v", claims["iss"])
	}
	return claims, err
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}
