package rotate

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"golang.org/x/crypto/ssh"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 1024) // tests sign a lot
	if err != nil {
		panic(err)
	}
	return key
})

// world is a GitHub with acme, whose infra has deploy keys and whose app stores
// them. Its tests run in a bubble.
type world struct {
	*fakegithub.Server
	t            testing.TB
	client       http.Client
	app          fakegithub.App
	installation int64
	skew         time.Duration // how far GitHub's clock is ahead

	mu      sync.Mutex
	token   string
	until   time.Time
	secrets []string // all that the engine told of
	texts   []string // all that anybody may read
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{Server: fakegithub.New(fakegithub.Config{}, fakegithub.Secrets, fakegithub.Environments, fakegithub.Variables, fakegithub.DeployKeys), t: t}
	w.client.Transport = transporttest.InMemory{Handler: w.Server}
	w.app = w.AddApp(fakegithub.App{Slug: "keeper", Owner: "acme", PublicKey: &testKey().PublicKey, Permissions: map[string]string{
		"administration": "write", "environments": "write", "secrets": "write", "dependabot_secrets": "write",
		"organization_secrets": "write", "organization_codespaces_secrets": "write", "actions_variables": "write", "organization_actions_variables": "write",
	}})
	for _, name := range []string{"app", "infra"} {
		w.AddRepository(fakegithub.Repository{Owner: "acme", Name: name, Private: true})
	}
	w.AddEnvironment("acme", "app", "production")
	w.installation = w.Install(fakegithub.Installation{AppID: w.app.ID, Account: "acme", All: true}).ID
	w.SetRequestsPerHour(1 << 30)
	return w
}

// call is an [apicall.Func] without any retry.
func (w *world) call(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
	if r.Body != nil {
		text, _ := json.Marshal(r.Body)
		w.reads(string(text))
	}
	answer, err := w.send(ctx, r.Method, r.Path, "token "+w.mint(), r.Body, r.Result)
	if err != nil {
		err = fmt.Errorf("%s: %w", r.Op, err)
	}
	return answer, err
}

func (w *world) mint() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Now().Before(w.until) {
		return w.token
	}
	var answer struct{ Token string }
	if _, err := w.send(context.Background(), "POST", fmt.Sprintf("app/installations/%d/access_tokens", w.installation), "Bearer "+signed(w.app.ID, time.Now().Add(w.skew)), nil, &answer); err != nil {
		panic(err)
	}
	w.token, w.until = answer.Token, time.Now().Add(50*time.Minute)
	return w.token
}

// jwts are those that were signed already: all bubbles begin at the same time.
var jwts sync.Map

func signed(app int64, now time.Time) string {
	claims := jwt.RegisteredClaims{Issuer: strconv.FormatInt(app, 10), IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute))}
	key := fmt.Sprint(app, now.Unix())
	if known, ok := jwts.Load(key); ok {
		return known.(string)
	}
	text, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(testKey())
	if err != nil {
		panic(err)
	}
	jwts.Store(key, text)
	return text
}

func (w *world) send(ctx context.Context, method, path, authorization string, body, result any) (answer apicall.Answer, err error) {
	var content io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return apicall.Answer{}, err
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://api.github.test/"+path, content)
	if err != nil {
		return apicall.Answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", authorization)
	req.Header.Set("User-Agent", "valetkey-test")
	if err := ctx.Err(); err != nil { // a transport without a socket does not look
		return apicall.Answer{}, err
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return apicall.Answer{}, err
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

// reads notes a text that is no secret.
func (w *world) reads(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, text)
}

// engine is one run's, through a call that may meddle.
func (w *world) engine(call apicall.Func) *Engine {
	return &Engine{
		Call:   oneByOne(w.call, call),
		Origin: home,
		Secret: func(s redact.String) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.secrets = append(w.secrets, s.Reveal())
		},
		Info: func(format string, args ...any) { w.reads(fmt.Sprintf(format, args...)) },
		Identity: func() (redact.String, string, error) {
			text := rand.Text()
			return redact.New("AGE-SECRET-KEY-" + text), recipientOf("AGE-SECRET-KEY-" + text), nil
		},
		Mint: func(context.Context, manifest.Rotation) (Minted, error) {
			return Minted{Value: redact.New("ghs_" + rand.Text())}, nil
		},
	}
}

// home is where the manifest of the tests is kept.
var home = Origin{Host: "github.com", Repository: "1", Path: ".github/valetkey.yml"}

// oneByOne lets what meddles with requests see one at a time, in the order in which
// they come. Nil does not meddle.
func oneByOne(call, meddling apicall.Func) apicall.Func {
	if meddling == nil {
		return call
	}
	turn := make(chan struct{}, 1)
	return func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
		turn <- struct{}{}
		defer func() { <-turn }()
		return meddling(ctx, r)
	}
}

func recipientOf(identity string) string {
	return fmt.Sprintf("age1%x", len(identity)) + strings.ToLower(identity[len(identity)-6:])
}

