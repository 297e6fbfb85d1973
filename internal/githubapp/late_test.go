package githubapp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

var errOver = errors.New("the minute is over")

func lookup(ctx context.Context, f *fixture) error {
	_, err := f.app.Installation(ctx, Target{Owner: "acme", Repository: "api"})
	return err
}

func mint(ctx context.Context, f *fixture) error {
	_, err := f.app.Mint(ctx, Installation{ID: testInstallation}, Scope{AllRepositories: true})
	return err
}

// reach is a call for which no points are left.
func reach(ctx context.Context, f *fixture) error {
	limiter := NewRateLimiter(5, func(string, ...any) {})
	if err := limiter.acquire(ctx, 5, false); err != nil { // all points of a minute
		return err
	}
	limiter.release(5, nil)
	return f.api.WithLimiter(limiter).Reach(ctx, redact.New("x"), "acme", "api")
}

// If the caller's time is up, the error says so, and what the last wait was
// for. After a cancellation it says that.
func TestTheTimeIsUp(t *testing.T) {
	slow := fakegithub.Fault{Delay: time.Hour}
	outage := fakegithub.ServerError(502, false)
	outage.Delay = 3 * time.Second
	for _, c := range []struct {
		name  string
		fault fakegithub.Fault
		call  func(context.Context, *fixture) error
		late  string // the error when the time is up
		hint  string
	}{
		{
			"a lookup without an answer", slow, lookup,
			"find the installation for acme/api: the minute is over: api.github.test:443: no answer in time",
			"check that the runner reaches",
		},
		{
			"a mint without an answer", slow, mint,
			"mint a token for installation 4242: the minute is over: api.github.test:443: no answer in time",
			"check that the runner reaches",
		},
		{
			"an outage that takes long", outage, lookup,
			"find the installation for acme/api: GitHub answered 502: Server Error (tried 3 times in …, no time to try again)",
			"GitHub has trouble of its own",
		},
		{
			"its turn",
			fakegithub.Fault{Times: -1},
			reach,
			"open acme/api: the minute is over: its turn did not come: 5 points a minute are spent", "run it again",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				if c.fault.Times == 0 {
					f.Inject(c.fault)
				}
				// Three attempts at the outage and their waits take 10.5
				// seconds at most, and what is waited after them ends after
				// 10.75 seconds at least.
				ctx, cancel := context.WithTimeoutCause(t.Context(), 10600*time.Millisecond, errOver)
				defer cancel()
				err := c.call(ctx, f)
				var e *Error
				if got := withoutTime(firstLine(err)); !errors.As(err, &e) || got != c.late || !strings.HasPrefix(e.ErrorHint(), c.hint) {
					t.Errorf("got %q, hint %q, want %q", got, e.ErrorHint(), c.late)
				}
				ctx, cancel = context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(time.Second, cancel)
				if err = c.call(ctx, f); err == nil || strings.Contains(err.Error(), "over") ||
					c.name != "an outage that takes long" && !strings.HasSuffix(err.Error(), ": cancelled") {
					t.Errorf("cancelled: %v", err)
				}
			})
		})
	}
}

// A token whose answer can't be read is revoked, also when it came after the
// end of the caller's time.
func TestAnUnreadableTokenIsRevokedWhenTheTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.SkipOpenAPI = true
		f.Inject(fakegithub.Fault{Method: "POST", Times: 1, Delay: 2 * time.Second, Rewrite: func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"permissions":`, `"permissions":null,"x":`, 1))
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := f.app.Mint(ctx, Installation{ID: testInstallation}, Scope{AllRepositories: true})
		tokens := f.Tokens()
		if err == nil || !strings.Contains(err.Error(), "permissions is null") || len(tokens) != 1 || f.Alive(tokens[0].Value) {
			t.Errorf("%v; %d tokens", err, len(tokens))
		}
	})
}

// Revoking a token that nobody received takes no longer than a step has at its
// end.
func TestAnUnreadableTokenIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.SkipOpenAPI = true
		f.Inject(fakegithub.Fault{Method: "DELETE", Delay: time.Hour})
		f.Inject(fakegithub.Fault{Method: "POST", Times: 1, Delay: 2 * time.Second, Rewrite: func([]byte) []byte {
			return []byte(`{"token":"ghs_x","permissions":null}`)
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		_, err := f.app.Mint(ctx, Installation{ID: testInstallation}, Scope{AllRepositories: true})
		if took := time.Since(started); err == nil || took > time.Second+Overtime {
			t.Errorf("%v after %s", err, took)
		}
	})
}

// A token is discarded even after the end of its caller's time, and a caller
// waits for it no longer than it has time.
func TestDiscard(t *testing.T) {
	for _, c := range []struct {
		name string
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		took time.Duration // when no answer comes
	}{
		{"without a deadline", context.WithCancel, 15 * time.Second},
		{"long before a deadline", timeout(time.Hour), 15 * time.Second},
		{"before a deadline", timeout(time.Second), 6 * time.Second},
		{"after a deadline", timeout(-time.Second), 4 * time.Second},
		{"long after a deadline", timeout(-time.Minute), 2 * time.Second},
		{"cancelled", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.SkipOpenAPI = true
				token, err := f.app.Mint(t.Context(), Installation{ID: testInstallation}, Scope{AllRepositories: true})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := c.ctx(t.Context())
				defer cancel()
				if err := f.api.Discard(ctx, token.Value); err != nil || f.Alive(token.Value.Reveal()) {
					t.Errorf("%v; the token is alive: %t", err, f.Alive(token.Value.Reveal()))
				}
				f.Inject(fakegithub.Fault{Method: "DELETE", Delay: time.Hour})
				ctx, cancel = c.ctx(t.Context())
				defer cancel()
				started := time.Now()
				if err := f.api.Discard(ctx, token.Value); err == nil || time.Since(started) != c.took {
					t.Errorf("%v after %s, want %s", err, time.Since(started), c.took)
				}
			})
		})
	}
}

func timeout(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
}
