package githubapp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"
)

// Error is a call to GitHub that failed for good.
type Error struct {
	Op        string        // what the call was for: "mint a token"
	Status    int           // 0 if there was no answer
	Message   string        // GitHub's own words
	RequestID string        // GitHub's support asks for it
	Attempts  int           // the number of attempts
	Elapsed   time.Duration // the time from the first attempt
	Late      bool          // there was no time to try again
	Hint      string        // what to do, by GitHub's message or by the purpose of the call
	Reason    string        // why there was no usable answer
	Err       error         // the cause; nil after an answer

	fallback string // what to do, by the status alone
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
	var tried []string
	if e.Attempts > 1 {
		tried = append(tried, fmt.Sprintf("tried %d times in %s", e.Attempts, round(e.Elapsed)))
	}
	if e.Late {
		tried = append(tried, "no time to try again")
	}
	if len(tried) > 0 {
		b.WriteString(" (" + strings.Join(tried, ", ") + ")")
	}
	return b.String()
}

// ErrorHint returns what to do.
func (e *Error) ErrorHint() string { return cmp.Or(e.Hint, e.fallback) }

func (e *Error) Unwrap() error { return e.Err }

// Final reports whether GitHub would give the same answer again, because it
// refused the request itself. That excludes outages and limits.
func (e *Error) Final() bool {
	return e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusRequestTimeout
}

// failure turns what go-github reports into an [Error].
func (a *API) failure(op string, t *callState, who caller, resp *github.Response, err error) *Error {
	e := &Error{Op: op, Attempts: t.sent, Elapsed: time.Since(t.started), Late: t.late, Hint: t.gaveUp}
	var answered *github.ErrorResponse
	var primary *github.RateLimitError
	var secondary *github.AbuseRateLimitError
	switch {
	case errors.As(err, &answered):
		e.Message = message(answered)
	case errors.As(err, &primary):
		e.Message = oneLine(primary.Message)
	case errors.As(err, &secondary):
		e.Message = oneLine(secondary.Message)
	default:
		a.unanswered(e, t, err)
		return e
	}
	if resp == nil || resp.Response == nil {
		return e
	}
	e.Status = resp.StatusCode
	if id := resp.Header.Get("X-GitHub-Request-Id"); id != "" {
		e.RequestID = header(resp.Response, "X-GitHub-Request-Id")
	}
	e.Message = cmp.Or(e.Message, http.StatusText(e.Status))
	e.Hint = cmp.Or(e.Hint, a.hintByMessage(who, e, resp.Response))
	e.fallback = a.hintByStatus(who, resp.Response)
	return e
}

// message returns GitHub's message, followed by those about single fields.
func message(answered *github.ErrorResponse) string {
	said := []string{answered.Message}
	for _, detail := range answered.Errors {
		text := detail.Message
		if text == "" { // the documentation: every code but custom speaks for itself
			text = strings.TrimSpace(detail.Field + " " + detail.Code)
		}
		if text != "" {
			said = append(said, text)
		}
	}
	return oneLine(strings.Join(said, "; "))
}

// unanswered sets the reason and the hint if there was no answer. If the
// caller's time was up, it says so first, and then what the last wait was for.
func (a *API) unanswered(e *Error, t *callState, err error) {
	e.Err, e.Reason = err, a.reason(err)
	e.Hint = cmp.Or(e.Hint, a.unreachable(err))
	stopped := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	if !stopped || !errors.Is(t.ctx.Err(), context.DeadlineExceeded) {
		return
	}
	// A request that outlived its caller's deadline by the grace ends as
	// cancelled.
	e.Reason, e.Hint = a.reason(context.DeadlineExceeded), a.unreachable(context.DeadlineExceeded)
	var turn notItsTurn
	switch {
	case errors.As(t.unsent, &turn):
		e.Reason, e.Hint = turn.Error(), "run it again, with more time or less to do"
	case t.unsent != nil:
		e.Reason, e.Hint = cmp.Or(t.waitReason, "there was no time left to send it"), "run it again"
	}
	if cause := context.Cause(t.ctx); !errors.Is(cause, context.DeadlineExceeded) {
		e.Reason = cause.Error() + ": " + e.Reason
	}
}
