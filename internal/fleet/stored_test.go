package fleet

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

const storesToken = `secrets: [{name: T, from: mint, mint: {repositories: [acme/r0], permissions: {contents: read}},
  to: [{repositories: ["acme/*"]}]}]`

func (x *fixture) resolve(t *testing.T, text string) *Resolution {
	t.Helper()
	v, err := x.Resolve(t.Context(), parsed(t, text), secret.Shard{}, opensesame)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// However long a fleet takes, every target gets a token that lives for long
// enough, and as many as possible get the same one. Close leaves the stored
// tokens alive.
func TestStoredTokensLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newFixture(t, 3)
		v := x.resolve(t, storesToken)
		made := len(x.Tokens()) // one lists names
		seen := map[string]bool{}
		for range 30 {
			var all apicall.Group
			values := make([]string, len(v.Wanted))
			for i := range v.Wanted {
				all.Go(func() {
					value, err := v.Wanted[i].ValueFunc(t.Context())
					if values[i] = value.Reveal(); err != nil || !v.Wanted[i].Fresh || !v.Wanted[i].Value.Empty() {
						t.Errorf("%v: %+v", err, v.Wanted[i])
					}
				})
			}
			all.Wait()
			for _, token := range x.Tokens() {
				if slices.Contains(values, token.Value) {
					seen[token.Value] = true
					if left := time.Until(token.ExpiresAt); left < freshFor {
						t.Errorf("%s left to live", left)
					}
				}
			}
			time.Sleep(time.Minute)
		}
		if len(seen) != 3 || len(x.Tokens()) != made+3 {
			t.Errorf("%d of %d tokens were stored; it takes one every ten minutes", len(seen), len(x.Tokens()))
		}
		x.Close(t.Context())
		for value := range seen {
			if !x.Alive(value) {
				t.Error("Close revoked what is stored")
			}
		}
		v.RevokeUnused(t.Context(), []secret.Result{{Place: inRepository(2), Name: "t", Outcome: secret.Created}})
		if x.alive() != 3 {
			t.Error("a token that a target took is revoked")
		}
		failed := secret.Result{Place: inRepository(2), Name: "T", Outcome: secret.Failed, Err: errLine}
		v.RevokeUnused(t.Context(), []secret.Result{failed, {Place: inRepository(2), Name: "ANOTHER", Outcome: secret.Created}})
		if x.alive() > 0 || !slices.Equal(x.told, slices.Repeat([]string{"the token that was minted is revoked"}, 3)) {
			t.Errorf("%d tokens are alive; told %q", x.alive(), x.told)
		}
	})
}

// A refused mint fails every target without another try. A cancelled one is
// tried again for the next target.
func TestStoredTokenThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newFixture(t, 3)
		v := x.resolve(t, storesToken)
		if _, err := v.Wanted[0].ValueFunc(cancelled(t)); err == nil {
			t.Error("a cancelled call was sent")
		}
		x.grant(map[string]string{"metadata": "read"})
		const want = "mint a token for installation 4242: GitHub answered 422: " +
			"The permissions requested are not granted to this installation.; " +
			"hint: ask for what the installation has, or have an owner accept more for it"
		for range 3 {
			if _, err := v.Wanted[0].ValueFunc(t.Context()); described(err) != want {
				t.Errorf("got %q", described(err))
			}
		}
		if got := x.count("POST", "/access_tokens"); got != 2 { // one lists names
			t.Errorf("a token was asked for %d times", got)
		}
	})
}

// A rotation's token outlives the fleet, unless it was stored nowhere.
func TestMint(t *testing.T) {
	x := newFixture(t, 501)
	mint := func(repositories string) (file *manifest.File, scope *manifest.Scope) {
		file = parsed(t, "rotations: [{name: t, installation-token: {repositories: ["+repositories+"], permissions: {contents: read}}, "+
			"every: 30m, store: [{repository: acme/r0, secret: T}]}]")
		return file, file.Rotations[0].InstallationToken
	}
	file, scope := mint(`"acme/r1?", acme/r2`)
	value, revoke, err := x.Fleet.Mint(t.Context(), file, scope)
	if err != nil {
		t.Fatal(err)
	}
	if got := x.opened(); !slices.Contains(got, "11 repositories, contents: read, metadata: read") {
		t.Errorf("opened %q", got)
	}
	if x.Close(t.Context()); !x.Alive(value.Reveal()) {
		t.Error("Close revoked it")
	}
	if err := revoke(t.Context()); err != nil || x.Alive(value.Reveal()) {
		t.Errorf("%v; it is alive: %t", err, x.Alive(value.Reveal()))
	}
	for repositories, want := range map[string]string{
		`"acme/r*"`: "acme/r* matches 501 repositories, and GitHub lets a token name 500; " +
			"hint: take all of them with acme/*, or fewer",
		`"acme/r1", "!acme/r*"`: "acme/r1, !acme/r* matches no repository; hint: a token needs at least one repository: check the list",
		`"acme/no*"`: "acme/no* selects none of the 501 repositories of acme that the App reaches; " +
			"hint: check the spelling, and which repositories the installation selects; " +
			"where it may select nothing, write allow-empty: true next to the list",
	} {
		made := len(x.Tokens())
		file, scope := mint(repositories)
		_, _, err := x.Fleet.Mint(t.Context(), file, scope)
		got := firstLines(err)
		if len(got) != 1 || !strings.HasSuffix(got[0], ": "+want) || !errors.As(err, new(*manifest.Fault)) || len(x.Tokens()) > made {
			t.Errorf("%s: %q", repositories, got)
		}
	}
	token := x.Tokens()[0].Value
	x.use(t, Config{Token: redact.New(token)})
	if _, _, err := x.Fleet.Mint(t.Context(), file, scope); err == nil || !strings.HasPrefix(err.Error(), "only an App can mint") {
		t.Errorf("by a token: %v", err)
	}
	x.use(t, x.app())
	file, scope = mint(`"acme/*"`)
	_, _, err = x.Fleet.Mint(t.Context(), file, scope)
	if err != nil || !slices.Contains(x.opened(), "all repositories, contents: read, metadata: read") {
		t.Errorf("%v: %q", err, x.opened())
	}
}
