package githubapp

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	firstWait = 500 * time.Millisecond
	lastWait  = 8 * time.Second

	// maxAttempts bounds failures of one request. Waits for a rate limit are not
	// failures and are bounded by the caller's deadline alone.
	maxAttempts = 6

	// secondaryWait is GitHub's advice for a secondary limit without Retry-After.
	// Where there is not so much time, the last moment that leaves time for an
	// attempt has to do.
	secondaryWait = 60 * time.Second
	lastMoment    = 10 * time.Second
)

// trail is what happened to one call so far; it decides about the next attempt.
// Its methods run one after the other, in the goroutine of the call.
type trail struct {
	stop    context.Context // no attempt begins after its end
	started time.Time
	sent    int // attempts so far
	failed  int // of those, other than rate limited
	wait    time.Duration
	gaveUp  string // why the last wait was not waited
	shifted time.Duration
}

type trailKey struct{}

func trailOf(ctx context.Context) *trail {
	t, _ := ctx.Value(trailKey{}).(*trail)
	return t
}

// client sends through next and tries again. Every attempt passes next anew.
func (a *API) client(next http.RoundTripper, c *clock) *http.Client {
	var wire http.RoundTripper = attempt{next: next, api: a}
	if a.pace != nil { // outside the attempt, whose time is not for waiting
		wire = paced{next: wire, pace: a.pace}
	}
	once := &http.Client{Transport: wire, CheckRedirect: a.sameHost}
	return &http.Client{Transport: retrier{api: a, once: once, clock: c}}
}

type retrier struct {
	api   *API
	once  *http.Client
	clock *clock
}

func (r retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	t := trailOf(req.Context())
	client := &retryablehttp.Client{
		HTTPClient: r.once,
		RetryMax:   1 << 10, // the trail decides
		CheckRetry: func(_ context.Context, resp *http.Response, err error) (bool, error) {
			return r.again(t, resp, err), nil
		},
		Backoff:      func(time.Duration, time.Duration, int, *http.Response) time.Duration { return t.wait },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	resp, err := (&retryablehttp.RoundTripper{Client: client}).RoundTrip(req)
	if err != nil {
		return nil, err // a redirect that was refused comes with an answer too
	}
	return resp, nil
}

// again tells whether to try once more, after t.wait.
func (r retrier) again(t *trail, resp *http.Response, err error) bool {
	t.sent++
	if t.stop.Err() != nil {
		return false
	}
	if err != nil {
		return !permanent(err) && r.later(t, backoff(t.failed), r.api.reason(err))
	}
	if wait, kind := limited(resp, r.clock.now()); kind != "" {
		return r.limit(t, wait, kind)
	}
	if resp.StatusCode == http.StatusUnauthorized && t.shifted == 0 {
		return r.shift(t, resp)
	}
	if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented || resp.StatusCode == http.StatusRequestTimeout {
		return r.later(t, backoff(t.failed), "GitHub answered "+strconv.Itoa(resp.StatusCode))
	}
	return false
}

// later counts a failure and plans the next attempt, if there is time for it.
func (r retrier) later(t *trail, wait time.Duration, why string) bool {
	t.failed++
	if t.failed >= maxAttempts || !t.fits(wait) {
		return false
	}
	t.wait = wait
	r.api.config.Info("%s, trying again in %s", why, round(wait))
	return true
}

func (r retrier) limit(t *trail, wait time.Duration, kind string) bool {
	if wait == 0 {
		wait = secondaryWait
		if deadline, ok := t.stop.Deadline(); ok && !t.fits(wait) && time.Until(deadline) > 2*lastMoment {
			wait = time.Until(deadline) - lastMoment
		}
	}
	if !t.fits(wait) {
		t.gaveUp = "GitHub's " + kind + " rate limit asks to wait " + round(wait).String() + ", longer than this step may take"
		return false
	}
	t.wait = wait
	r.api.config.Info("rate limited by GitHub (%s limit), waiting %s", kind, round(wait))
	return true
}

// fits tells whether a wait ends before the caller's time does.
func (t *trail) fits(wait time.Duration) bool {
	deadline, ok := t.stop.Deadline()
	return !ok || time.Now().Add(wait).Before(deadline)
}

// shift sets our clock by GitHub's when that was what the JWT was refused for.
func (r retrier) shift(t *trail, resp *http.Response) bool {
	body, _ := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	if !strings.Contains(string(body), "('iat')") && !strings.Contains(string(body), "('exp')") {
		return false
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return false
	}
	off := time.Until(date)
	if off.Abs() < 30*time.Second {
		return false // the clocks agree: it was something else
	}
	t.shifted, t.wait = off, 0
	if off > 0 {
		r.api.config.Warning("the clock of this machine is %s behind GitHub's", round(off))
	} else {
		r.api.config.Warning("the clock of this machine is %s ahead of GitHub's", round(-off))
	}
	r.clock.shift.Store(int64(off))
	return true
}

// The kinds of rate limit.
const (
	primaryLimit   = "primary"
	secondaryLimit = "secondary"
)

// limited tells a rate limit from a plain refusal, and how long to wait; zero
// when GitHub does not say. It answers both with 403 or 429; only a limit says
// when to come back, or names itself in the message.
func limited(resp *http.Response, now time.Time) (wait time.Duration, kind string) {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return 0, ""
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		now = date // the times below are by the same clock
	}
	after, hasAfter := seconds(resp.Header.Get("Retry-After"))
	if date, err := http.ParseTime(resp.Header.Get("Retry-After")); err == nil { // the other form HTTP has
		after, hasAfter = date.Sub(now), true
	}
	reset, hasReset := seconds(resp.Header.Get("X-RateLimit-Reset"))
	text := strings.ToLower(string(body))
	secondary := strings.Contains(text, "secondary rate limit") || strings.Contains(text, "secondary-rate-limits") || strings.Contains(text, "abuse")
	switch {
	case hasAfter:
		return max(after, time.Second), secondaryLimit
	case resp.Header.Get("X-RateLimit-Remaining") == "0" && hasReset:
		wait := time.Unix(int64(reset/time.Second), 0).Sub(now) + time.Second
		return min(max(wait, time.Second), time.Hour+time.Second), primaryLimit // the hour is one
	case secondary, resp.StatusCode == http.StatusTooManyRequests:
		return 0, secondaryLimit
	}
	return 0, ""
}

func seconds(header string) (time.Duration, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(header), 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}

// backoff doubles, with half of it left to chance so that a fleet of jobs that
// failed together does not come back together.
func backoff(failures int) time.Duration {
	full := min(firstWait<<failures, lastWait)
	return full/2 + rand.N(full/2)
}

// permanent tells of an error that a second attempt can't mend.
func permanent(err error) bool {
	var dns *net.DNSError
	var refused proxyRefusal
	var missing noToken
	return errors.As(err, &missing) || errors.Is(err, errOtherHost) || errors.Is(err, errMoved) || errors.Is(err, errInCircles) || errors.Is(err, errNoProxy) || badCertificate(err) ||
		errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &refused) && strings.HasPrefix(refused.status, "4")
}
