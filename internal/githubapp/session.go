package githubapp

import (
	"context"
	"errors"
	"net/http"

	"github.com/valetkey/valetkey/internal/redact"
)

// Session sends calls with a token that may be replaced as it goes.
type Session struct {
	api    *API
	client *http.Client
}

// Session gives one that asks token before each attempt.
func (a *API) Session(token func(context.Context) (redact.String, error)) *Session {
	return &Session{a, a.client(lender{token, a.wire}, &clock{})}
}

// Call sends one request, retried as the retry allows, and decodes the answer into
// result unless that is nil. op says in words what it is for. Status is that of the
// last answer, also with an error; zero when there was none.
func (s *Session) Call(ctx context.Context, op, method, path string, body, result any) (status int, err error) {
	answer, err := s.api.exchange(ctx, s.client, op, method, path, body, result)
	var missing noToken
	var e *Error
	switch {
	case errors.As(err, &missing):
		return 0, missing.cause
	case errors.As(err, &e):
		return e.Status, err
	case err != nil:
		return 0, err
	}
	return answer.status, nil
}

// noToken is a call that had no token to go with.
type noToken struct{ cause error }

func (e noToken) Error() string { return e.cause.Error() }

// lender adds the token of the moment.
type lender struct {
	token func(context.Context) (redact.String, error)
	next  http.RoundTripper
}

func (l lender) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if t := trailOf(ctx); t != nil {
		ctx = t.stop
	}
	token, err := l.token(ctx)
	if err != nil {
		return nil, noToken{err}
	}
	return bearer{token, l.next}.RoundTrip(req)
}
