package githubapp

import (
	"context"
	"crypto/x509"
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
	secondaryWait = 60 * time.Second
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
	once := &http.Client{Transport: attempt{next: next, api: a}, CheckRedirect: a.sameHost}
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
		return permanent(err) == nil && r.later(t, backoff(t.failed), plainError(err))
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
	r.api.config.Notice("%s, trying again in %s", why, round(wait))
	return true
}

func (r retrier) limit(t *trail, wait time.Duration, kind string) bool {
	if !t.fits(wait) {
		t.gaveUp = "GitHub's " + kind + " rate limit asks to wait " + round(wait).String() + ", longer than this step may take"
		return false
	}
	t.wait = wait
	r.api.config.Notice("rate limited by GitHub (%s limit), waiting %s", kind, round(wait))
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
	r.clock.shift.Store(int64(off))
	return true
}

// limited tells a rate limit from a plain refusal, and how long to wait. GitHub
// answers both with 403 or 429; only a limit says when to come back, or names
// itself in the message.
func limited(resp *http.Response, now time.Time) (wait time.Duration, kind string) {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return 0, ""
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	after, hasAfter := seconds(resp.Header.Get("Retry-After"))
	reset, hasReset := seconds(resp.Header.Get("X-RateLimit-Reset"))
	text := strings.ToLower(string(body))
	secondary := strings.Contains(text, "secondary rate limit") || strings.Contains(text, "secondary-rate-limits") || strings.Contains(text, "abuse")
	switch {
	case hasAfter:
		return max(after, time.Second), "secondary"
	case resp.Header.Get("X-RateLimit-Remaining") == "0" && hasReset:
		return max(time.Unix(int64(reset/time.Second), 0).Sub(now)+time.Second, time.Second), "primary"
	case secondary, resp.StatusCode == http.StatusTooManyRequests:
		return secondaryWait, "secondary"
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

// permanent gives the cause when trying again can't help.
func permanent(err error) error {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.Is(err, errOtherHost), errors.As(err, &unknown), errors.As(err, &hostname), errors.As(err, &invalid):
		return err
	case errors.As(err, &dns) && dns.IsNotFound:
		return err
	}
	return nil
}
