package githubapp

import (
	"context"
	"errors"
	"fmt"
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

	// maxAttempts is the largest number of attempts of one request, and
	// maxLimits that of its rate limits, which do not count as failures. The
	// caller's deadline limits both.
	maxAttempts = 6
	maxLimits   = 20

	// secondaryWait is GitHub's advice for a secondary limit without
	// Retry-After. If there is less time, the next attempt comes lastMoment
	// before the end.
	secondaryWait = 60 * time.Second
	lastMoment    = 10 * time.Second
)

// callState records the attempts of one call so far; the retrier decides by it.
// It is used in the goroutine of the call only.
type callState struct {
	op           string          // what the call is for: a fleet has many under way
	ctx          context.Context // the caller's; no attempt begins after its end
	started      time.Time
	sent         int           // attempts so far
	limited      int           // of those, rate limited
	failed       int           // of those, failed otherwise
	wait         time.Duration // before the next attempt
	waitReason   string
	unsent       error         // why the last attempt was not sent; go-github drops such errors
	gaveUp       string        // why there was no wait for the last rate limit
	late         bool          // the last wait would have ended too late
	recent       *recentTokens // nil: the first refusal of a token counts
	mayBeUnknown bool          // the server of the last answer may not know the token yet
	lagged       int           // attempts after such an answer
	corrected    bool          // the clock that JWTs go by was set
}

type callStateKey struct{}

func stateOf(ctx context.Context) *callState {
	t, _ := ctx.Value(callStateKey{}).(*callState)
	return t
}

// client returns a caller that retries. Every attempt passes through next
// again.
func (a *API) client(next http.RoundTripper) caller {
	var wire http.RoundTripper = attempt{next: next, api: a}
	if a.limiter != nil { // outside the attempt, so that a wait does not take of its time
		wire = limitedTransport{next: wire, limiter: a.limiter}
	}
	if a.signer != nil { // so too: a key that is elsewhere takes its time
		wire = presigned{next: wire, signer: a.signer}
	}
	once := &http.Client{Transport: wire, CheckRedirect: a.sameHost}
	return caller{Client: &http.Client{Transport: retrier{api: a, once: once}}}
}

type retrier struct {
	api  *API
	once *http.Client
}

func (r retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	t := stateOf(req.Context())
	client := &retryablehttp.Client{
		HTTPClient: r.once,
		RetryMax:   1 << 10, // CheckRetry decides
		CheckRetry: func(_ context.Context, resp *http.Response, err error) (bool, error) {
			return r.shouldRetry(t, resp, err), nil
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

// shouldRetry reports whether to try again, after t.wait.
func (r retrier) shouldRetry(t *callState, resp *http.Response, err error) bool {
	t.sent++
	if t.ctx.Err() != nil {
		return false
	}
	if err != nil {
		return !isPermanent(err) && r.planRetry(t, backoff(t.failed), r.api.reason(err))
	}
	if r.api.other != nil {
		wait, why := r.api.busy(resp)
		return why != "" && r.planRetry(t, max(wait, backoff(t.failed)), why)
	}
	if l, is := limited(resp, r.api.Now()); is {
		return r.planLimitWait(t, l)
	}
	if t.mayBeUnknown && r.planLagRetry(t, resp) {
		return true
	}
	if resp.StatusCode == http.StatusUnauthorized && !t.corrected && r.api.signer != nil {
		return r.correctClock(t, resp)
	}
	if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented || resp.StatusCode == http.StatusRequestTimeout {
		return r.planRetry(t, backoff(t.failed), "GitHub answered "+strconv.Itoa(resp.StatusCode))
	}
	return false
}

// planRetry counts a failure and plans the next attempt, if there is time for
// it.
func (r retrier) planRetry(t *callState, wait time.Duration, why string) bool {
	t.failed++
	if t.late = !t.fits(wait); t.late || t.failed >= maxAttempts {
		return false
	}
	t.wait, t.waitReason = wait, why
	r.api.config.Info("%s: %s, trying again in %s", t.op, why, round(wait))
	return true
}

// planLimitWait plans the next attempt after a rate limit. A limit does not
// count as a failure, but their number is limited too: GitHub bans callers that
// keep asking.
func (r retrier) planLimitWait(t *callState, l rateLimit) bool {
	wait := l.wait
	if wait == 0 {
		wait = secondaryWait
		if deadline, ok := t.ctx.Deadline(); ok && !t.fits(wait) && time.Until(deadline) > 2*lastMoment {
			wait = time.Until(deadline) - lastMoment
		}
	}
	t.limited++
	switch l.wait = wait; {
	case wait > maxLimitWait:
		t.gaveUp = limitTooLong(l).ErrorHint()
	case !t.fits(wait):
		t.gaveUp = l.String() + " asks to wait " + round(wait).String() + ", longer than this step may take"
	case t.limited >= maxLimits:
		t.gaveUp = fmt.Sprintf("%s was the answer %d times, each after the wait that it asked for: "+
			"run it again later, with less at once", l, t.limited)
	default:
		t.wait = wait
		t.waitReason = "rate limited by GitHub (" + l.kind + " limit)"
		r.api.config.Info("%s: %s, waiting %s", t.op, t.waitReason, round(wait))
		return true
	}
	return false
}

// fits reports whether a wait ends before the caller's deadline.
func (t *callState) fits(wait time.Duration) bool {
	deadline, ok := t.ctx.Deadline()
	return !ok || time.Now().Add(wait).Before(deadline)
}

// correctClock sets the clock that JWTs go by to GitHub's, if GitHub refused a
// JWT for its times.
func (r retrier) correctClock(t *callState, resp *http.Response) bool {
	body := string(peek(resp))
	if !strings.Contains(body, "('iat')") && !strings.Contains(body, "('exp')") {
		return false
	}
	date, ok := dateOf(resp.Header)
	if !ok {
		return false
	}
	skew := time.Until(date)
	if skew.Abs() < 30*time.Second {
		return false // the clocks agree: the reason is another
	}
	t.corrected, t.wait = true, 0
	if skew > 0 {
		r.api.config.Warning("the clock of this machine is %s behind GitHub's", round(skew))
	} else {
		r.api.config.Warning("the clock of this machine is %s ahead of GitHub's", round(-skew))
	}
	r.api.signer.correct(skew)
	return true
}

// backoff returns a wait that doubles with each failure. Half of it is random,
// so that jobs that failed together do not all try again together.
func backoff(failures int) time.Duration {
	full := min(firstWait<<failures, lastWait)
	return full/2 + rand.N(full/2)
}

// isPermanent reports whether a second attempt can't help.
func isPermanent(err error) bool {
	for _, known := range []error{errOtherHost, errMoved, errRedirect, errLogin, errInCircles, errNoProxy} {
		if errors.Is(err, known) {
			return true
		}
	}
	var dns *net.DNSError
	var refused proxyRefusal
	var missing noToken
	var unsigned unsigned
	var limit limitTooLong
	return errors.As(err, &missing) || errors.As(err, &unsigned) || errors.As(err, &limit) || isBadCertificate(err) ||
		errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &refused) && strings.HasPrefix(refused.status, "4")
}
