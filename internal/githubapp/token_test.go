package githubapp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/redact"
)

func TestMintUseRevoke(t *testing.T) {
	for name, form := range map[string]fakegithub.TokenForm{"opaque": fakegithub.Opaque, "stateless": fakegithub.Stateless} {
		t.Run(name, func(t *testing.T) {
			f, ctx := newFixture(t), context.Background()
			f.SetTokenForm(form)
			installation, err := f.app.Installation(ctx, Target{Owner: "acme", Repository: "api"})
			if err != nil {
				t.Fatal(err)
			}
			want := Installation{
				ID: testInstallation, AppSlug: "keeper", Account: "acme", Organization: installation.Organization, AllRepositories: true,
				Page: installation.Page, Permissions: map[string]string{"metadata": "read", "contents": "write", "issues": "write"},
				Repository: "api",
			}
			if diff := cmp.Diff(want, installation); diff != "" || !strings.HasSuffix(installation.Page, "/settings/installations/4242") ||
				installation.Organization == 0 {
				t.Error(diff, installation.Page)
			}
			token, err := f.app.Mint(ctx, installation, Scope{
				Repositories: []string{"api"}, Permissions: map[string]string{"contents": "read"},
			})
			if err != nil {
				t.Fatal(err)
			}
			minted := f.Tokens()[0]
			if token.Value.Reveal() != minted.Value || !f.Alive(minted.Value) {
				t.Error("it is not the token that was minted")
			}
			sum := sha256.Sum256([]byte(minted.Value))
			if want := base64.StdEncoding.EncodeToString(sum[:]); Hash(token.Value) != want {
				t.Errorf("hash %s, want %s", Hash(token.Value), want)
			}
			if diff := cmp.Diff([]string{"acme/api"}, token.Repositories); diff != "" || token.AllRepositories {
				t.Error(diff)
			}
			if diff := cmp.Diff(map[string]string{"contents": "read", "metadata": "read"}, token.Permissions); diff != "" {
				t.Error(diff)
			}
			if len(f.jwts) != 1 || len(f.tokens) != 1 || f.tokens[0].Reveal() != minted.Value {
				t.Errorf("told of %d JWTs and %d tokens, want 1 of each", len(f.jwts), len(f.tokens))
			}
			if err := f.api.Reach(ctx, token.Value, "acme", "api"); err != nil {
				t.Error(err)
			}
			if err := f.api.Reach(ctx, token.Value, "acme", "web"); err == nil {
				t.Error("the token opens another repository")
			}
			for round, want := range []bool{false, true} {
				gone, err := f.api.Revoke(ctx, token.Value)
				if err != nil || gone != want {
					t.Errorf("revocation %d: gone %v, %v", round+1, gone, err)
				}
			}
			if f.Alive(minted.Value) {
				t.Error("the token is alive after its revocation")
			}
		})
	}
}

func TestAnEmptyListNeverMeansAll(t *testing.T) {
	f := newFixture(t)
	for _, s := range []Scope{{}, {Repositories: []string{}}, {AllRepositories: true, Repositories: []string{"api"}}} {
		if _, err := f.app.Mint(context.Background(), Installation{ID: testInstallation}, s); err == nil {
			t.Errorf("%+v was minted", s)
		}
	}
	if asked := f.asked(); len(asked) != 0 {
		t.Errorf("asked %v", asked)
	}
	token, err := f.app.Mint(context.Background(), Installation{ID: testInstallation}, Scope{AllRepositories: true})
	if err != nil || !token.AllRepositories {
		t.Errorf("all repositories: %+v, %v", token, err)
	}
}

func TestDiffers(t *testing.T) {
	for _, c := range []struct {
		name           string
		granted        Token
		asked          Scope
		missing, extra []string
	}{
		{"the same, in other case", Token{Repositories: []string{"Acme/API"}}, Scope{Repositories: []string{"api"}}, nil, nil},
		{"all", Token{AllRepositories: true}, Scope{AllRepositories: true}, nil, nil},
		{"wider", Token{Repositories: []string{"acme/api", "acme/web"}}, Scope{Repositories: []string{"api"}}, nil, []string{"acme/web"}},
		{"narrower", Token{Repositories: []string{"acme/api"}}, Scope{Repositories: []string{"api", "web"}}, []string{"acme/web"}, nil},
		{
			"another owner's",
			Token{Repositories: []string{"evil/api"}},
			Scope{Repositories: []string{"api"}},
			[]string{"acme/api"},
			[]string{"evil/api"},
		},
		{
			"everything",
			Token{AllRepositories: true},
			Scope{Repositories: []string{"api"}},
			nil,
			[]string{"all repositories of the installation"},
		},
	} {
		missing, extra := c.granted.Differs("acme", c.asked)
		if !slices.Equal(missing, c.missing) || !slices.Equal(extra, c.extra) {
			t.Errorf("%s: got %v, %v, want %v, %v", c.name, missing, extra, c.missing, c.extra)
		}
	}
}

