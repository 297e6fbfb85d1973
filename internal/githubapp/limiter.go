package githubapp

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/valetkey/valetkey/internal/wording"
)

// MaxConcurrency is the number of requests that GitHub accepts at once, REST
// and GraphQL together. PointsPerMinute is the number of points that one caller
// may spend: a GET costs one point, and a request that may change something
// five.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
const (
	MaxConcurrency  = 100
	PointsPerMinute = 900

	window = time.Minute

	// reserve is the number of calls of each limit that are kept for revoking:
	// a token must not outlive the step because its work used up the limit.
	reserve = 5
)

// RateLimiter keeps the calls of one installation within GitHub's limits, so
// that none is rejected. All workers share it.
//
// The documentation does not say when GitHub's minutes begin. So a point
// becomes free a minute after the answer to the call that took it. Then no
// minute, wherever it begins, and however late a request arrived, has more
// points than the limit.
type RateLimiter struct {
	limit int // points in any minute; 0: none
	info  func(format string, args ...any)

	mu             sync.Mutex
	changed        chan struct{} // closed and replaced when a call ends
	spent          []charge      // calls that ended within the last minute, oldest first
	spentPoints    int           // the sum of spent
	inFlight       int           // calls under way
	inFlightPoints int
	blockedUntil   time.Time // GitHub said to send nothing before
	announcedUntil time.Time // the end of the last wait that info was told of
	quota          Quota
	clock          clock
}

// charge is what a call cost, and when it ended.
type charge struct {
	at     time.Time
	points int
}

// Quota is the primary limit according to the last answer. Limit is zero if
// there is no limit, or none is known yet.
type Quota struct {
	Limit, Remaining int
	Reset            time.Time
}

// NewRateLimiter returns a limiter that allows the given number of points in
// any minute, or any number if that is zero. It calls info for each long wait.
func NewRateLimiter(pointsPerMinute int, info func(format string, args ...any)) *RateLimiter {
	return &RateLimiter{limit: pointsPerMinute, info: info, changed: make(chan struct{})}
}

// Quota returns what is left of the hour's requests.
func (l *RateLimiter) Quota() Quota {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.quota
}

// Points returns the cost of a call.
func Points(method string) int {
	if method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions {
		return 1
	}
	return 5
}

