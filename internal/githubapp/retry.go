package githubapp

import (
	"context"
	"errors"
	"fmt"
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

	// maxAttempts bounds failures of one request, and maxLimits the rate limits that
	// it meets, which are no failures. The caller's deadline bounds both.
	maxAttempts = 6
	maxLimits   = 20

	// secondaryWait is GitHub's advice for a secondary limit without Retry-After.
	// Where there is not so much time, the last moment that leaves time for an
	// attempt has to do.
	secondaryWait = 60 * time.Second
	lastMoment    = 10 * time.Second
)

// trail is what happened to one call so far; it decides about the next attempt.
// Its methods run one after the other, in the goroutine of the call.
type trail struct {
	op      string          // what the call is for: a fleet has many under way
	stop    context.Context // no attempt begins after its end
	started time.Time
	sent    int // attempts so far
	limited int // of those, rate limited
	failed  int // of those, failed otherwise
	wait    time.Duration
	waits   string // what for
	unsent  error  // why the last attempt was not sent; go-github drops such errors
	gaveUp  string // why the last wait was not waited
	late    bool   // it would have ended too late
	young   *young // nil: an answer is taken as it is
	unknown bool   // the last answer may come from a server that does not know the token yet
	lagged  int    // attempts after such an answer
	shifted time.Duration
}

type trailKey struct{}

func trailOf(ctx context.Context) *trail {
	t, _ := ctx.Value(trailKey{}).(*trail)
	return t
}

// client sends through next and tries again. Every attempt passes next anew.
func (a *API) client(next http.RoundTripper) caller {
	var wire http.RoundTripper = attempt{next: next, api: a}
	if a.pace != nil { // outside the attempt, whose time is not for waiting
		wire = paced{next: wire, pace: a.pace}
	}
	once := &http.Client{Transport: wire, CheckRedirect: a.sameHost}
	return caller{Client: &http.Client{Transport: retrier{api: a, once: once}}}
}

type retrier struct {
	api  *API
	once *http.Client
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
	if l, is := limited(resp, r.api.Now()); is {
		return r.limit(t, l)
	}
	if t.unknown && r.lag(t, resp) {
		return true
	}
	if resp.StatusCode == http.StatusUnauthorized && t.shifted == 0 && r.api.signing != nil {
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
	if t.late = !t.fits(wait); t.late || t.failed >= maxAttempts {
		return false
	}
	t.wait, t.waits = wait, why
	r.api.config.Info("%s: %s, trying again in %s", t.op, why, round(wait))
	return true
}

// limit plans the next attempt after a rate limit. It is no failure, but it does not
// go on for ever either: who keeps asking is banned.
func (r retrier) limit(t *trail, l rateLimit) bool {
	wait := l.wait
	if wait == 0 {
		wait = secondaryWait
		if deadline, ok := t.stop.Deadline(); ok && !t.fits(wait) && time.Until(deadline) > 2*lastMoment {
			wait = time.Until(deadline) - lastMoment
		}
	}
	t.limited++
	switch l.wait = wait; {
	case wait > maxLimitWait:
		t.gaveUp = tooLong(l).ErrorHint()
	case !t.fits(wait):
		t.gaveUp = l.String() + " asks to wait " + round(wait).String() + ", longer than this step may take"
	case t.limited >= maxLimits:
		t.gaveUp = fmt.Sprintf("%s was the answer %d times, each after the wait that it asked for: "+
			"run it again later, with less at once", l, t.limited)
	default:
		t.wait = wait
		t.waits = "rate limited by GitHub (" + l.kind + " limit)"
		r.api.config.Info("%s: %s, waiting %s", t.op, t.waits, round(wait))
		return true
	}
	return false
}

// fits tells whether a wait ends before the caller's time does.
func (t *trail) fits(wait time.Duration) bool {
	deadline, ok := t.stop.Deadline()
	return !ok || time.Now().Add(wait).Before(deadline)
}

// shift sets the clock that JWTs go by to GitHub's when that was what the JWT was
// refused for.
func (r retrier) shift(t *trail, resp *http.Response) bool {
	body, _ := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	if !strings.Contains(string(body), "('iat')") && !strings.Contains(string(body), "('exp')") {
		return false
	}
	date, ok := dateOf(resp.Header)
	if !ok {
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
	r.api.signing.set(off)
	return true
}

// backoff doubles, with half of it left to chance so that a fleet of jobs that
// failed together does not come back together.
func backoff(failures int) time.Duration {
	full := min(firstWait<<failures, lastWait)
	return full/2 + rand.N(full/2)
}

// permanent tells of an error that a second attempt can't mend.
func permanent(err error) bool {
	for _, known := range []error{errOtherHost, errMoved, errLogin, errInCircles, errNoProxy} {
		if errors.Is(err, known) {
			return true
		}
	}
	var dns *net.DNSError
	var refused proxyRefusal
	var missing noToken
	var limit tooLong
	return errors.As(err, &missing) || errors.As(err, &limit) || badCertificate(err) ||
		errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &refused) && strings.HasPrefix(refused.status, "4")
}
