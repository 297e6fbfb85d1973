package githubapp

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// limitAnswer is a 403 with these headers, by pairs.
func limitAnswer(status int, message string, headers ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(message))}
	for i := 0; i < len(headers); i += 2 {
		resp.Header.Set(headers[i], headers[i+1])
	}
	return resp
}

// A header counts if it is a number or a date in the future; with any other
// text, the limit does not say how long to wait.
func TestLimited(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	date := func(after time.Duration) string { return now.Add(after).Format(http.TimeFormat) }
	unix := func(after time.Duration) string { return strconv.FormatInt(now.Add(after).Unix(), 10) }
	for _, c := range []struct {
		name    string
		resp    *http.Response
		limited bool
		want    rateLimit
	}{
		{"a plain 403", limitAnswer(403, "no"), false, rateLimit{}},
		{"another status", limitAnswer(404, "rate limit", "Retry-After", "5"), false, rateLimit{}},
		{"seconds", limitAnswer(403, "", "Retry-After", "17"), true, rateLimit{secondaryLimit, 17 * time.Second}},
		{"none at all", limitAnswer(403, "", "Retry-After", "0"), true, rateLimit{secondaryLimit, time.Second}},
		{"a date", limitAnswer(403, "", "Retry-After", date(time.Minute)), true, rateLimit{secondaryLimit, time.Minute}},
		{"a day", limitAnswer(403, "", "Retry-After", "86400"), true, rateLimit{secondaryLimit, 24 * time.Hour}},
		{"empty", limitAnswer(403, "", "Retry-After", ""), true, rateLimit{secondaryLimit, 0}},
		{"negative", limitAnswer(403, "", "Retry-After", "-5"), true, rateLimit{secondaryLimit, 0}},
		{"signed", limitAnswer(403, "", "Retry-After", "+5"), true, rateLimit{secondaryLimit, 0}},
		{"an exponent", limitAnswer(403, "", "Retry-After", "1e9"), true, rateLimit{secondaryLimit, 0}},
		{"words", limitAnswer(403, "", "Retry-After", "soon"), true, rateLimit{secondaryLimit, 0}},
		{"more than a duration holds", limitAnswer(403, "", "Retry-After", "9223372037"), true, rateLimit{secondaryLimit, 0}},
		{"more than an integer holds", limitAnswer(403, "", "Retry-After", "99999999999999999999"), true, rateLimit{secondaryLimit, 0}},
		{"a date in the past", limitAnswer(403, "", "Retry-After", date(-time.Hour)), true, rateLimit{secondaryLimit, 0}},
		{
			"a date in thousands of years", limitAnswer(403, "", "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"), true,
			rateLimit{secondaryLimit, 0},
		},
		{
			"an hour that is spent", limitAnswer(403, "", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", unix(20*time.Second)), true,
			rateLimit{primaryLimit, 21 * time.Second},
		},
		{
			"an hour that has begun", limitAnswer(403, "", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", unix(-time.Minute)), true,
			rateLimit{primaryLimit, time.Second},
		},
		{
			"an hour of days", limitAnswer(403, "", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", unix(48*time.Hour)), true,
			rateLimit{primaryLimit, 48*time.Hour + time.Second},
		},
		{
			"an hour without an end",
			limitAnswer(403, "API rate limit exceeded for installation.", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1e99"), true,
			rateLimit{primaryLimit, 0},
		},
		{
			"an hour that ends at no time",
			limitAnswer(403, "no", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "99999999999999999999"), false,
			rateLimit{},
		},
		{"by its words", limitAnswer(403, "You have exceeded a secondary rate limit."), true, rateLimit{secondaryLimit, 0}},
		{"by older words", limitAnswer(403, "You have triggered an abuse detection mechanism"), true, rateLimit{secondaryLimit, 0}},
		{"by its status", limitAnswer(429, ""), true, rateLimit{secondaryLimit, 0}},
	} {
		c.resp.Header.Set("Date", now.Format(http.TimeFormat))
		got, is := limited(c.resp, time.Time{}) // the answer's own clock counts
		if is != c.limited || got != c.want {
			t.Errorf("%s: got %v, %+v, want %v, %+v", c.name, is, got, c.limited, c.want)
		}
	}
}

// Whatever the headers say, a wait is none or a time to come.
func FuzzLimited(f *testing.F) {
	f.Add(403, "17", "0", "1700000000", "")
	f.Add(429, "-1", "", "", "Fri, 31 Dec 9999 23:59:59 GMT")
	f.Add(403, strconv.Itoa(math.MaxInt64), "0", strconv.Itoa(math.MaxInt64), "")
	f.Fuzz(func(t *testing.T, status int, after, remaining, reset, date string) {
		resp := limitAnswer(status, "rate limit", "Retry-After", after, "X-RateLimit-Remaining", remaining, "X-RateLimit-Reset", reset,
			"X-RateLimit-Limit", "5000", "Date", date)
		got, is := limited(resp, time.Now())
		if got.wait < 0 || is && got.kind == "" || !is && got != (rateLimit{}) {
			t.Errorf("got %v, %+v", is, got)
		}
		limiter := NewRateLimiter(PointsPerMinute, func(string, ...any) {})
		limiter.learn(resp, time.Now())
		if wait, _ := limiter.wait(time.Now(), 1, false); limiter.blockedUntil.Before(time.Now()) && wait > maxLimitWait+window {
			t.Errorf("the limiter waits for %s", wait)
		}
	})
}

// An hour is the longest wait. A call that would have to wait longer fails at
// once and says so. So do the later calls, for which GitHub might ban the
// caller.
func TestNobodyWaitsForADay(t *testing.T) {
	const day = "GitHub's secondary rate limit asks to wait 24h0m0s, but valetkey waits for an hour at most"
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.Inject(onLookup(1, fakegithub.SecondaryLimit(24*time.Hour)))
		started := time.Now()
		_, err := f.app.Installation(context.Background(), Target{Owner: "acme", Repository: "api"})
		var e *Error
		if !errors.As(err, &e) || e.Hint != day+": run it again after that time" {
			t.Errorf("got %v, hint %q", err, e.ErrorHint())
		}
		token, err := f.app.Mint(t.Context(), Installation{ID: testInstallation}, Scope{AllRepositories: true})
		if err != nil {
			t.Fatal(err)
		}
		limit := fakegithub.SecondaryLimit(24 * time.Hour)
		limit.Path, limit.Times = "/repos/acme/api", 1
		f.Inject(limit)
		api := f.api.WithLimiter(NewRateLimiter(PointsPerMinute, func(string, ...any) {}))
		f.ResetRequests()
		for range 3 {
			err = api.Reach(t.Context(), token.Value, "acme", "api")
			if !errors.As(err, &e) || !strings.Contains(err.Error()+e.Hint, day) {
				t.Errorf("got %v, hint %q", err, e.ErrorHint())
			}
		}
		if n := len(f.Requests()); n != 1 {
			t.Errorf("went on asking: %v", f.asked())
		}
		if gone, err := api.Revoke(t.Context(), token.Value); gone || err != nil {
			t.Errorf("a token can't be revoked during a limit: %v, %v", gone, err)
		}
		if took := time.Since(started); took > time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// A server that answers with limits for ever is not asked for ever.
func TestLimitsHaveAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.Inject(onLookup(0, fakegithub.SecondaryLimit(time.Second)))
		_, err := f.app.Installation(context.Background(), Target{Owner: "acme", Repository: "api"})
		var e *Error
		if !errors.As(err, &e) || e.Attempts != maxLimits ||
			!strings.HasPrefix(e.Hint, "GitHub's secondary rate limit was the answer 20 times") {
			t.Errorf("got %v, hint %q", err, e.ErrorHint())
		}
	})
}

// A quota that ends in a year is none: its hour is one.
func TestTheHourIsOne(t *testing.T) {
	now := time.Now()
	for after, believed := range map[time.Duration]bool{time.Hour: true, 2 * time.Hour: false, 365 * 24 * time.Hour: false} {
		limiter := NewRateLimiter(0, func(string, ...any) {})
		limiter.learn(limitAnswer(200, "", "X-RateLimit-Limit", "5000", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset",
			strconv.FormatInt(now.Add(after).Unix(), 10)),
			now)
		if wait, _ := limiter.wait(now, 1, false); wait > 0 != believed || wait > maxLimitWait {
			t.Errorf("a reset in %s: waits %s", after, wait)
		}
	}
}
