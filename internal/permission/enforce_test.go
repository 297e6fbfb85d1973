package permission_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/permission"
)

// The fake GitHub enforces operations.tsv, which this file reads in its own
// way. For every operation that installation tokens can call, a token with
// exactly the permissions that Operations chose opens it, and a token for
// something else is refused.
func TestEnforced(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for request, name := range f.names {
		needs, errs := permission.Operations(name, nil)
		if len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
			continue
		}
		f.mint(permission.Cover(needs), request)
	}
	if len(f.names) < 1000 || len(f.tokens) < 100 {
		t.Fatalf("got %d operations, %d tokens", len(f.names), len(f.tokens))
	}

	refused := 0
	for _, request := range slices.Sorted(maps.Keys(f.names)) {
		name := f.names[request]
		if got := f.send(request, f.tokens[f.opener[request]]); got != http.StatusOK && got != http.StatusNoContent {
			t.Errorf("%s with %s: got %d", name, f.opener[request], got)
		}
		other, ok := f.another(request)
		if !ok {
			continue // any token will do
		}
		refused++
		if got := f.send(request, f.tokens[other]); got != http.StatusForbidden {
			t.Errorf("%s with %s: got %d, want 403", name, other, got)
		}
	}
	if refused < len(f.names)*4/5 {
		t.Errorf("only %d of %d operations were refused to someone", refused, len(f.names))
	}
	token := f.tokens[f.opener["GET /repos/octo-corp/api/issues"]]
	if got := f.send("GET /repos/octo-corp/api/no-such-thing", token); got != http.StatusNotFound {
		t.Errorf("an unknown path: got %d", got)
	}
}

// fixture is a GitHub with one App that has every permission, and its tokens.
type fixture struct {
	*fakegithubtest.GitHub
	t       *testing.T
	names   map[string]string              // "GET /repos/octo-corp/api/issues" → "GET /repos/{owner}/{repo}/issues"
	rules   map[string][]map[string]string // the same → alternatives; none: any token will do
	tokens  map[string]string              // "contents=read" → value
	opener  map[string]string              // request → key in tokens
	granted map[string]map[string]string   // key in tokens → permissions
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{
		t: t, names: map[string]string{}, rules: map[string][]map[string]string{},
		tokens: map[string]string{}, opener: map[string]string{}, granted: map[string]map[string]string{},
	}
	f.read()
	all := map[string]string{}
	for _, p := range permission.All() {
		all[p.Name] = p.Levels[len(p.Levels)-1]
	}
	f.GitHub = fakegithubtest.New(t, fakegithubtest.Setup{
		Config: fakegithub.Config{Requires: func(method, path string) ([]map[string]string, bool) {
			alternatives, known := f.rules[method+" "+path]
			return alternatives, known
		}},
		App:          fakegithub.App{Slug: "valet", Owner: "octo-corp", Permissions: all},
		Repositories: []string{"api"},
	})
	f.SkipOpenAPI = true // the answers are empty
	return f
}

// read fills names and rules, with real values for the placeholders.
func (f *fixture) read() {
	tsv, err := os.ReadFile("operations.tsv")
	if err != nil {
		f.t.Fatal(err)
	}
	values := strings.NewReplacer(
		"{owner}", "octo-corp", "{org}", "octo-corp", "{template_owner}", "octo-corp", "{repo}", "api", "{template_repo}", "api",
		"{enablement}", "enable_all",
	)
	for line := range strings.Lines(string(tsv)) {
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || strings.Contains(columns[3], "user") || strings.Contains(columns[3], "jwt") {
			continue
		}
		request := columns[0] + " " + values.Replace(columns[1])
		for strings.Contains(request, "{") {
			from, to := strings.Index(request, "{"), strings.Index(request, "}")
			request = request[:from] + "x1" + request[to+1:]
		}
		if served(request) {
			continue
		}
		if _, twice := f.names[request]; twice {
			f.t.Errorf("%s is there twice", request)
		}
		f.names[request] = columns[0] + " " + columns[1]
		f.rules[request] = alternatives(columns[2])
	}
}

// served are the operations that the fake has handlers for; its own tests cover
// them.
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
func (f *fixture) mint(set permission.Set, request string) {
	key := strings.ReplaceAll(strings.TrimSpace(set.YAML()), "\n", ", ")
	f.opener[request] = key
	if f.tokens[key] != "" {
		return
	}
	token, err := f.Mint(time.Now(), f.Installation.ID, map[string]any{"permissions": set})
	if err != nil {
		f.t.Fatalf("mint %s: %v", key, err)
	}
	minted := f.Tokens()
	f.tokens[key], f.granted[key] = token, minted[len(minted)-1].Permissions
}

// another finds a token that satisfies no alternative of a request.
func (f *fixture) another(request string) (key string, ok bool) {
	for _, key := range slices.Sorted(maps.Keys(f.granted)) {
		enough := func(wanted map[string]string) bool {
			return !slices.ContainsFunc(slices.Collect(maps.Keys(wanted)), func(name string) bool {
				got, level := f.granted[key][name], wanted[name]
				return got == "" || got == "read" && level != "read" || got == "write" && level == "admin"
			})
		}
		if len(f.rules[request]) > 0 && !slices.ContainsFunc(f.rules[request], enough) {
			return key, true
		}
	}
	return "", false
}

func (f *fixture) send(request, token string) int {
	method, path, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, "http://github.test"+path, nil)
	r.Header.Set("User-Agent", "test")
	r.Header.Set("Authorization", "Bearer "+token)
	rec := httptest.NewRecorder()
	f.ServeHTTP(rec, r)
	return rec.Code
}
