package permission_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/permission"
)

// A GitHub that enforces operations.tsv, which this file reads in its own way:
// for every operation that installation tokens can do, a token with exactly what
// Operations chose opens it, and a token for something else is refused.
func TestEnforced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for request, name := range w.names {
		needs, errs := permission.Operations(name, nil)
		if len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
			continue
		}
		w.mint(permission.Cover(needs), request)
	}
	if len(w.names) < 1000 || len(w.tokens) < 100 {
		t.Fatalf("got %d operations, %d tokens", len(w.names), len(w.tokens))
	}

	refused := 0
	for _, request := range slices.Sorted(maps.Keys(w.names)) {
		name := w.names[request]
		if got := w.send(request, w.tokens[w.opener[request]]); got != http.StatusOK && got != http.StatusNoContent {
			t.Errorf("%s with %s: got %d", name, w.opener[request], got)
		}
		other, ok := w.another(request)
		if !ok {
			continue // any token will do
		}
		refused++
		if got := w.send(request, w.tokens[other]); got != http.StatusForbidden {
			t.Errorf("%s with %s: got %d, want 403", name, other, got)
		}
	}
	if refused < len(w.names)*4/5 {
		t.Errorf("only %d of %d operations were refused to someone", refused, len(w.names))
	}
	if got := w.send("GET /repos/octo-corp/api/no-such-thing", w.tokens[w.opener["GET /repos/octo-corp/api/issues"]]); got != http.StatusNotFound {
		t.Errorf("an unknown path: got %d", got)
	}
}

// world is a GitHub with one App that has every permission, and its tokens.
type world struct {
	*fakegithub.Server
	t       *testing.T
	jwt     string
	path    string                         // of the mint
	names   map[string]string              // "GET /repos/octo-corp/api/issues" → "GET /repos/{owner}/{repo}/issues"
	rules   map[string][]map[string]string // the same → alternatives; none: any token will do
	tokens  map[string]string              // "contents=read" → value
	opener  map[string]string              // request → key in tokens
	granted map[string]map[string]string   // key in tokens → permissions
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, names: map[string]string{}, rules: map[string][]map[string]string{}, tokens: map[string]string{}, opener: map[string]string{}, granted: map[string]map[string]string{}}
	w.read()
	w.Server = fakegithub.New(fakegithub.Config{Requires: func(method, path string) ([]map[string]string, bool) {
		alternatives, known := w.rules[method+" "+path]
		return alternatives, known
	}})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	w.AddRepository(fakegithub.Repository{Owner: "octo-corp", Name: "api", Private: true})
	all := map[string]string{}
	for _, p := range permission.All() {
		all[p.Name] = p.Levels[len(p.Levels)-1]
	}
	app := w.AddApp(fakegithub.App{Slug: "valet", Owner: "octo-corp", PublicKey: &key.PublicKey, Permissions: all})
	in := w.Install(fakegithub.Installation{AppID: app.ID, Account: "octo-corp", All: true})
	w.path = fmt.Sprintf("POST /app/installations/%d/access_tokens", in.ID)
	now := time.Now().Unix()
	w.jwt, err = jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iss": strconv.FormatInt(app.ID, 10), "iat": now - 60, "exp": now + 540}).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// read fills names and rules, with real values for the placeholders.
func (w *world) read() {
	tsv, err := os.ReadFile("operations.tsv")
	if err != nil {
		w.t.Fatal(err)
	}
	values := strings.NewReplacer(
		"{owner}", "octo-corp", "{org}", "octo-corp", "{template_owner}", "octo-corp", "{repo}", "api", "{template_repo}", "api",
		"{enablement}", "enable_all",
	)
	for line := range strings.Lines(string(tsv)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || strings.Contains(f[3], "user") || strings.Contains(f[3], "jwt") {
			continue
		}
		request := f[0] + " " + values.Replace(f[1])
		for strings.Contains(request, "{") {
			from, to := strings.Index(request, "{"), strings.Index(request, "}")
			request = request[:from] + "x1" + request[to+1:]
		}
		if served(request) {
			continue
		}
		if _, twice := w.names[request]; twice {
			w.t.Errorf("%s is there twice", request)
		}
		w.names[request] = f[0] + " " + f[1]
		w.rules[request] = alternatives(f[2])
	}
}

// served are the operations that the fake has handlers for, tested where they are.
func served(request string) bool {
	return slices.Contains([]string{
		"GET /", "GET /meta", "GET /rate_limit", "GET /versions", "GET /installation/repositories", "DELETE /installation/token",
		"GET /repos/octo-corp/api", "GET /orgs/octo-corp/repos", "GET /users/x1/repos", "GET /users/x1",
	}, request)
}

func alternatives(text string) []map[string]string {
	if text == "" {
		return nil
	}
	var list []map[string]string
	for alternative := range strings.SplitSeq(text, ";") {
		wanted := map[string]string{}
		for part := range strings.SplitSeq(alternative, ",") {
			name, level, _ := strings.Cut(part, "=")
			wanted[name] = level
		}
		list = append(list, wanted)
	}
	return list
}

// mint makes a token for a request, or finds one with the same permissions.
func (w *world) mint(set permission.Set, request string) {
	key := strings.ReplaceAll(strings.TrimSpace(set.YAML()), "\n", ", ")
	w.opener[request] = key
	if w.tokens[key] != "" {
		return
	}
	body, _ := json.Marshal(map[string]any{"permissions": set})
	rec := w.do(w.path, w.jwt, string(body))
	var minted struct {
		Token       string
		Permissions map[string]string
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &minted); err != nil || minted.Token == "" {
		w.t.Fatalf("mint %s: %d %s", key, rec.Code, rec.Body)
	}
	w.tokens[key], w.granted[key] = minted.Token, minted.Permissions
}

// another finds a token that satisfies no alternative of a request.
func (w *world) another(request string) (key string, ok bool) {
	for _, key := range slices.Sorted(maps.Keys(w.granted)) {
		enough := func(wanted map[string]string) bool {
			return !slices.ContainsFunc(slices.Collect(maps.Keys(wanted)), func(name string) bool {
				got, level := w.granted[key][name], wanted[name]
				return got == "" || got == "read" && level != "read" || got == "write" && level == "admin"
			})
		}
		if len(w.rules[request]) > 0 && !slices.ContainsFunc(w.rules[request], enough) {
			return key, true
		}
	}
	return "", false
}

func (w *world) send(request, token string) int { return w.do(request, token, "").Code }

func (w *world) do(request, credential, body string) *httptest.ResponseRecorder {
	method, path, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, "http://github.test"+path, strings.NewReader(body))
	r.Header.Set("User-Agent", "test")
	r.Header.Set("Authorization", "Bearer "+credential)
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}
