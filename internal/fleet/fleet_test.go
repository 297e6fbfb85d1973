package fleet

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

func TestNewTakesAnAppOrAToken(t *testing.T) {
	x := newFixture(t, 0)
	for _, c := range []Config{{}, {Key: fakegithubtest.Key(), Token: redact.New("opensesame")}, {Token: redact.New("")}} {
		c.API = x.api
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), "either the key of an App or a token") {
			t.Errorf("key: %t, token: %t: %v", c.Key != nil, !c.Token.Empty(), err)
		}
	}
	config := x.app()
	config.API = x.api
	f, err := New(config) // nobody is told anything
	if err != nil {
		t.Fatal(err)
	}
	f.config.Info("")
	f.config.Warning(nil)
}

// Each token opens what was announced for its kind of work, and no two kinds
// are mixed. No token is made without a call that takes it, and none is left
// alive.
func TestTokensOpenWhatWasAnnounced(t *testing.T) {
	x := newFixture(t, 4)
	x.Need("acme", "r0", "secrets")
	x.Need("acme", "R1", "secrets", "dependabot_secrets")
	x.Need("ACME", "r1", "secrets")
	x.Need("acme", "r2", "environments", "actions", "administration")
	x.Need("acme", "r3", "metadata")
	x.Need("acme", "", "organization_secrets")
	x.Need("globex", "r9", "secrets")
	for _, at := range []secret.Place{
		inRepository(0), inRepository(1), {Owner: "Acme", Repository: "r1", App: "dependabot"}, {Owner: "acme", App: "actions"},
	} {
		if err := x.look(t.Context(), at); err != nil {
			t.Error(err)
		}
	}
	for _, req := range []apicall.Request{
		{Owner: "acme", Repository: "r2", Permission: "actions", Path: "repos/acme/r2/environments"},
		{Owner: "acme", Repository: "r3", Permission: "metadata", Path: "repos/acme/r3"},
	} {
		req.Method = http.MethodGet
		if _, err := x.Call(t.Context(), req); err != nil {
			t.Error(err)
		}
	}
	want := []string{
		"1 repositories, actions: read, administration: write, metadata: read",
		"1 repositories, metadata: read",
		"3 repositories, dependabot_secrets: write, environments: write, metadata: read, secrets: write",
		"all repositories, organization_secrets: write",
	}
	if diff := cmp.Diff(want, x.opened()); diff != "" {
		t.Error(diff)
	}
	if x.alive() != 4 {
		t.Errorf("%d tokens are alive", x.alive())
	}
	x.Close(t.Context())
	if x.alive() > 0 || len(x.told) > 0 {
		t.Errorf("%d tokens are alive; told %q", x.alive(), x.told)
	}
}

// A token for more repositories than it can name opens all repositories, and a
// note says so.
func TestMoreRepositoriesThanATokenNames(t *testing.T) {
	x := newFixture(t, 501)
	x.announce(501)
	if err := x.look(t.Context(), inRepository(500)); err != nil {
		t.Error(err)
	}
	if got := x.opened(); !slices.Equal(got, []string{"all repositories, metadata: read, secrets: write"}) {
		t.Errorf("got %q", got)
	}
	const want = "acme: 501 repositories are more than the 500 that a token can name, " +
		"so it opens all of the installation, with secrets: write"
	if !slices.Equal(x.told, []string{want}) {
		t.Errorf("told %q", x.told)
	}
}

// A permission or repository that the App does not have fails the calls that
// take it, and no others. The fleet finds that out once.
func TestCallsOutOfReach(t *testing.T) {
	const (
		unreached    = ", or it does not exist; hint: "
		checkTheName = "check the name, and in the installation's settings that the repository is selected"
		addIt        = "; hint: add it in the App's settings, and have an owner accept it at " +
			"https://api.github.test/organizations/acme/settings/installations/4242"
		notInstalled = "find the installation for globex: GitHub answered 404: Not Found; hint: the App is not installed on globex; " +
			"it is installed on acme; install it at https://api.github.test/apps/keeper/installations/new, or check the name"
	)
	x := newFixture(t, 3)
	x.grant(map[string]string{"metadata": "read", "secrets": "write"})
	x.RenameRepository("acme", "r1", "site")
	places := map[secret.Place]string{
		inRepository(0): "",
		inRepository(1): "the App does not reach acme/r1" + unreached + "acme/r1 was renamed: use its new name, acme/site",
		{Owner: "acme", Repository: "Gone", App: "actions"}:  "the App does not reach acme/Gone" + unreached + checkTheName,
		{Owner: "acme", Repository: "r2", App: "dependabot"}: "the installation on acme lacks dependabot_secrets: write" + addIt,
		{Owner: "acme", App: "actions"}:                      "the installation on acme lacks organization_secrets: write" + addIt,
		{Owner: "globex", Repository: "r0", App: "actions"}:  notInstalled,
		{Owner: "globex", Repository: "r1", App: "actions"}:  notInstalled,
		{Owner: "globex", App: "actions"}:                    notInstalled,
	}
	for at := range places {
		x.Need(at.Owner, at.Repository, at.Permission())
	}
	for range 2 {
		x.ResetRequests()
		for at, want := range places {
			if err := x.look(t.Context(), at); described(err) != want {
				t.Errorf("%s: got %q, want %q", at, described(err), want)
			}
		}
	}
	for _, r := range x.Requests() {
		if !strings.HasPrefix(r.Path, "/repos/acme/r0/") {
			t.Errorf("%s %s is asked again", r.Method, r.Path)
		}
	}
	// One lists names, and one finds the new name of a repository.
	for _, opens := range x.opened() {
		if opens != "2 repositories, metadata: read, secrets: write" && !strings.HasSuffix(opens, "repositories, metadata: read") {
			t.Errorf("a token opens %s", opens)
		}
	}
	x.Close(t.Context())
	if x.alive() > 0 {
		t.Errorf("%d tokens are alive", x.alive())
	}
}

