package githubapp

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

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
	Reason    string        // why there was no answer, or no use in it
	Err       error         // what lay below; nil after an answer

	// Installation is what the App has there, when a mint was refused and it is
	// known: the caller knows what was asked for.
	Installation *Installation
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
	case e.Reason != "":
		b.WriteString(": " + e.Reason)
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
		e.Err, e.Reason = err, a.reason(err)
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
	if resp != nil && resp.Response != nil && !isJSON(resp.Response) && e.Status < 500 {
		e.Cure = fmt.Sprintf("%s does not answer like GitHub's API: github-api-url is %s, or %s on an Enterprise Server", a.base.Host, publicAPI, serverAPI)
	}
	if e.Status >= 500 && e.Cure == "" {
		e.Cure = "GitHub has trouble of its own: see https://www.githubstatus.com, then run the job again"
	}
	return e
}

func isJSON(resp *http.Response) bool {
	return resp.ContentLength == 0 || strings.Contains(resp.Header.Get("Content-Type"), "json")
}
