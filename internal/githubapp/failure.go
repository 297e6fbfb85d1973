package githubapp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/google/go-github/v60/github"
)

// Error is a call to GitHub that failed for good.
type Error struct {
	Op        string        // what it was for: "mint a token"
	Status    int           // 0 when there was no answer
	Message   string        // GitHub's own words
	RequestID string        // what GitHub's support asks for
	Attempts  int           // how often it was tried
	Elapsed   time.Duration // for how long
	Cure      string        // what to do
	Err       error         // what lay below; nil after an answer
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	switch {
	case e.Status != 0:
		fmt.Fprintf(&b, ": GitHub answered %d", e.Status)
		if e.Message != "" {
			b.WriteString(": " + e.Message)
		}
	case e.Err != nil:
		b.WriteString(": " + plainError(e.Err))
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (tried %d times in %s)", e.Attempts, round(e.Elapsed))
	}
	return b.String()
}

// Hint is the cure, printed on a line of its own.
func (e *Error) Hint() string { return e.Cure }

func (e *Error) Unwrap() error { return e.Err }

// failure turns what go-github reports into an [Error].
func (a *API) failure(op string, t *trail, resp *github.Response, err error) *Error {
	e := &Error{Op: op, Attempts: t.sent, Elapsed: time.Since(t.started), Cure: t.gaveUp}
	var answered *github.ErrorResponse
	var primary *github.RateLimitError
	var secondary *github.AbuseRateLimitError
	switch {
	case errors.As(err, &answered):
		e.Message = answered.Message
		for _, detail := range answered.Errors {
			if detail.Message != "" {
				e.Message += "; " + detail.Message
			}
		}
	case errors.As(err, &primary):
		e.Message = primary.Message
	case errors.As(err, &secondary):
		e.Message = secondary.Message
	default:
		e.Err = err
		if e.Cure == "" {
			e.Cure = a.unreachable(err)
		}
		return e
	}
	e.Message = oneLine(e.Message)
	if resp != nil && resp.Response != nil {
		e.Status = resp.StatusCode
		if id := resp.Header.Get("X-GitHub-Request-Id"); id != "" {
			e.RequestID = header(resp.Response, "X-GitHub-Request-Id")
		}
		if e.Message == "" {
			e.Message = http.StatusText(e.Status)
		}
	}
	if e.Status >= 500 && e.Cure == "" {
		e.Cure = "GitHub has trouble of its own: see https://www.githubstatus.com, then run the job again"
	}
	return e
}

// unreachable says why no answer came, and from where.
func (a *API) unreachable(err error) string {
	host := a.base.Host
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case errors.As(err, &dns):
		return "the name " + a.base.Hostname() + " has no address here: check github-api-url, and the runner's DNS and proxy settings"
	case errors.Is(err, errOtherHost):
		return "github-api-url must be the REST API's own address, such as https://api.github.com or https://HOST/api/v3"
	case permanent(err) != nil:
		return "the certificate of " + host + " is not trusted: pass the CA's certificate in ca-bundle"
	case errors.Is(err, errUnreadable):
		return "something between here and GitHub answers in its place, a proxy or a login page: check github-api-url"
	}
	return "check that the runner reaches " + host + " (github-api-url, firewall, HTTPS_PROXY)"
}

// plainError drops the method and URL that http.Client puts before an error, and
// anything that could break the line.
func plainError(err error) string {
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	}
	return oneLine(err.Error())
}

// oneLine makes text from elsewhere safe for one line of a log.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 400 {
		text = string(r[:400]) + "…"
	}
	return text
}