// If GitHub does not say what an installation has, nothing counts as missing.
func TestInstallationOfUnknownPermissions(t *testing.T) {
	x := newFixture(t, 1)
	x.announce(1)
	x.SkipOpenAPI = true
	x.Inject(fakegithub.Fault{Path: "/users/*/installation", Rewrite: func(body []byte) []byte {
		return bytes.Replace(body, []byte(`"permissions":`), []byte(`"others":`), 1)
	}})
	if err := x.look0(t.Context()); err != nil {
		t.Error(err)
	}
}

// If GitHub refuses a call without a reason, the hint says which permission the
// call takes.
func TestRefusalsNameThePermission(t *testing.T) {
	for _, c := range []struct {
		status        int
		message, hint string
	}{
		{403, "no", "give the App secrets: write, and check that the repository is not archived"},
		{404, "Not Found", "check that it exists, and give the App secrets: write"},
		{403, "Repository was archived so is read-only.", "the repository is archived: unarchive it, or leave it out"},
		{410, "Gone", "this GitHub no longer serves the API version that valetkey speaks: use a newer valetkey"},
	} {
		x := newFixture(t, 1)
		x.announce(1)
		x.SkipOpenAPI = true
		x.Inject(fakegithub.Fault{Path: "/repos/*/*/actions/secrets", Status: c.status, Body: `{"message":"` + c.message + `"}`})
		answer, err := x.Call(t.Context(), inRepository(0).Request("look", "GET", "repos/acme/r0/actions/secrets", nil, nil))
		if answer.Status != c.status || fault.Hint(err) != c.hint {
			t.Errorf("%d, %q; want %q", answer.Status, described(err), c.hint)
		}
	}
}

// A fleet with a token mints nothing: it sends the token as it is, and leaves
// it alive. The token has one owner's limits for all owners.
func TestByToken(t *testing.T) {
	x := newFixture(t, 2)
	x.Need("acme", "r0", "secrets")
	if err := x.look0(t.Context()); err != nil {
		t.Fatal(err)
	}
	token := x.Tokens()[0].Value
	x.use(t, Config{Token: redact.New(token)})
	x.ResetRequests()
	if err := x.look0(t.Context()); err != nil {
		t.Error(err)
	}
	err := x.look(t.Context(), inRepository(1))
	if !strings.Contains(described(err), "GitHub answered 404: Not Found; hint: check that it exists") {
		t.Errorf("got %q", described(err))
	}
	x.Close(t.Context())
	if !x.Alive(token) || len(x.Tokens()) != 1 || x.count("GET", "") != 2 || len(x.Requests()) != 2 {
		t.Errorf("alive: %t, %d tokens, %d requests", x.Alive(token), len(x.Tokens()), len(x.Requests()))
	}
	if x.owner("acme").limiter != x.owner("globex").limiter {
		t.Error("a token has limits of its own for each owner")
	}
}

