package fleet

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
)

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// checkAlive fails the test for each request with a dead token.
func (x *fixture) checkAlive(t *testing.T) {
	x.before = func(r *http.Request) error {
		if _, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.HasPrefix(token, "ghs_") && !x.Alive(token) {
			t.Errorf("%s %s with a dead token", r.Method, r.URL.Path)
		}
		return nil
	}
}

// A job of many hours has a live token at every moment, uses each as long as it
// can, and revokes all of them, whatever the machine's clock says.
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

// Many calls at once take one token, and one more when that ends. A call that
// is under way keeps the token that it began with.
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

// During an outage the fleet asks for a token once a minute, however many calls
// there are. A refusal is final.
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

// A call that is cancelled while another one makes the token ends, and does no
// harm to the others.
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