// acquire waits until a call may be sent. An urgent call takes from the
// reserve, without a wait.
func (l *RateLimiter) acquire(ctx context.Context, points int, urgent bool) error {
	for {
		l.mu.Lock()
		now := time.Now()
		wait, why := l.wait(now, points, urgent)
		switch {
		case wait == 0:
			l.inFlightPoints += points
			l.inFlight++
			l.mu.Unlock()
			return nil
		case l.blockedUntil.Sub(now) > maxLimitWait:
			l.mu.Unlock()
			return limitTooLong{secondaryLimit, wait}
		}
		// Short waits are normal, and a wait of many calls is announced once.
		if why != "" && wait > 2*time.Second && now.After(l.announcedUntil) {
			l.announcedUntil = now.Add(wait)
			l.info("waiting %s: %s", round(wait), why)
		}
		changed := l.changed
		l.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return notItsTurn{cmp.Or(why, "calls under way have to end first"), ctx.Err()}
		case <-changed:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// notItsTurn is the error of a call whose time was up before its turn came.
type notItsTurn struct {
	why   string
	cause error
}

func (e notItsTurn) Error() string { return "its turn did not come: " + e.why }
func (e notItsTurn) Unwrap() error { return e.cause }

// wait returns how long a call has to wait, and why. Zero means that it may be
// sent. The caller holds l.mu.
func (l *RateLimiter) wait(now time.Time, points int, urgent bool) (time.Duration, string) {
	for len(l.spent) > 0 && now.Sub(l.spent[0].at) > window {
		l.spentPoints -= l.spent[0].points
		l.spent = l.spent[1:]
	}
	if urgent { // a step that ends has no time for any of the waits below
		return 0, ""
	}
	limit, q := l.limit, l.quota
	reset := l.clock.local(q.Reset)
	free := q.Remaining - l.inFlight - min(reserve, q.Limit/4)
	if reserved := reserve * Points(http.MethodDelete); limit > PointsPerMinute-reserved {
		limit -= reserved // a lower limit leaves the reserve anyway
	}
	switch {
	case now.Before(l.blockedUntil):
		return l.blockedUntil.Sub(now), "GitHub asked for it"
	case q.Limit > 0 && now.Before(reset) && free < 1 && l.inFlight == 0:
		return reset.Sub(now) + time.Second, "the hour's " + strconv.Itoa(q.Limit) +
			" requests are spent, and GitHub gives new ones at " + wording.Clock(q.Reset)
	case q.Limit > 0 && now.Before(reset) && free < 1:
		return window, "" // the answer to a call under way will update the quota
	case l.limit == 0, l.spentPoints+l.inFlightPoints+points <= limit, l.spentPoints+l.inFlightPoints == 0:
		return 0, ""
	}
	left := l.spentPoints + l.inFlightPoints + points
	for _, old := range l.spent {
		if left -= old.points; left <= limit {
			return window - now.Sub(old.at) + time.Millisecond, strconv.Itoa(l.limit) + " points a minute are spent"
		}
	}
	return window, ""
}

// release ends a call, and learns from its answer, which may be nil.
func (l *RateLimiter) release(points int, resp *http.Response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.inFlightPoints -= points
	l.inFlight--
	if l.limit > 0 {
		l.spent = append(l.spent, charge{now, points})
		l.spentPoints += points
	}
	if resp != nil {
		l.learn(resp, now)
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// learn reads the limits from an answer. When one call is rejected, all wait:
// GitHub bans integrations that keep calling while they are rate limited.
func (l *RateLimiter) learn(resp *http.Response, now time.Time) {
	if limit, ok := limited(resp, now); ok && limit.kind == secondaryLimit {
		if limit.wait == 0 {
			limit.wait = secondaryWait
		}
		if until := now.Add(limit.wait); until.After(l.blockedUntil) {
			l.blockedUntil = until
		}
	}
	date, ok := dateOf(resp.Header)
	if !ok {
		date = now
	}
	limit, ok1 := number(resp.Header.Get("X-RateLimit-Limit"))
	remaining, ok2 := number(resp.Header.Get("X-RateLimit-Remaining"))
	reset, ok3 := resetTime(resp.Header)
	if !ok1 || !ok2 || !ok3 || reset.Sub(date) > maxLimitWait {
		return // the quota is per hour: headers with another period are not about it
	}
	q := Quota{int(limit), int(remaining), reset}
	if q.Reset.Equal(l.quota.Reset) {
		q.Remaining = min(q.Remaining, l.quota.Remaining) // answers overtake each other
	}
	if !q.Reset.Before(l.quota.Reset) {
		l.quota = q
	}
	l.clock.learn(resp.Header)
}

// limitedTransport delays each attempt until it may be sent.
type limitedTransport struct {
	next    http.RoundTripper
	limiter *RateLimiter
}

func (t limitedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, state := req.Context(), stateOf(req.Context())
	if state != nil {
		ctx = state.ctx // a call that waits was not sent yet, and ends with the step
	}
	points, urgent := Points(req.Method), req.Context().Value(urgentKey{}) != nil
	if err := t.limiter.acquire(ctx, points, urgent); err != nil {
		if state != nil {
			state.unsent = err
		}
		return nil, err
	}
	resp, err := t.next.RoundTrip(req)
	t.limiter.release(points, resp)
	return resp, err
}

// urgentKey marks the context of calls that may use the reserve.
type urgentKey struct{}

// WithLimiter returns the same host with a limiter for all calls that are made
// with a token. Calls that an App signs have limits of their own.
func (a *API) WithLimiter(limiter *RateLimiter) *API {
	limited := *a
	limited.limiter = limiter
	return &limited
}
