package fleet

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/secret"
)

// If GitHub is down when a token has to be replaced, the old one still works
// for minutes. After its end calls fail until the outage is over.
func TestOutageAtRenewal(t *testing.T) {
	for outage, failures := range map[time.Duration]int{2 * time.Minute: 0, 8 * time.Minute: 4} {
		t.Run(outage.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newFixture(t, 1)
				x.announce(1)
				began := time.Now()
				x.before = func(r *http.Request) error {
					if at := time.Since(began) - 54*time.Minute; at > 0 && at < outage && strings.HasSuffix(r.URL.Path, "/access_tokens") {
						return errLine
					}
					return nil
				}
				failed := 0
				for range 70 {
					if err := x.look0(t.Context()); err != nil {
						if failed++; !strings.Contains(err.Error(), "mint a token for installation 4242: ") {
							t.Error(err)
						}
					}
					time.Sleep(time.Minute - time.Since(began)%time.Minute)
				}
				if failed != failures {
					t.Errorf("%d calls failed, want %d", failed, failures)
				}
				x.Close(t.Context())
				if x.alive() > 0 {
					t.Error("a token is alive")
				}
			})
		})
	}
}

// A token that GitHub does not know after it made it is revoked. Any other
// obstacle fails the call itself.
func TestTokenThatIsNotKnown(t *testing.T) {
	for status, back := range map[int]bool{401: true, 404: true, 403: false, 502: false} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newFixture(t, 1)
				x.announce(1)
				x.SkipOpenAPI = true
				x.Inject(fakegithub.Fault{Path: "/installation/repositories", Status: status, Body: `{"message":"no"}`})
				err := x.look0(t.Context())
				if got := strings.HasPrefix(described(err), "verify the token: GitHub answered "); got != back || (err == nil) == back {
					t.Errorf("got %q", described(err))
				}
				told := slices.Equal(x.told, []string{"the token that was minted is revoked"})
				if told != back || (x.alive() == 0) != back {
					t.Errorf("told %q; %d tokens are alive", x.told, x.alive())
				}
				x.Close(t.Context())
			})
		})
	}
}

// An outage during the lookup of the installation, or of the list of its
// repositories, is not final.
func TestOutageOnTheWayToAnOwner(t *testing.T) {
	for _, path := range []string{"/users/acme/installation", "/installation/repositories"} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newFixture(t, 1)
				down := fakegithub.ServerError(502, true)
				down.Path, down.Times = path, 6
				x.Inject(down)
				if _, err := x.repositories(t.Context(), "acme"); err == nil {
					t.Error("there was no outage")
				}
				for range 2 {
					if reached, err := x.repositories(t.Context(), "ACME"); err != nil || reached.Len() != 1 {
						t.Errorf("after it: %v", err)
					}
				}
				if got := x.count("GET", path); got != 7 {
					t.Errorf("it was asked for %d times", got)
				}
				x.ResetRequests()
				for range 2 {
					if _, err := x.repositories(t.Context(), "globex"); err == nil {
						t.Error("the App is not installed there")
					}
				}
				if got := x.count("GET", "/users/globex/installation"); got != 1 {
					t.Errorf("it was asked for %d times", got)
				}
			})
		})
	}
}

// After a refusal the fleet asks for the token once more without the
// repositories that are out of reach, if that leaves any. A token for the
// settings of an organization names none.
func TestRefusedTokenIsAskedForOnceMore(t *testing.T) {
	for _, c := range []struct {
		name, repository string
		asked            int
	}{
		{"an organization", "", 1},
		{"a repository out of reach, alone", "gone", 2}, // one lists names
		{"a repository that is there", "r0", 2},
	} {
		x := newFixture(t, 1)
		at := secret.Place{Owner: "acme", Repository: c.repository, App: "actions"}
		x.Need("acme", c.repository, at.Permission())
		x.SkipOpenAPI = true
		x.Inject(fakegithub.Fault{
			Method: "POST", Times: 1, Status: 422, Body: `{"message":"There is at least one repository that does not exist"}`,
		})
		if err := x.look(t.Context(), at); err == nil || x.count("POST", "/access_tokens") != c.asked {
			t.Errorf("%s: %v after %d mints", c.name, err, x.count("POST", "/access_tokens"))
		}
		if got := x.count("GET", "/repos/acme/gone/installation"); got > 1 {
			t.Errorf("%s: it was asked %d times whether it is there", c.name, got)
		}
	}
}

// A repository that vanishes before the token that would name it fails alone:
// the token is made without it.
func TestRepositoryThatVanishes(t *testing.T) {
	for _, vanishes := range []int{1, 2} { // before the token of that number
		t.Run(fmt.Sprint(vanishes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newFixture(t, 3)
				x.announce(3)
				mints := 0
				x.before = func(r *http.Request) error {
					if r.Method == http.MethodPost {
						if mints++; mints == vanishes {
							x.DeleteRepository("acme", "r1")
						}
					}
					return nil
				}
				failed := map[string]bool{}
				for range 2 {
					for i := range 3 {
						if err := x.look(t.Context(), inRepository(i)); err != nil {
							failed[described(err)] = true
						}
					}
					time.Sleep(time.Hour)
				}
				const want = "the App does not reach acme/r1, or it does not exist; " +
					"hint: check the name, and in the installation's settings that the repository is selected"
				if len(failed) != 1 || !failed[want] {
					t.Errorf("failed: %v", failed)
				}
				x.Close(t.Context())
				if x.alive() > 0 {
					t.Error("a token is alive")
				}
			})
		})
	}
}

func TestIsFinal(t *testing.T) {
	for status, want := range map[int]bool{
		0: false, 401: true, 403: true, 404: true, 408: false, 422: true, 429: false, 500: false, 503: false,
	} {
		err := fmt.Errorf("a call: %w", &githubapp.Error{Op: "look", Status: status})
		if got := isFinal(err); got != want {
			t.Errorf("%d: %t", status, got)
		}
	}
	if !isFinal(errLine) {
		t.Error("what did not come from GitHub may come again")
	}
}
