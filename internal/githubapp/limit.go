package githubapp

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxLimitWait is the longest wait for a rate limit. Limits last an hour at
// most, and clocks differ a little. If an answer asks for a longer wait, the
// call fails.
const maxLimitWait = time.Hour + minSkew

// The kinds of rate limit.
const (
	primaryLimit   = "primary"
	secondaryLimit = "secondary"
)

// rateLimit is GitHub's answer to too many calls.
type rateLimit struct {
	kind string
	wait time.Duration // zero: GitHub does not say
}

func (l rateLimit) String() string { return "GitHub's " + l.kind + " rate limit" }

// limitTooLong is the error of a call that is not sent, because of a limit that
// asks to wait more than an hour.
type limitTooLong rateLimit

func (e limitTooLong) Error() string {
	return rateLimit(e).String() + " asks to wait " + round(e.wait).String()
}

// ErrorHint returns what to do.
func (e limitTooLong) ErrorHint() string {
	return e.Error() + ", but valetkey waits for an hour at most: run it again after that time"
}

// limited returns the rate limit that an answer reports. GitHub answers with
// 403 or 429 for limits and for plain refusals; only a limit says when to come
// back, or names itself in the message.
func limited(resp *http.Response, now time.Time) (l rateLimit, ok bool) {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return l, false
	}
	if date, ok := dateOf(resp.Header); ok {
		now = date // the times below are by the same clock
	}
	reset, resets := resetTime(resp.Header)
	text := strings.ToLower(string(peek(resp)))
	_, asks := resp.Header["Retry-After"]
	switch {
	case asks:
		return rateLimit{secondaryLimit, retryAfter(resp.Header.Get("Retry-After"), now)}, true
	case resp.Header.Get("X-RateLimit-Remaining") == "0" && resets:
		return rateLimit{primaryLimit, max(reset.Sub(now)+time.Second, time.Second)}, true
	case strings.Contains(text, "api rate limit exceeded"):
		return rateLimit{primaryLimit, 0}, true
	case strings.Contains(text, "rate limit"), strings.Contains(text, "secondary-rate-limits"), strings.Contains(text, "abuse"),
		resp.StatusCode == http.StatusTooManyRequests:
		return rateLimit{secondaryLimit, 0}, true
	}
	return l, false
}

// retryAfter reads the two forms of Retry-After in HTTP: seconds and a date. It
// returns zero for any other text and for a date in the past; then the limit
// does not say how long to wait.
func retryAfter(text string, now time.Time) time.Duration {
	if n, ok := number(text); ok {
		return max(time.Duration(n)*time.Second, time.Second)
	}
	if date, err := http.ParseTime(text); err == nil {
		if wait := date.Sub(now); wait > 0 && wait < maxSeconds*time.Second {
			return wait
		}
	}
	return 0
}

// resetTime returns the time at which GitHub grants new requests.
func resetTime(h http.Header) (time.Time, bool) {
	n, ok := number(h.Get("X-RateLimit-Reset"))
	return time.Unix(n, 0), ok
}

// maxSeconds is the largest number in a header: 2^32 seconds are 136 years,
// which a time.Duration can hold.
const maxSeconds = 1<<32 - 1

// number reads a header of digits. It refuses a sign, a fraction, an exponent
// and a number that is too large.
func number(header string) (int64, bool) {
	n, err := strconv.ParseUint(header, 10, 32) // maxSeconds at most
	return int64(n), err == nil
}