// run is a whole run; its reports are noted as what people read.
func (w *world) run(e *Engine, rotations ...manifest.Rotation) []Report {
	return w.runIn(w.t.Context(), e, rotations...)
}

func (w *world) runIn(ctx context.Context, e *Engine, rotations ...manifest.Rotation) []Report {
	reports := e.Run(ctx, rotations)
	for i := range reports {
		w.reads(fmt.Sprintf("%+v %+v", reports[i], reports[i].Err))
	}
	return reports
}

// silent fails the test when a secret, or a line of one, could be read anywhere.
func (w *world) silent() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	all := strings.Join(w.texts, "\n")
	for _, s := range w.secrets {
		for line := range strings.Lines(s) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") && strings.Contains(all, line) {
				w.t.Fatalf("a line of a secret can be read")
			}
		}
	}
	w.secrets, w.texts = nil, nil
}

const day = 24 * time.Hour

// stores are where the deploy key goes: two readers of one repository, an
// environment and the organization.
func stores(name string) []manifest.Store {
	return []manifest.Store{
		{Owner: "acme", Repository: "app", Secret: name, Apps: []string{"actions", "dependabot"}},
		{Owner: "acme", Repository: "app", Environment: "production", Secret: name, Apps: []string{"actions"}},
		{Organization: "acme", Secret: name, Apps: []string{"actions"}},
	}
}

func keyRotation(keep int) manifest.Rotation {
	return manifest.Rotation{
		Name: "infra", Every: 30 * day, Keep: keep, Store: stores("INFRA_KEY"),
		DeployKey: &manifest.DeployKey{Owner: "acme", Repository: "infra", Title: "ci", ReadOnly: true},
	}
}

// keys are all deploy keys of infra.
func (w *world) keys() []fakegithub.DeployKey { return w.DeployKeys("acme", "infra") }

func (w *world) ours() (list []fakegithub.DeployKey) {
	for _, k := range w.keys() {
		if idIn(k.Title) == home.id("infra") {
			list = append(list, k)
		}
	}
	return list
}

// held gives the key that each store holds, nil of a store that is not there. A
// store with a key that opens nothing fails the test: this is what must never be.
func (w *world) held(r manifest.Rotation) []*fakegithub.DeployKey {
	w.t.Helper()
	keys := w.keys()
	var list []*fakegithub.DeployKey
	for _, t := range targetsOf(r.Store) {
		text, known := w.SecretValue(fakegithub.Place(t.place), t.store.Secret)
		if !known {
			list = append(list, nil)
			continue
		}
		signer, err := ssh.ParsePrivateKey([]byte(text))
		if err != nil {
			w.t.Fatal(err)
		}
		public := string(ssh.MarshalAuthorizedKey(signer.PublicKey()))
		var found *fakegithub.DeployKey
		for i := range keys {
			if samePublic(keys[i].Key, public) {
				found = &keys[i]
			}
		}
		if found == nil {
			w.t.Fatalf("%s holds a key that opens nothing", t.name())
		}
		list = append(list, found)
	}
	return list
}

// watch looks at the stores after every request that may have changed something,
// which is as good as after every one.
func (w *world) watch(r apicall.Request, rotation manifest.Rotation) {
	w.t.Helper()
	if r.Method != apicall.Get {
		w.held(rotation)
	}
}

// settled fails the test unless so many keys of ours are there, and every store
// holds the newest.
func (w *world) settled(r manifest.Rotation, want int) {
	w.t.Helper()
	ours := w.ours()
	if len(ours) != want {
		w.t.Fatalf("%d keys of ours, want %d: %+v", len(ours), want, ours)
	}
	for _, k := range w.held(r) {
		if k == nil || k.ID != ours[len(ours)-1].ID {
			w.t.Fatalf("a store holds %+v, and the newest is %+v", k, ours[len(ours)-1])
		}
	}
}

// addByHand is what others did: a key with the plain title, one that only looks like
// ours, and one of another rotation.
func (w *world) addByHand() {
	j := (&Engine{}).job(&manifest.Rotation{})
	for _, title := range []string{
		"ci", "ci (valetkey 2026-11-21T03:49:05Z 7f3a2c)",
		"ci (valetkey 0123456789ab 2026-11-21T03:49:05Z 7f3a2c)",
	} {
		_, public, err := j.newKey(title)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.send(context.Background(), "POST", "repos/acme/infra/keys", "token "+w.mint(), map[string]any{"key": public, "title": title}, nil); err != nil {
			w.t.Fatal(err)
		}
	}
}

// hint is what cli prints below the first of the errors.
func hint(err error) string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		err = joined.Unwrap()[0]
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if h, ok := err.(interface{ Hint() string }); ok && h.Hint() != "" {
			return h.Hint()
		}
	}
	return ""
}

// nextLink finds the path of the next page in a Link header.
var nextLink = regexp.MustCompile(`<https://api\.github\.test/([^>]*)>; rel="next"`)

// status is an answer of which only the status matters.
func status(code int) apicall.Answer { return apicall.Answer{Status: code} }
