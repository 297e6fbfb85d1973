package githubapp

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

// calls returns all calls of this package whose answers it reads. Each returns
// its result, so that a test can compare it with the right one.
func (f *fixture) calls(token redact.String) map[string]func(context.Context) (any, error) {
	session := f.api.Session(func(context.Context) (redact.String, error) { return token, nil })
	return map[string]func(context.Context) (any, error){
		"lookup": func(ctx context.Context) (any, error) {
			return f.app.Installation(ctx, Target{Owner: "acme", Repository: "api"})
		},
		"mint": func(ctx context.Context) (any, error) {
			got, err := f.app.Mint(ctx, Installation{ID: testInstallation}, Scope{
				Repositories: []string{"api"}, Permissions: map[string]string{"contents": "read"},
			})
			got.Value = redact.String{}
			return got, err
		},
		"slug":          func(ctx context.Context) (any, error) { return f.app.Slug(ctx) },
		"page":          func(ctx context.Context) (any, error) { return f.app.page(ctx) },
		"installations": func(ctx context.Context) (any, error) { return f.app.installations(ctx) },
		"repositories":  func(ctx context.Context) (any, error) { return f.api.Repositories(ctx, token) },
		"bot":           func(ctx context.Context) (any, error) { return f.api.BotID(ctx, token, "keeper") },
		"inspect":       func(ctx context.Context) (any, error) { return f.api.Inspect(ctx, token) },
		"session": func(ctx context.Context) (any, error) {
			var found struct {
				FullName string `json:"full_name"`
			}
			_, err := session.Call(ctx, apicall.Request{Op: "look", Method: http.MethodGet, Path: "repos/acme/api", Result: &found})
			return found, err
		},
	}
}

// nulled returns copies of an answer, each with another part replaced.
func nulled(answer any, with any) (all []any) {
	all = append(all, with)
	switch v := answer.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			for _, one := range nulled(v[key], with) {
				other := maps.Clone(v)
				other[key] = one
				all = append(all, other)
			}
		}
	case []any:
		for i := range v {
			for _, one := range nulled(v[i], with) {
				other := slices.Clone(v)
				other[i] = one
				all = append(all, other)
			}
		}
	}
	return all
}

// A null, or something of another kind, in any place of any answer: an error,
// or what the whole answer says, when the place is one that nobody reads or
// that may be null. Never a panic, and never less than what is there.
func TestNullIsNoAnswer(t *testing.T) {
	mayBeNull := []string{`"account":null`, `"suspended_at":null`, `"suspended_by":null`}
	for _, with := range []any{nil, []any{}, map[string]any{}, true} {
		f := newFixture(t)
		f.SkipOpenAPI = true
		f.AddPersonalToken(fakegithub.PersonalToken{Value: "ghp_" + strings.Repeat("a", 36), Login: "monalisa"})
		token, err := f.app.Mint(t.Context(), Installation{ID: testInstallation}, Scope{AllRepositories: true})
		if err != nil {
			t.Fatal(err)
		}
		for name, call := range f.calls(token.Value) {
			if name == "inspect" {
				call = f.calls(redact.New("ghp_" + strings.Repeat("a", 36)))[name]
			}
			var answer any
			f.Inject(fakegithub.Fault{Times: 1, Rewrite: func(body []byte) []byte {
				if err := json.Unmarshal(body, &answer); err != nil {
					t.Error(err)
				}
				return body
			}})
			whole, err := call(t.Context())
			if err != nil || answer == nil {
				t.Fatalf("%s: %v", name, err)
			}
			text := func(v any) string { b, _ := json.Marshal(v); return string(b) }
			refused := 0
			for _, other := range nulled(answer, with) {
				sent := text(other)
				f.Inject(fakegithub.Fault{Times: 1, Rewrite: func([]byte) []byte { return []byte(sent) }})
				got, err := call(t.Context())
				if err != nil {
					refused++
					var e interface {
						error
						ErrorHint() string
					}
					if !errors.As(err, &e) || e.ErrorHint() == "" {
						t.Errorf("%s: %v has no hint", name, err)
					}
					continue
				}
				legal := with == nil && slices.ContainsFunc(mayBeNull, func(s string) bool {
					return strings.Contains(sent, s) && !strings.Contains(text(answer), s)
				})
				if text(got) != text(whole) && !legal && with == nil {
					t.Errorf("%s: %.300s\nwas taken for %s", name, sent, text(got))
				}
			}
			if refused == 0 {
				t.Errorf("%s: nothing was refused with %v", name, with)
			}
		}
	}
}
