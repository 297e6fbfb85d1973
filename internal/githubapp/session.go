package githubapp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/redact"
)

// Session sends calls with a token that may be replaced between them.
type Session struct {
	api    *API
	client caller
}

// Session returns a session that calls token before each attempt.
func (a *API) Session(token func(context.Context) (redact.String, error)) *Session {
	return &Session{a, a.client(tokenSource{token, a.wire})}
}

// Call is an [apicall.Func]. It sends one request with the session's token, and
// retries it.
func (s *Session) Call(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
	answer, err := s.api.send(ctx, s.client, req)
	var missing noToken
	if errors.As(err, &missing) {
		err = missing.cause
	}
	return answer, err
}

// send is exchange for a call that is described by an [apicall.Request].
func (a *API) send(ctx context.Context, who caller, req apicall.Request) (apicall.Answer, error) {
	got, err := a.exchange(ctx, who, req.Op, req.Method, req.Path, req.Body, req.Result)
	answer := apicall.Answer{Status: got.status, RequestID: oneLine(got.header.Get("X-GitHub-Request-Id"))}
	var e *Error
	if errors.As(err, &e) {
		answer.Status, answer.RequestID = e.Status, e.RequestID
	}
	answer.Date, _ = dateOf(got.header) // zero: GitHub did not say
	if err == nil {
		answer.Next, err = a.nextPage(got.header)
	}
	if err != nil && e == nil {
		// The status is left out: it is a good one, and another thing is wrong.
		err = &Error{Op: req.Op, Reason: a.reason(err), Hint: a.unreachable(err), Err: err}
	}
	return answer, err
}

// nextPage returns the address of the next page of a list, relative to the
// API's address. GitHub gives it in the Link header, often with numeric ids, so
// it is used unchanged. An address on another host is refused, because it would
// get our credential.
// https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
func (a *API) nextPage(header http.Header) (string, error) {
	for link := range strings.SplitSeq(header.Get("Link"), ",") {
		address, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(link), "<"), ">")
		if !strings.Contains(rest, `rel="next"`) {
			continue
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme != a.base.Scheme || !strings.EqualFold(u.Host, a.base.Host) {
			return "", errOtherHost
		}
		path, ok := strings.CutPrefix(u.EscapedPath(), a.base.EscapedPath())
		next := path + "?" + u.RawQuery
		// The rest of the path could be //HOST or https://HOST, or leave the
		// API with "..", so it has to resolve to u again.
		again, err := a.base.Parse(next)
		if !ok || err != nil || again.Scheme != a.base.Scheme || again.Host != a.base.Host || again.EscapedPath() != u.EscapedPath() {
			return "", errOtherHost
		}
		return next, nil
	}
	return "", nil
}

// noToken is the error of a call for which there was no token.
type noToken struct{ cause error }

func (e noToken) Error() string { return e.cause.Error() }

// tokenSource adds the current token to each request.
type tokenSource struct {
	token func(context.Context) (redact.String, error)
	next  http.RoundTripper
}

func (s tokenSource) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if t := stateOf(ctx); t != nil {
		ctx = t.ctx
	}
	token, err := s.token(ctx)
	if err != nil {
		return nil, noToken{err}
	}
	return bearer{token, s.next}.RoundTrip(req)
}
