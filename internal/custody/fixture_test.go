package custody

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// world is the services that a key is signed with, by host, and what a step
// told its runner. It fails the test if a credential is used before it is
// masked.
type world struct {
	t      *testing.T
	key    *rsa.PrivateKey
	hosts  map[string]http.Handler
	refuse map[string]answer // in place of the hosts' answers, by method, host and path
	config Config

	subject string // of the job's OIDC token
	issued  int
	masked  []string
	told    []string
	asked   []string
}

type answer struct {
	status int
	body   string
	date   time.Time
}

const (
	idTokenHost = "idtoken.test"
	mainBranch  = "repo:acme/infra:ref:refs/heads/main"
	byIDs       = "repo:acme@12/infra@345:ref:refs/heads/main"
)

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func newWorld(t *testing.T) *world {
	w := &world{t: t, key: fakegithubtest.Key(), subject: mainBranch, refuse: map[string]answer{}}
	w.hosts = map[string]http.Handler{idTokenHost: w.idTokens()}
	w.config = Config{
		Send: w.send,
		Now:  func() time.Time { return start },
		Job:  Job{RequestURL: "https://" + idTokenHost + "/token?api-version=2.0", RequestToken: redact.New("request-token-of-the-job")},
		Secret: func(s redact.String) {
			w.masked = append(w.masked, s.Reveal())
		},
		Info:    func(format string, args ...any) { w.told = append(w.told, fmt.Sprintf(format, args...)) },
		Warning: func(format string, args ...any) { w.told = append(w.told, "warning: "+fmt.Sprintf(format, args...)) },
	}
	return w
}

func (w *world) open(uri string) *Key {
	w.t.Helper()
	k, err := Open(w.t.Context(), uri, w.config)
	if err != nil {
		w.t.Fatal(fault.Text(err))
	}
	return k
}

// sign signs a message and checks the signature.
func (w *world) sign(k *Key) {
	w.t.Helper()
	message := []byte("header.payload")
	signature, err := crypto.SignMessage(k, rand.Reader, message, crypto.SHA256)
	if err != nil {
		w.t.Fatal(fault.Text(err))
	}
	sum := sha256.Sum256(message)
	if err := rsa.VerifyPKCS1v15(&w.key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
		w.t.Error(err)
	}
}

// signError signs and returns the error with its hint.
func (w *world) signError(k *Key) string {
	w.t.Helper()
	signature, err := k.SignMessage(nil, []byte("header.payload"), crypto.SHA256)
	if err == nil || signature != nil {
		w.t.Fatalf("got a signature of %d bytes and the error %v", len(signature), err)
	}
	return fault.Text(err)
}

// send hands a request to a host.
func (w *world) send(ctx context.Context, r Request) (Response, error) {
	req := httptest.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	place := r.Method + " " + req.URL.Host + req.URL.EscapedPath()
	w.asked = append(w.asked, place)
	if r.Op == "" || r.Setting == "" {
		w.t.Errorf("%s: without its purpose or its setting", place)
	}
	if a, ok := w.refuse[place]; ok {
		return Response{a.status, a.date, []byte(a.body)}, nil
	}
	host := w.hosts[req.URL.Host]
	if host == nil {
		return Response{}, fmt.Errorf("%s: there is no host %s", r.Op, req.URL.Host)
	}
	got := httptest.NewRecorder()
	host.ServeHTTP(got, req)
	return Response{Status: got.Code, Body: got.Body.Bytes()}, nil
}

// idTokens is GitHub's OIDC issuer, as a job reaches it.
func (w *world) idTokens() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		audience := "https://github.com/acme"
		if q.Has("audience") {
			audience = q.Get("audience")
		}
		if r.Method != http.MethodGet || r.URL.Path != "/token" || q.Get("api-version") != "2.0" ||
			r.Header.Get("Authorization") != "Bearer request-token-of-the-job" {
			w.t.Errorf("the request for an OIDC token is %s %s", r.Method, r.URL)
		}
		w.reply(rw, map[string]any{"value": w.jwt(map[string]any{"sub": w.subject, "aud": audience}), "count": 1})
	})
}

