package githubapp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

// fleet sends n calls with 16 workers, and returns how long that took.
func (f *fixture) fleet(t *testing.T, limiter *RateLimiter, n int, call func(ctx context.Context, s *Session, i int) error) time.Duration {
	t.Helper()
	ctx := context.Background()
	one := make(chan struct{}, 1) // a mutex would stop the bubble's clock
	var token Token
	session := f.api.WithLimiter(limiter).Session(func(ctx context.Context) (redact.String, error) {
		one <- struct{}{}
		defer func() { <-one }()
		var err error
		if token.ExpiresAt.Sub(f.api.Now()) < time.Minute {
			token, err = f.app.Mint(ctx, Installation{ID: testInstallation}, Scope{
				AllRepositories: true, Permissions: map[string]string{"contents": "write"},
			})
		}
		return token.Value, err
	})
	started := time.Now()
	work := make(chan int)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for i := range work {
				if err := call(ctx, session, i); err != nil {
					t.Errorf("call %d: %v", i, err)
				}
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	group.Wait()
	return time.Since(started)
}

func get(ctx context.Context, s *Session, _ int) error {
	_, err := s.Call(ctx, apicall.Request{Op: "look", Method: http.MethodGet, Path: "repos/acme/api"})
	return err
}

func (f *fixture) talk() (*RateLimiter, func() string) {
	var mu sync.Mutex
	var said []string
	limiter := func(points int) *RateLimiter {
		return NewRateLimiter(points, func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, fmt.Sprintf(format, args...))
		})
	}(PointsPerMinute)
	return limiter, func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(said, "\n")
	}
}

func TestTheLimiterIsNeverRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.SetPointsPerMinute(PointsPerMinute)
		f.SetConcurrency(MaxConcurrency)
		f.SetLatency(20 * time.Millisecond)
		limiter, said := f.talk()
		const n = 4000 // 4,000 points: the fifth minute begins with the last 400
		took := f.fleet(t, limiter, n, get)
		if got := f.Rejections(); got != 0 {
			t.Errorf("%d rejections", got)
		}
		if least := 4 * time.Minute; took < least || took > least*11/10 {
			t.Errorf("it took %s", took)
		}
		if text := said(); !strings.Contains(text, "900 points a minute are spent") || strings.Count(text, "\n") > 5 {
			t.Errorf("said %q", text)
		}
	})
}

func TestOneRejectionHoldsAllBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.SetLatency(20 * time.Millisecond)
		f.Inject(fakegithub.Fault{Path: "/repos/acme/api", Status: 200, Body: `{}`, Times: 100})
		limit := fakegithub.SecondaryLimit(90 * time.Second)
		limit.Path, limit.Times = "/repos/acme/api", 1
		f.Inject(limit)
		f.SkipOpenAPI = true
		limiter, said := f.talk()
		var mu sync.Mutex
		var ended []time.Time
		f.fleet(t, limiter, 300, func(ctx context.Context, s *Session, i int) error {
			err := get(ctx, s, i)
			mu.Lock()
			defer mu.Unlock()
			ended = append(ended, time.Now())
			return err
		})
		var pause time.Duration
		for i := 1; i < len(ended); i++ {
			pause = max(pause, ended[i].Sub(ended[i-1]))
		}
		if whole := ended[len(ended)-1].Sub(ended[0]); pause < 89*time.Second || whole-pause > 10*time.Second {
			t.Errorf("a pause of %s in %s", pause, whole)
		}
		if text := said(); !strings.Contains(text, "GitHub asked for it") {
			t.Errorf("said %q", text)
		}
	})
}

func TestTheHourIsNotOverdrawn(t *testing.T) {
	for _, skew := range []time.Duration{0, -3 * time.Hour, 3 * time.Hour} {
		t.Run("GitHub's clock ahead by "+skew.String(), func(t *testing.T) { theHour(t, skew) })
	}
}

func theHour(t *testing.T, skew time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.SetClockSkew(skew)
		f.SetRequestsPerHour(100)
		f.SetLatency(20 * time.Millisecond)
		limiter, said := f.talk()
		took := f.fleet(t, limiter, 250, get)
		for _, r := range f.Requests() {
			refusedJWT := skew != 0 && r.Authorization == "jwt" // once, which tells of the skew
			if r.Status != http.StatusOK && r.Status != http.StatusCreated && !refusedJWT {
				t.Errorf("%s %s: %d", r.Method, r.Path, r.Status)
			}
		}
		if took < 2*time.Hour || took > 2*time.Hour+2*time.Minute {
			t.Errorf("it took %s", took)
		}
		if text := said(); !strings.Contains(text, "the hour's 100 requests are spent") {
			t.Errorf("said %q", text)
		}
		if off := time.Until(f.api.Now()) - skew; off.Abs() > time.Second {
			t.Errorf("GitHub's clock is taken to be %s off", off)
		}
		if q := limiter.Quota(); q.Limit != 100 {
			t.Errorf("quota %+v", q)
		}
	})
}

func TestAWaitEndsWithTheStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := NewRateLimiter(5, func(string, ...any) {})
		if err := limiter.acquire(t.Context(), 5, false); err != nil {
			t.Fatal(err)
		}
		limiter.release(5, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := limiter.acquire(ctx, 1, false); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestASessionWithoutATokenSaysWhy(t *testing.T) {
	f := newFixture(t)
	why := errors.New("no key fits")
	s := f.api.Session(func(context.Context) (redact.String, error) { return redact.String{}, why })
	answer, err := s.Call(t.Context(), apicall.Request{Op: "look", Method: http.MethodGet, Path: "repos/acme/api"})
	if answer.Status != 0 || !errors.Is(err, why) {
		t.Errorf("got %d, %v", answer.Status, err)
	}
}
