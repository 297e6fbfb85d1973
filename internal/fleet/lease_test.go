package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/secret"
)

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// checkAlive fails for each request with a token that is dead.
func (x *fixture) checkAlive(t *testing.T) {
	x.before = func(r *http.Request) error {
		if _, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.HasPrefix(token, "ghs_") && !x.Alive(token) {
			t.Errorf("%s %s with a dead token", r.Method, r.URL.Path)
		}
		return nil
	}
}

// A job of hours has a token that lives at every moment, each for as long as it
// may, and all of them are gone in the end: whatever the machine's clock says.
func TestRenewal(t *testing.T) {
	for _, skew := range []time.Duration{0, -2 * time.Hour, 57 * time.Minute, 2 * time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newFixture(t, 2)
				x.SetClockSkew(skew)
				x.checkAlive(t)
				x.announce(2)
				for range 3*56 + 2 {
					if err := x.look0(t.Context()); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Minute)
				}
				if len(x.Tokens()) != 4 || x.alive() != 2 { // one for each 56 minutes
					t.Errorf("%d tokens were made, and %d are alive", len(x.Tokens()), x.alive())
				}
				x.before = nil // those that ended by themselves are revoked, to be sure
				x.Close(t.Context())
				if x.alive() > 0 || len(x.told) > 0 || x.count("DELETE", "/installation/token") != 4 {
					t.Errorf("%d tokens are alive; told %q", x.alive(), x.told)
				}
			})
		})
	}
}

// Many calls at once need one token, and when it ends one more. A call that is
// under way keeps the one that it began with.
func TestRenewalIsForAllCallsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newFixture(t, 3)
		x.SetLatency(time.Second)
		x.SetConcurrency(100)
		x.checkAlive(t)
		x.announce(3)
		for round := range 2 {
			var all apicall.Group
			for i := range 60 {
				all.Go(func() {
					if err := x.look(t.Context(), inRepository(i%3)); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if got := len(x.Tokens()); got != round+1 {
				t.Errorf("round %d: %d tokens", round, got)
			}
			time.Sleep(56 * time.Minute)
		}
		time.Sleep(time.Hour)
		if err := x.look0(t.Context()); err != nil {
			t.Error(err)
		}
		x.before = nil
		x.Close(t.Context())
		if got := x.count("DELETE", "/installation/token"); x.alive() > 0 || got != 2 {
			t.Errorf("%d tokens are alive; %d of 3 were revoked, but for the one that nobody can have had any more", x.alive(), got)
		}
	})
}

// GitHub may be down when a token is to be replaced: the old one still lives
// for minutes. When it is over too, what is called fails, until the outage is
// over.
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

// An outage is asked about once in a minute, however many calls there are; a
// refusal is final.
func TestLeaseWithoutAToken(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault fakegithub.Fault
		again int // how often a token is asked for once more, two minutes later
	}{
		{"an outage", fakegithub.ServerError(502, true), 6},
		{"a limit", fakegithub.Fault{Status: 429, Header: map[string]string{"Retry-After": "7200"}, Body: `{"message":"slow down"}`}, 1},
		{"a refusal", fakegithub.Fault{Status: 403, Body: `{"message":"no"}`}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newFixture(t, 1)
				x.announce(1)
				x.SkipOpenAPI = true
				c.fault.Method = "POST"
				x.Inject(c.fault)
				var first error
				for range 3 {
					err := x.look0(t.Context())
					if first == nil {
						first = err
						x.ResetRequests()
					}
					if err == nil || err.Error() != first.Error() {
						t.Errorf("got %v, and then %v", first, err)
					}
				}
				if len(x.Requests()) > 0 {
					t.Errorf("%d requests by the calls after the first one", len(x.Requests()))
				}
				time.Sleep(2 * time.Minute)
				if err := x.look0(t.Context()); err == nil || x.count("POST", "/access_tokens") != c.again {
					t.Errorf("%v after %d requests, want %d", err, x.count("POST", "/access_tokens"), c.again)
				}
				x.Close(t.Context())
			})
		})
	}
}

// A call that is cancelled while another one makes the token ends, and spoils
// nothing.
func TestCancelledCallLeavesTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newFixture(t, 1)
		x.announce(1)
		if err := x.look0(cancelled(t)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		x.SetLatency(10 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all apicall.Group
		all.Go(func() {
			if err := x.look0(t.Context()); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		started := time.Now()
		if err := x.look0(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(started) != time.Second {
			t.Errorf("%v after %s", err, time.Since(started))
		}
		all.Wait()
		x.Close(t.Context())
	})
}

// A token that GitHub does not know after it made it is taken back. Where
// something else is in the way, the call tells.
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

// An outage on the way to the installation, or to the list of what it reaches,
// is not its last word.
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

// A refused token is asked for once more without the repositories that are out
// of reach, as long as that leaves any; the settings of an organization name
// none.
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

// A repository that vanishes before a token that would name it is made fails
// alone; the token is made without it.
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
				const want = "the App does not reach acme/r1, or there is none of that name; " +
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