func (w *world) jwt(claims map[string]any) string {
	payload, _ := json.Marshal(claims)
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256"}`)) + "." + encode(payload) + "." + w.issue("oidc")
}

// claimsOf returns what an OIDC token says, which must be masked by now.
func (w *world) claimsOf(jwt string) (sub, aud string) {
	w.used(jwt)
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		w.t.Fatalf("not an OIDC token: %q", jwt)
	}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var c struct{ Sub, Aud string }
	if err := json.Unmarshal(payload, &c); err != nil {
		w.t.Error(err)
	}
	return c.Sub, c.Aud
}

// issue returns a new credential.
func (w *world) issue(kind string) string {
	w.issued++
	return fmt.Sprintf("%s-credential-%d", kind, w.issued)
}

// used fails the test for a credential that is not masked yet.
func (w *world) used(credential string) {
	w.t.Helper()
	if !slices.Contains(w.masked, credential) {
		w.t.Errorf("%q is used before it is masked", credential)
	}
}

func (w *world) reply(rw http.ResponseWriter, value any) {
	if err := json.NewEncoder(rw).Encode(value); err != nil {
		w.t.Error(err)
	}
}

// body decodes a request that must have these fields and no others.
func (w *world) body(r *http.Request, fields any) {
	w.t.Helper()
	text, _ := io.ReadAll(r.Body)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(fields); err != nil {
		w.t.Errorf("%s %s: %v in %s", r.Method, r.URL, err, text)
	}
}

// headers fails the test unless a request has these headers and no others.
func (w *world) headers(r *http.Request, want ...string) {
	w.t.Helper()
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(r.Header)); !slices.Equal(got, want) {
		w.t.Errorf("%s %s has the headers %v, want %v", r.Method, r.URL, got, want)
	}
}

// signDigest is what a service does with its key.
func (w *world) signDigest(digest []byte) []byte {
	signature, err := rsa.SignPKCS1v15(nil, w.key, crypto.SHA256, digest)
	if err != nil {
		w.t.Errorf("%d bytes to sign: %v", len(digest), err)
	}
	return signature
}

func (w *world) wantAsked(want ...string) {
	w.t.Helper()
	if !slices.Equal(w.asked, want) {
		w.t.Errorf("asked\n%s\nwant\n%s", strings.Join(w.asked, "\n"), strings.Join(want, "\n"))
	}
	w.asked = nil
}

// adviceTest is a refusal in the words of a service, and how its hint begins.
type adviceTest struct {
	status int
	body   string
	hint   string
}

// testAdvice checks that each hint of a table is the one for some refusal.
func testAdvice(t *testing.T, table []advice, tests []adviceTest) {
	t.Helper()
	left := map[string]bool{}
	for _, a := range table {
		left[a.hint] = true
	}
	s := service{who: "ROLE", sent: "sub SUB and aud AUD", advice: table, location: location{scheme: "hashivault://", key: "app"}}
	for _, c := range tests {
		text := fault.Text(s.explain("sign", &refusal{status: c.status, said: words([]byte(c.body))}))
		_, hint, _ := strings.Cut(text, "\nhint: ")
		if !strings.HasPrefix(hint, c.hint) || strings.Contains(hint, "{") {
			t.Errorf("%d %s\n   has the hint %s\n   want %s", c.status, c.body, hint, c.hint)
		}
		for _, a := range table {
			if replaced := strings.NewReplacer("{sent}", s.sent, "{who}", s.who, "{key}", s.uri()).Replace(a.hint); replaced == hint {
				delete(left, a.hint)
			}
		}
	}
	for hint := range left {
		t.Errorf("no refusal has the hint %s", hint)
	}
}
