package secret

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/openapitest"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
	"github.com/valetkey/valetkey/internal/redact"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// world is a GitHub with acme, which has api and web, and an App that may do
// everything there. A call has a token with one permission only.
type world struct {
	*fakegithub.Server
	t            testing.TB
	client       http.Client
	app          fakegithub.App
	installation int64
	statePath    string
	ids          map[string]int64 // of repositories

	mu     sync.Mutex
	tokens map[string]string // by permission
}

func newWorld(t testing.TB, more ...string) *world {
	t.Helper()
	w := &world{
		Server: fakegithub.New(fakegithub.Config{}, fakegithub.Secrets, fakegithub.Environments), t: t,
		statePath: filepath.Join(t.TempDir(), "state"), tokens: map[string]string{}, ids: map[string]int64{},
	}
	w.client.Transport = transporttest.InMemory{Handler: openapitest.Check(t, w.Server)}
	permissions := map[string]string{"metadata": "read", "actions": "read", "administration": "write", "environments": "write"}
	for _, app := range Apps() {
		for _, p := range []Place{{Owner: "acme", App: app}, {Owner: "acme", Repository: "api", App: app}} {
			permissions[p.Permission()] = "write"
		}
	}
	w.app = w.AddApp(fakegithub.App{Slug: "sync", Owner: "acme", PublicKey: &testKey().PublicKey, Permissions: permissions})
	for _, name := range append([]string{"api", "web"}, more...) {
		w.ids[name] = w.AddRepository(fakegithub.Repository{Owner: "acme", Name: name, Private: true}).ID
	}
	w.installation = w.Install(fakegithub.Installation{AppID: w.app.ID, Account: "acme", All: true}).ID
	w.SetRequestsPerHour(1 << 30)
	return w
}

// call is an [apicall.Func] without any retry.
func (w *world) call(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
	level := "write"
	if r.Permission == "actions" {
		level = "read"
	}
	token, err := w.token(r.Permission, level)
	if err != nil {
		return apicall.Answer{}, err
	}
	answer, err := w.send(ctx, r.Method, r.Path, "token "+token, r.Body, r.Result)
	if err != nil {
		err = fmt.Errorf("%s: %w", r.Op, err)
	}
	return answer, err
}

func (w *world) token(permission, level string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if token := w.tokens[permission]; token != "" {
		return token, nil
	}
	now := time.Now()
	claims := jwt.RegisteredClaims{Issuer: strconv.FormatInt(w.app.ID, 10), IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute))}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(testKey())
	if err != nil {
		return "", err
	}
	var answer struct{ Token string }
	path := fmt.Sprintf("app/installations/%d/access_tokens", w.installation)
	body := map[string]any{"permissions": map[string]string{permission: level}}
	if _, err := w.send(context.Background(), "POST", path, "Bearer "+signed, body, &answer); err != nil {
		return "", err
	}
	w.tokens[permission] = answer.Token
	return answer.Token, nil
}

func (w *world) send(ctx context.Context, method, path, authorization string, body, result any) (answer apicall.Answer, err error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answer, err
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://api.github.test/"+path, content)
	if err != nil {
		return answer, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", authorization)
	req.Header.Set("User-Agent", "valetkey-test")
	req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	resp, err := w.client.Do(req)
	if err != nil {
		return answer, err
	}
	defer resp.Body.Close()
	answer.Status = resp.StatusCode
	answer.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	if next := nextLink.FindStringSubmatch(resp.Header.Get("Link")); next != nil {
		answer.Next = next[1]
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer, err
	}
	if resp.StatusCode >= 300 {
		var said struct{ Message string }
		_ = json.Unmarshal(text, &said)
		return answer, fmt.Errorf("GitHub answered %d: %s", resp.StatusCode, said.Message)
	}
	if result != nil {
		return answer, json.Unmarshal(text, result)
	}
	return answer, nil
}

// asked lists the requests since the last call, mints aside, in no order that
// matters.
func (w *world) asked() []string {
	list := []string{}
	for _, r := range w.Requests() {
		if path := strings.TrimPrefix(r.Path, "/"); !strings.HasPrefix(path, "app/") {
			list = append(list, fmt.Sprintf("%s %s %d", r.Method, path, r.Status))
		}
	}
	w.ResetRequests()
	return list
}

var testManifest = Manifest{"api.github.test", "acme/infra", 7, ".github/valetkey.yml"}

// derive stands for an App's key.
func derive(key string) Derive {
	return func(salt []byte) ([]byte, error) {
		sum := sha256.Sum256([]byte(key + string(salt)))
		return sum[:], nil
	}
}

func stateFile(path string) StateFile {
	return StateFile{Path: path, Manifest: testManifest, Key: derive("k")}
}

func openState(t testing.TB, path string) *State {
	t.Helper()
	s, err := OpenState(stateFile(path))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

// sync is a run with the state file of the world.
func (w *world) sync(options ...func(*Sync)) *Sync {
	w.t.Helper()
	s := &Sync{Call: w.call, State: openState(w.t, w.statePath), MaxDeletions: 100}
	for _, option := range options {
		option(s)
	}
	return s
}

func prune(s *Sync) { s.Prune = true }

// run plans and applies, some seconds after whatever was before, and gives a line
// for each result.
func (w *world) run(wanted []Wanted, options ...func(*Sync)) []string {
	w.t.Helper()
	time.Sleep(2 * time.Second) // of a bubble: GitHub's times are in whole seconds
	s := w.sync(options...)
	plan := s.Plan(w.t.Context(), wanted, nil)
	results, err := s.Apply(w.t.Context(), plan)
	if err != nil {
		w.t.Fatal(err)
	}
	return told(results)
}

func told(results []Result) []string {
	lines := []string{}
	for _, r := range results {
		line := fmt.Sprintf("%s of %s: %s", r.Name, r.Place, r.Outcome)
		if r.Reason != "" {
			line += ", " + r.Reason
		}
		if r.Err != nil {
			line += ": " + r.Err.Error() + hinted(r.Err)
		}
		lines = append(lines, line)
	}
	return lines
}

func hinted(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) && h.Hint() != "" {
		return " (hint: " + h.Hint() + ")"
	}
	return ""
}

func wants(place Place, name, value string) Wanted {
	return Wanted{Place: place, Name: name, Value: redact.New(value)}
}

var (
	apiActions = Place{Owner: "acme", Repository: "api", App: "actions"}
	webActions = Place{Owner: "acme", Repository: "web", App: "actions"}
	production = Place{Owner: "acme", Repository: "api", Environment: "production", App: "actions"}
	acmeOrg    = Place{Owner: "acme", App: "actions"}
)

func (w *world) want(what string, got, want []string) {
	w.t.Helper()
	for i := range max(len(got), len(want)) {
		g, x := "(nothing)", "(nothing)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			x = want[i]
		}
		if g != x {
			w.t.Errorf("%s, line %d:\n got %s\nwant %s", what, i, g, x)
		}
	}
}

// sees holds what a workflow would see against what it should.
func (w *world) sees(wanted []Wanted) {
	w.t.Helper()
	for i := range wanted {
		x := &wanted[i]
		if got, ok := w.SecretValue(fakegithub.Place(x.Place), x.Name); !ok || got != x.Value.Reveal() {
			w.t.Errorf("%s of %s: a workflow sees %.40q (%v), want %.40q", x.Name, x.Place, got, ok, x.Value.Reveal())
		}
	}
}

// nextLink finds the path of the next page in a Link header.
var nextLink = regexp.MustCompile(`<https://api\.github\.test/([^>]*)>; rel="next"`)