func TestTargets(t *testing.T) {
	f, ctx := newFixture(t), context.Background()
	f.AddAccount(fakegithub.Account{Login: "monalisa", Type: "User"})
	f.AddAccount(fakegithub.Account{Login: "globex", Type: "Enterprise"})
	f.Install(fakegithub.Installation{ID: 1, AppID: 917, Account: "monalisa", All: true})
	f.Install(fakegithub.Installation{ID: 2, AppID: 917, Account: "globex"})
	f.RenameRepository("acme", "web", "site")
	for _, c := range []struct {
		target Target
		want   int64
		asked  string
	}{
		{Target{Owner: "acme", Repository: "api"}, testInstallation, "GET /repos/acme/api/installation 200"},
		{Target{Owner: "acme"}, testInstallation, "GET /users/acme/installation 200"},
		{Target{Owner: "monalisa"}, 1, "GET /users/monalisa/installation 200"},
		{Target{Enterprise: "globex"}, 2, "GET /enterprises/globex/installation 200"},
		{Target{Owner: "acme", Repository: "web"}, testInstallation, "GET /repos/acme/web/installation 301"},
	} {
		f.ResetRequests()
		found, err := f.app.Installation(ctx, c.target)
		if err != nil || found.ID != c.want || f.asked()[0] != c.asked {
			t.Errorf("%v: got %v, %v, asked %v", c.target, found.ID, err, f.asked())
		}
	}
}

// An enterprise may have the name of an organization, on which the App is
// installed.
func TestEnterprisesAreToldApart(t *testing.T) {
	f, ctx := newFixture(t), context.Background()
	const none = "the App is not installed on enterprise acme; it is installed on acme; "
	_, err := f.app.Installation(ctx, Target{Enterprise: "acme"})
	var e *Error
	if !errors.As(err, &e) || !strings.HasPrefix(e.Hint, none) {
		t.Errorf("got %v: %q", err, e.Hint)
	}
	f.AddAccount(fakegithub.Account{Login: "globex", Type: "Enterprise"})
	f.Install(fakegithub.Installation{ID: 2, AppID: 917, Account: "globex"})
	_, err = f.app.Installation(ctx, Target{Owner: "globex", Repository: "api"})
	if !errors.As(err, &e) || !strings.HasPrefix(e.Hint, "the App is not installed on globex; it is installed on acme, enterprise "+
		"globex; ") {
		t.Errorf("got %v: %q", err, e.Hint)
	}
	_, err = f.app.InstallationByID(ctx, 7)
	if !errors.As(err, &e) || !strings.Contains(e.Hint, " 2 (enterprise globex)") {
		t.Errorf("got %v: %q", err, e.Hint)
	}
}

// An answer that is not from GitHub, or not about the token, does not mean that
// the token has ended.
func TestOthersDoNotEndATokenByAnswering(t *testing.T) {
	const website = "<html>Not here</html>"
	for _, answer := range []fakegithub.Fault{
		{Status: 404, Header: map[string]string{"Content-Type": "text/html"}, Body: website},
		{Status: 401, Header: map[string]string{"Content-Type": "text/html"}, Body: website},
		{Status: 401, Header: map[string]string{"Content-Type": "application/json"}, Body: `{"message":"Requires authentication"}`},
	} {
		f, ctx := newFixture(t), context.Background()
		f.SkipOpenAPI = true
		token, err := f.app.Mint(ctx, Installation{ID: testInstallation}, Scope{Repositories: []string{"api"}})
		if err != nil {
			t.Fatal(err)
		}
		f.Inject(answer)
		var e *Error
		if gone, err := f.api.Revoke(ctx, token.Value); gone || !errors.As(err, &e) || e.ErrorHint() == "" {
			t.Errorf("revoke, %d %s: gone is %v, %v", answer.Status, answer.Body, gone, err)
		}
		f.Inject(answer)
		if alive, err := f.api.Alive(ctx, token.Value, token.ExpiresAt.Add(-time.Minute)); alive || !errors.As(err, &e) {
			t.Errorf("alive, %d %s: %v, %v", answer.Status, answer.Body, alive, err)
		}
	}
}

func TestRevokeIsSilentAboutTheToken(t *testing.T) {
	f := newFixture(t)
	secret := redact.New("ghs_" + strings.Repeat("a", 36))
	gone, err := f.api.Revoke(context.Background(), secret)
	if !gone || err != nil {
		t.Errorf("got %v, %v", gone, err)
	}
}

// A mint of a step signs once. So each here has an App of its own, which has no JWT yet.
func BenchmarkMint(b *testing.B) {
	f, ctx := newFixture(b), context.Background()
	scope := Scope{Repositories: []string{"api"}, Permissions: map[string]string{"contents": "read"}}
	b.ReportAllocs()
	for b.Loop() {
		app, err := f.api.App(testClientID, fakegithubtest.Key())
		if err != nil {
			b.Fatal(err)
		}
		installation, err := app.Installation(ctx, Target{Owner: "acme", Repository: "api"})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := app.Mint(ctx, installation, scope); err != nil {
			b.Fatal(err)
		}
	}
}

// A token that is more than one word could say something else to the runner and
// to a server, and is handed to nobody.
func TestATokenIsOneWord(t *testing.T) {
	for _, value := range []string{"ghs_x y", "ghs_x\\n::stop-commands::y", "ghs_\u00e4"} {
		f := newFixture(t)
		f.SkipOpenAPI = true
		f.Inject(fakegithub.Fault{Method: "POST", Times: 1, Rewrite: func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"token":"`, `"token":"`+value, 1))
		}})
		token, err := f.app.Mint(t.Context(), Installation{ID: testInstallation}, Scope{AllRepositories: true})
		if err == nil || !token.Value.Empty() || len(f.tokens) != 0 {
			t.Errorf("%q: %v; told of %d tokens", value, err, len(f.tokens))
		}
	}
}
