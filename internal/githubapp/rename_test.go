package githubapp

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"testing"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

// A write to a renamed repository is not redirected. The error says the new
// name.
func TestAMovedWriteNamesTheNewName(t *testing.T) {
	f := newFixture(t)
	token, err := f.app.Mint(t.Context(), Installation{ID: testInstallation}, Scope{
		AllRepositories: true, Permissions: map[string]string{"issues": "write"},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.RenameRepository("acme", "web", "site")
	f.SkipOpenAPI = true
	f.Inject(fakegithub.Fault{
		Method: "PUT", Status: 301, Header: map[string]string{"Location": "https://api.github.test/repositories/1/x"}, Body: `{}`,
	})
	session := f.api.Session(func(context.Context) (redact.String, error) { return token.Value, nil })
	_, err = session.Call(t.Context(), apicall.Request{Op: "write", Method: http.MethodPut, Path: "repos/acme/web/x"})
	var e *Error
	if !errors.As(err, &e) || e.ErrorHint() != "acme/web was renamed: use its new name, acme/site" {
		t.Errorf("got %v, hint %q", err, e.ErrorHint())
	}
	// Where the name is still the same, or can't be read, it is said that it
	// may be that.
	for _, path := range []string{"repos/acme/api/x", "repos/acme/none/x", "orgs/acme/x"} {
		_, err = session.Call(t.Context(), apicall.Request{Op: "write", Method: http.MethodPut, Path: path})
		if !errors.As(err, &e) || e.ErrorHint() != "the repository was probably renamed: use its new name" {
			t.Errorf("%s: got %v, hint %q", path, err, e.ErrorHint())
		}
	}
}

// Former names of repositories are distinguished from names that never existed,
// and the token for the request is revoked.
func TestRenamed(t *testing.T) {
	f := newFixture(t)
	f.RenameRepository("acme", "web", "site")
	found, err := f.app.Installation(t.Context(), Target{Owner: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, name := range []string{"web", "api", "none"} {
		got[name] = f.app.Renamed(t.Context(), found, Target{Owner: "acme", Repository: name})
	}
	want := map[string]string{"web": "acme/web was renamed: use its new name, acme/site", "api": "", "none": ""}
	if !maps.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	tokens := f.Tokens()
	if len(tokens) != 1 || f.Alive(tokens[0].Value) || len(f.tokens) != 1 {
		t.Errorf("%d tokens, %d announced", len(tokens), len(f.tokens))
	}
}
