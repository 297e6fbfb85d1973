package cli

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// A sync of the whole fleet keeps to GitHub's limit: no call is rejected, and
// it takes hardly longer than the limit allows.
func TestSyncKeepsToPointsPerMinute(t *testing.T) {
	testKey()
	const n, perMinute = 300, 900
	synctest.Test(t, func(t *testing.T) {
		s := newLargeStep(t, n)
		s.SetPointsPerMinute(perMinute)
		started := time.Now()
		s.run(t, "sync")
		took := time.Since(started)
		if got := s.outputs(t); s.exit != exitOK || got["created"] != "900" || got["failed"] != "0" {
			t.Errorf("exit %d, %v", s.exit, got)
		}
		if got := s.Rejections(); got != 0 {
			t.Errorf("%d calls were rejected", got)
		}
		if got := s.count("GET", "/public-key"); got != n {
			t.Errorf("%d keys were fetched", got)
		}
		if got := s.count("PUT", ""); got != 3*n {
			t.Errorf("%d writes", got)
		}
		// The fake lets 900 points pass in any minute. So the first 900 may go at once,
		// the next when a minute is over, and the last of P points at the earliest after
		// (P-1)/900 minutes, rounded down. Points are what was really sent, the end of
		// the tokens included.
		allowed := time.Duration((s.points()-1)/perMinute) * time.Minute
		if t.Logf("%d points in %s; the limit allows %s", s.points(), took, allowed); took > allowed*11/10 {
			t.Errorf("that is %.2f of it", took.Seconds()/allowed.Seconds())
		}
		s.checkValues(t, n)
		s.checkRevoked(t)

		s.next(t, nil)
		s.ResetRequests()
		s.SetPointsPerMinute(0)
		s.secondRun(t, n)
	})
}

// secondRun checks that a run with nothing to do sends one request for each
// repository, besides those for its tokens and the list of names.
func (s *step) secondRun(t *testing.T, n int) {
	t.Helper()
	started := time.Now()
	s.run(t, "sync")
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("the second run took %s", took)
	}
	if got := s.outputs(t)["unchanged"]; got != fmt.Sprint(3*n) {
		t.Errorf("unchanged: %s", got)
	}
	lists := 0
	for _, r := range s.Requests() {
		switch {
		case r.Method == "GET" && strings.HasPrefix(r.Path, "/repos/fleet/") && strings.HasSuffix(r.Path, "/actions/secrets"):
			lists++
		case r.Method == "GET" && (r.Path == "/users/fleet/installation" || r.Path == "/installation/repositories"):
		case r.Method == "POST" && strings.HasSuffix(r.Path, "/access_tokens"), r.Method == "DELETE" && r.Path == "/installation/token":
		default:
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
	if rest := len(s.Requests()) - lists; lists != n || rest > 10 {
		t.Errorf("%d lists, and %d other requests", lists, rest)
	}
}

// When the hour's requests run out, the sync says so, waits, and goes on with
// new tokens, since the old ones have expired.
func TestSyncOutlastsTheHour(t *testing.T) {
	testKey()
	const n = 300
	synctest.Test(t, func(t *testing.T) {
		s := newLargeStep(t, n)
		s.SetRequestsPerHour(600) // of about 1,500
		started := time.Now()
		s.through(t, func(next http.RoundTripper) http.RoundTripper {
			return sender(func(r *http.Request) (*http.Response, error) {
				_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
				if strings.HasPrefix(token, "ghs_") && !s.Alive(token) {
					t.Errorf("%s %s with a dead token", r.Method, r.URL.Path)
				}
				return next.RoundTrip(r)
			})
		})
		if got := s.outputs(t); s.exit != exitOK || got["created"] != "900" || got["failed"] != "0" {
			t.Errorf("exit %d, %v", s.exit, got)
		}
		if took := time.Since(started); took < 2*time.Hour || took > 2*time.Hour+10*time.Minute {
			t.Errorf("took %s", took)
		}
		if got := strings.Count(s.log.String(), "the hour's 600 requests are spent, and GitHub gives new ones at "); got < 2 {
			t.Errorf("the wait was told %d times", got)
		}
		if got := len(s.Tokens()); got != 4 {
			t.Errorf("%d tokens were made; it takes one to list names, and one for each hour", got)
		}
		for _, r := range s.Requests() { // GitHub says what is left, so nothing has to be tried out
			if r.Status >= 400 {
				t.Errorf("%s %s was answered %d", r.Method, r.Path, r.Status)
			}
		}
		s.checkValues(t, n)
		s.checkRevoked(t)
		s.checkHidden(t)
	})
}

// When GitHub asks for a pause, all requests wait, and those that were rejected
// are sent again.
func TestSyncWaitsWhenAskedTo(t *testing.T) {
	testKey()
	const n = 60
	for _, c := range []struct {
		name        string
		says, pause time.Duration // Retry-After, 0 is none, and what that comes to
	}{{"Retry-After", 90 * time.Second, 90 * time.Second}, {"no word of when", 0, time.Minute}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newLargeStep(t, n)
				s.env["INPUT_POINTS-PER-MINUTE"] = "0"
				var mu sync.Mutex
				var asked time.Time // when we learnt that there is to be a pause
				requests := 0
				started := time.Now()
				s.through(t, func(next http.RoundTripper) http.RoundTripper {
					return sender(func(r *http.Request) (*http.Response, error) {
						mu.Lock()
						if requests++; requests == 2*n { // in the middle
							limit := fakegithub.SecondaryLimit(c.says)
							limit.Times = 1
							s.Inject(limit)
						}
						if !asked.IsZero() && time.Now().After(asked) && time.Since(asked) < c.pause {
							t.Errorf("%s %s was sent %s after we were asked to wait %s", r.Method, r.URL.Path, time.Since(asked), c.pause)
						}
						mu.Unlock()
						resp, err := next.RoundTrip(r)
						if err == nil && resp.StatusCode == http.StatusForbidden {
							mu.Lock()
							asked = time.Now()
							mu.Unlock()
						}
						return resp, err
					})
				})
				if got := s.outputs(t); s.exit != exitOK || got["created"] != "180" || got["failed"] != "0" {
					t.Errorf("exit %d, %v", s.exit, got)
				}
				if took := time.Since(started); asked.IsZero() || took < c.pause || took > c.pause+10*time.Second {
					t.Errorf("took %s, with a pause of %s", took, c.pause)
				}
				if !strings.Contains(s.log.String(), "rate limited by GitHub (secondary limit), waiting") {
					t.Error("nothing was said of the wait")
				}
				s.checkValues(t, n)
				s.checkRevoked(t)
			})
		})
	}
}

