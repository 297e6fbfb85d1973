package githubapp

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxLimitWait is the longest wait for a rate limit: its hour is one, and clocks
// differ a little. Whoever asks for more is not waited for.
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

// tooLong is the error of a call that is not sent, because of a limit that asks for
// more than an hour.
type tooLong rateLimit

func (e tooLong) Error() string {
	return rateLimit(e).String() + " asks to wait " + round(e.wait).String()
}

// ErrorHint returns what to do.
func (e tooLong) ErrorHint() string {
	return e.Error() + ", and an hour is the longest that is waited: run it again after that time"
}

// limited tells a rate limit from a plain refusal. GitHub answers both with 403 or
// 429; only a limit says when to come back, or names itself in the message.
func limited(resp *http.Response, now time.Time) (l rateLimit, is bool) {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return l, false
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	if date, ok := dateOf(resp.Header); ok {
		now = date // the times below are by the same clock
	}
	reset, resets := resetTime(resp.Header)
	text := strings.ToLower(string(body))
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

// retryAfter reads the two forms that HTTP has for Retry-After: seconds, and a date.
// What is neither, or lies in the past, is as good as a limit that does not say how
// long to wait.
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

// resetTime is when GitHub gives new requests.
func resetTime(h http.Header) (time.Time, bool) {
	n, ok := number(h.Get("X-RateLimit-Reset"))
	return time.Unix(n, 0), ok
}

// maxSeconds is what a header may say: 2^32 seconds are 136 years, which a
// time.Duration holds.
const maxSeconds = 1<<32 - 1

// number reads the digits of a header. A sign, a fraction, an exponent and what does
// not fit are no number.
func number(header string) (int64, bool) {
	n, err := strconv.ParseUint(header, 10, 32) // maxSeconds at most
	return int64(n), err == nil
}
