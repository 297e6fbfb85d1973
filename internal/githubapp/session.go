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

// Session sends calls with a token that may be replaced as it goes.
type Session struct {
	api    *API
	client caller
}

// Session returns one that asks token before each attempt.
func (a *API) Session(token func(context.Context) (redact.String, error)) *Session {
	return &Session{a, a.client(tokenSource{token, a.wire})}
}

// Call is an [apicall.Func]: it sends one request, retried as the retry allows. Whose
// token it goes with, the session knows.
func (s *Session) Call(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
	answer, err := s.api.told(ctx, s.client, req)
	var missing noToken
	if errors.As(err, &missing) {
		err = missing.cause
	}
	return answer, err
}

// told is exchange for whoever describes calls as plain data.
func (a *API) told(ctx context.Context, who caller, req apicall.Request) (apicall.Answer, error) {
	got, err := a.exchange(ctx, who, req.Op, req.Method, req.Path, req.Body, req.Result)
	answer := apicall.Answer{Status: got.status}
	var e *Error
	if errors.As(err, &e) {
		answer.Status = e.Status
	}
	answer.Date, _ = dateOf(got.header) // zero: GitHub did not say
	if err == nil {
		answer.Next, err = a.nextPage(got.header)
	}
	if err != nil && e == nil {
		// Without the status: it is a good one, and not what is wrong.
		err = &Error{Op: req.Op, Reason: a.reason(err), Hint: a.unreachable(err), Err: err}
	}
	return answer, err
}

// nextPage returns where the next page of a list is, below the API's address. GitHub
// names it in the Link header, often by numeric ids, so it is taken as it is; one
// on another host would be sent our credential.
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
		// What is left of the path is an address of its own when it is //HOST or
		// https://HOST, and leads out of the API by "..": it has to lead back to u.
		again, err := a.base.Parse(next)
		if !ok || err != nil || again.Scheme != a.base.Scheme || again.Host != a.base.Host || again.EscapedPath() != u.EscapedPath() {
			return "", errOtherHost
		}
		return next, nil
	}
	return "", nil
}

// noToken is a call that had no token to go with.
type noToken struct{ cause error }

func (e noToken) Error() string { return e.cause.Error() }

// tokenSource adds the token of the moment to each request.
type tokenSource struct {
	token func(context.Context) (redact.String, error)
	next  http.RoundTripper
}

func (s tokenSource) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if t := trailOf(ctx); t != nil {
		ctx = t.stop
	}
	token, err := s.token(ctx)
	if err != nil {
		return nil, noToken{err}
	}
	return bearer{token, s.next}.RoundTrip(req)
}
