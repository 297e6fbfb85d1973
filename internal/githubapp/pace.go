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

// MaxConcurrency is how many requests GitHub takes at once, REST and GraphQL
// together. PointsPerMinute is what it lets one caller spend: a GET costs one
// point, what may change something five.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
const (
	MaxConcurrency  = 100
	PointsPerMinute = 900

	window = time.Minute

	// spare calls are left of each limit for revoking: a token must not outlive the
	// step because its work used up all there was.
	spare = 5
)

// Pace keeps the calls of one installation within GitHub's limits, so that none
// is rejected. All workers share it.
//
// The documentation does not say how GitHub takes its minutes. A point is free
// again a minute after the answer to the call that took it, so that no minute,
// wherever it begins, and however late a request arrived, holds more than the limit.
type Pace struct {
	limit int // points in any minute; 0: none
	info  func(format string, args ...any)

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when a call ends
	spent    []payment     // by calls that ended within the last minute, oldest first
	sum      int           // of spent
	held     int           // by calls under way
	inFlight int
	until    time.Time // nothing is sent before: GitHub said so
	said     time.Time // until when a wait has been told of
	quota    Quota
	clock    clock
}

type payment struct {
	at     time.Time
	points int
}

// Quota is the primary limit, by the last answer. Limit is zero where there is none,
// or none is known yet.
type Quota struct {
	Limit, Remaining int
	Reset            time.Time
}

// NewPace allows so many points in any minute, or any number when that is zero.
// info is told of waits.
func NewPace(pointsPerMinute int, info func(format string, args ...any)) *Pace {
	return &Pace{limit: pointsPerMinute, info: info, changed: make(chan struct{})}
}

// Quota is what the hour has left.
func (p *Pace) Quota() Quota {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.quota
}

// Points is what a call costs.
func Points(method string) int {
	if method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions {
		return 1
	}
	return 5
}

// begin waits until a call may be sent; an urgent one takes what is spare, at once.
func (p *Pace) begin(ctx context.Context, points int, urgent bool) error {
	for {
		p.mu.Lock()
		now := time.Now()
		wait, why := p.wait(now, points, urgent)
		switch {
		case wait == 0:
			p.held += points
			p.inFlight++
			p.mu.Unlock()
			return nil
		case p.until.Sub(now) > maxLimitWait:
			p.mu.Unlock()
			return tooLong{secondaryLimit, wait}
		}
		// A short wait is the ordinary rhythm, and others need not hear it twice.
		if why != "" && wait > 2*time.Second && now.After(p.said) {
			p.said = now.Add(wait)
			p.info("waiting %s: %s", round(wait), why)
		}
		changed := p.changed
		p.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return waited{cmp.Or(why, "calls under way have to end first"), ctx.Err()}
		case <-changed:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// waited is the error of a call whose time was up before its turn came.
type waited struct {
	why   string
	cause error
}

func (e waited) Error() string { return "its turn did not come: " + e.why }
func (e waited) Unwrap() error { return e.cause }

// wait tells for how long a call has to wait, and for what; zero: it may go. The
// caller holds p.mu.
func (p *Pace) wait(now time.Time, points int, urgent bool) (time.Duration, string) {
	for len(p.spent) > 0 && now.Sub(p.spent[0].at) > window {
		p.sum -= p.spent[0].points
		p.spent = p.spent[1:]
	}
	if urgent { // whatever there is to wait for is longer than a step that ends has
		return 0, ""
	}
	limit, q := p.limit, p.quota
	reset := p.clock.local(q.Reset)
	free := q.Remaining - p.inFlight - min(spare, q.Limit/4)
	if room := spare * Points(http.MethodDelete); limit > PointsPerMinute-room {
		limit -= room // a lower limit leaves it by itself
	}
	switch {
	case now.Before(p.until):
		return p.until.Sub(now), "GitHub asked for it"
	case q.Limit > 0 && now.Before(reset) && free < 1 && p.inFlight == 0:
		return reset.Sub(now) + time.Second, "the hour's " + strconv.Itoa(q.Limit) +
			" requests are spent, and GitHub gives new ones at " + wording.Clock(q.Reset)
	case q.Limit > 0 && now.Before(reset) && free < 1:
		return window, "" // a call under way will tell
	case p.limit == 0, p.sum+p.held+points <= limit, p.sum+p.held == 0:
		return 0, ""
	}
	left := p.sum + p.held + points
	for _, old := range p.spent {
		if left -= old.points; left <= limit {
			return window - now.Sub(old.at) + time.Millisecond, strconv.Itoa(p.limit) + " points a minute are spent"
		}
	}
	return window, ""
}

// end gives a call's place back, and learns from the answer, which may be nil.
func (p *Pace) end(points int, resp *http.Response) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.held -= points
	p.inFlight--
	if p.limit > 0 {
		p.spent = append(p.spent, payment{now, points})
		p.sum += points
	}
	if resp != nil {
		p.learn(resp, now)
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// learn reads what the answer says of limits. When one call is rejected, all wait:
// to go on during a limit is what GitHub bans integrations for.
func (p *Pace) learn(resp *http.Response, now time.Time) {
	if l, is := limited(resp, now); is && l.kind == secondaryLimit {
		if l.wait == 0 {
			l.wait = secondaryWait
		}
		if until := now.Add(l.wait); until.After(p.until) {
			p.until = until
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
		return // its hour is one: what says otherwise tells of no quota
	}
	q := Quota{int(limit), int(remaining), reset}
	if q.Reset.Equal(p.quota.Reset) {
		q.Remaining = min(q.Remaining, p.quota.Remaining) // answers overtake each other
	}
	if !q.Reset.Before(p.quota.Reset) {
		p.quota = q
	}
	p.clock.learn(resp.Header)
}

// paced holds each attempt back until it may be sent.
type paced struct {
	next http.RoundTripper
	pace *Pace
}

func (p paced) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, t := req.Context(), trailOf(req.Context())
	if t != nil {
		ctx = t.stop // a call that waits is not under way, and ends with the step
	}
	points, urgent := Points(req.Method), req.Context().Value(urgentKey{}) != nil
	if err := p.pace.begin(ctx, points, urgent); err != nil {
		if t != nil {
			t.unsent = err
		}
		return nil, err
	}
	resp, err := p.next.RoundTrip(req)
	p.pace.end(points, resp)
	return resp, err
}

// urgentKey marks the context of calls that take what is spare.
type urgentKey struct{}

// Paced gives the same host with a pace for all calls that are made with a token.
// Those that an App signs have limits of their own.
func (a *API) Paced(pace *Pace) *API {
	paced := *a
	paced.pace = pace
	return &paced
}