// Repository knows what lists and tokens said, and never sends a request.
func TestRepositoryIsKnownWithoutARequest(t *testing.T) {
	x := newFixture(t, 2)
	x.ArchiveRepository("acme", "r1", true)
	x.Need("acme", "r0", "secrets")
	if r, ok := x.Repository("acme", "r0"); ok || r.ID != 0 {
		t.Errorf("before: %+v, %t", r, ok)
	}
	if err := x.look0(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := x.Tokens()[0].Repositories
	if r, ok := x.Repository("Acme", "R0"); ok || r.ID == 0 {
		t.Errorf("after a token for %s: %+v, %t", id, r, ok)
	}
	if _, err := x.repositories(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	x.ResetRequests()
	if r, ok := x.Repository("acme", "R1"); !ok || !r.Archived || r.ID == 0 {
		t.Errorf("after a list: %+v, %t", r, ok)
	}
	if len(x.Requests()) > 0 {
		t.Error("it was asked about")
	}
}

// Close revokes all tokens that it can, even in a job that is being cancelled,
// and warns of the rest.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newFixture(t, 1)
		x.Need("acme", "r0", "secrets", "administration")
		x.Need("acme", "", "organization_secrets")
		for _, at := range []secret.Place{inRepository(0), {Owner: "acme", App: "actions"}} {
			if err := x.look(t.Context(), at); err != nil {
				t.Fatal(err)
			}
		}
		x.SkipOpenAPI = true
		x.Inject(fakegithub.Fault{Method: "DELETE", Times: 1, Status: 403, Body: `{"message":"no"}`})
		started := time.Now()
		x.Close(cancelled(t))
		want := []string{
			"warning: a token for acme is not revoked; it lives until 01:00 UTC: revoke the token: GitHub answered 403: no",
		}
		if diff := cmp.Diff(want, withoutHints(x.told)); diff != "" || x.alive() != 1 || time.Since(started) > 2*time.Second {
			t.Errorf("%d tokens are alive after %s: %s", x.alive(), time.Since(started), diff)
		}
	})
}

// withoutHints returns texts without their hints.
func withoutHints(texts []string) []string {
	var list []string
	for _, text := range texts {
		text, _, _ = strings.Cut(text, "; hint: ")
		list = append(list, text)
	}
	return list
}

// A call that was not announced fails, because no token opens what it takes.
func TestCallThatWasNotAnnounced(t *testing.T) {
	x := newFixture(t, 2)
	const want = "list the secrets of acme/r0: it was not announced that a call takes secrets: write"
	if err := x.look0(t.Context()); described(err) != want || len(x.Requests()) > 0 {
		t.Errorf("%q after %d requests", described(err), len(x.Requests()))
	}
	x.Need("acme", "r0", "secrets")
	if err := x.look(t.Context(), inRepository(1)); err == nil {
		t.Error("a token for one repository opens another")
	}
}

// A token reads where all calls only read, and one for alerts is apart from the
// others.
func TestLevels(t *testing.T) {
	x := newFixture(t, 1)
	x.grant(map[string]string{"members": "read", "organization_secrets": "write", "secret_scanning_alerts": "write", "metadata": "read"})
	x.Need("acme", "", "members")
	x.NeedLevel("acme", "", "organization_secrets", "read")
	x.NeedLevel("acme", "", "secret_scanning_alerts", "write")
	x.NeedLevel("acme", "r0", "secret_scanning_alerts", "read")
	list := apicall.Request{Owner: "acme", Permission: "organization_secrets", Level: "read", Op: "list"}
	list.Method, list.Path = http.MethodGet, "orgs/acme/actions/secrets"
	if _, err := x.Call(t.Context(), list); err != nil {
		t.Error(err)
	}
	alerts := apicall.Request{Owner: "acme", Permission: "secret_scanning_alerts", Level: "read", Op: "list"}
	alerts.Method, alerts.Path = http.MethodGet, "installation/repositories"
	if _, err := x.Call(t.Context(), alerts); err != nil {
		t.Error(err)
	}
	list.Level, list.Method = "", http.MethodPut
	const want = "list: it was not announced that a call takes organization_secrets: write"
	if _, err := x.Call(t.Context(), list); described(err) != want {
		t.Errorf("a token that reads writes: %v", err)
	}
	opened := []string{
		"all repositories, members: read, organization_secrets: read",
		"all repositories, metadata: read, secret_scanning_alerts: write",
	}
	if diff := cmp.Diff(opened, x.opened()); diff != "" {
		t.Error(diff)
	}
}

// The bot's name tells what the App wrote from what others did.
func TestBot(t *testing.T) {
	x := newFixture(t, 0)
	for range 2 {
		if login, err := x.Bot(t.Context(), "acme"); login != "keeper[bot]" || err != nil {
			t.Errorf("%q, %v", login, err)
		}
	}
	if n := len(x.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
	if login, err := x.Bot(t.Context(), "hooli"); login != "" || err == nil {
		t.Errorf("%q, %v", login, err)
	}
	x.use(t, Config{Token: redact.New("opensesame")})
	if login, err := x.Bot(t.Context(), "acme"); login != "" || err == nil {
		t.Errorf("with a token: %q, %v", login, err)
	}
}