// Revoking the tokens takes requests as well. There has to be room for them
// when the sync uses up what GitHub allows.
func TestSyncLeavesRoomToRevoke(t *testing.T) {
	testKey()
	for _, c := range []struct {
		name             string
		n                int
		perMinute, hours int
	}{
		{"the minute's points", 56, 900, 0}, // 56 × (1 + 3 × 5) = 896
		{"the minute's points, with room to spare", 55, 900, 0},
		{"the hour's requests", 48, 0, 48*4 + 1},
		{"the hour's requests, with one to spare", 48, 0, 48*4 + 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newLargeStep(t, c.n)
				var names []string // no listing, so that the sum is a plain one
				for i := range c.n {
					names = append(names, fmt.Sprintf("fleet/r%d", i))
				}
				s.write(t, strings.ReplaceAll(threeSecrets, `"fleet/*"`, strings.Join(names, ", ")))
				s.env["INPUT_STATE-FILE"] = ""
				s.SetPointsPerMinute(c.perMinute)
				s.SetRequestsPerHour(c.hours)
				s.run(t, "sync")
				if got := s.outputs(t); s.exit != exitOK || got["created"] != fmt.Sprint(3*c.n) {
					t.Errorf("exit %d, %v", s.exit, got)
				}
				for _, r := range s.Requests() {
					if r.Status >= 400 {
						t.Errorf("%s %s was answered %d", r.Method, r.Path, r.Status)
					}
				}
				s.checkRevoked(t)
			})
		})
	}
}

// A pause that GitHub asks for while a token is made is one more wait, and
// fails nothing.
func TestSyncWaitsForItsToken(t *testing.T) {
	testKey()
	for _, path := range []string{"/users/fleet/installation", "/app/installations/4245/access_tokens", "/installation/repositories"} {
		for nth := 1; nth <= 2; nth++ { // the first token lists names, the second one is that of the writes
			for _, status := range []int{http.StatusForbidden, http.StatusTooManyRequests} {
				for _, after := range []time.Duration{0, 20 * time.Second, 45 * time.Second, 10 * time.Minute} {
					t.Run(fmt.Sprint(path[1:], " ", nth, ", ", status, " ", after), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							s := newLargeStep(t, 5)
							s.SkipOpenAPI = true
							met := 0
							s.through(t, func(next http.RoundTripper) http.RoundTripper {
								return sender(func(r *http.Request) (*http.Response, error) {
									if r.URL.Path != path {
										return next.RoundTrip(r)
									}
									if met++; met != nth {
										return next.RoundTrip(r)
									}
									limit := fakegithub.SecondaryLimit(after)
									limit.Status = status
									return answered(r, limit)
								})
							})
							line, _ := s.annotation("error")
							if got := s.outputs(t); s.exit != exitOK || got["created"] != "15" {
								t.Errorf("exit %d, %v: %s", s.exit, got, line)
							}
							s.checkRevoked(t)
						})
					})
				}
			}
		}
	}
}
