package githubapp

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// Revoke ends an installation token, at the host where it was minted. gone
// reports whether it had ended before: it had expired, was revoked, or is
// unknown there.
//
// GitHub allows this call only with the token itself, so a lost token lives
// until it expires.
func (a *API) Revoke(ctx context.Context, token redact.String) (gone bool, err error) {
	client := a.client(bearer{token, a.wire})
	ctx = context.WithValue(withoutLagRetry(ctx), urgentKey{}, true) // one request: a 401 means gone
	err = a.call(ctx, client, "revoke the token", http.MethodDelete, "installation/token", nil, nil)
	var e *Error
	// With a hint, the answer was not from GitHub, or not about the token: a
	// proxy dropped the header, or a website answered. Then the token is still
	// alive.
	if errors.As(err, &e) && e.Hint == "" && (e.Status == http.StatusUnauthorized || e.Status == http.StatusNotFound) {
		return true, nil
	}
	return false, err
}

// Overtime is how long after its caller's deadline [API.Discard] may go on. A
// step that has to end in time sets its deadline that much earlier.
const Overtime = 5 * time.Second

const (
	// discardTime is all the time that discarding may take.
	discardTime = 15 * time.Second

	// cancelledTime is all the time that it may take in a step that is being
	// cancelled, and the least that it gets in any step. Together with the
	// grace of a mint in flight it stays below the five seconds that such a
	// step has.
	cancelledTime = 2 * time.Second
)

// Discard revokes a token that nobody is to use any more, even when ctx is
// over. It takes fifteen seconds at most, or two where ctx was cancelled, and
// ends [Overtime] after the deadline of ctx at the latest. After an error the
// token lives until it expires.
func (a *API) Discard(ctx context.Context, token redact.String) error {
	limit := discardTime
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)+Overtime)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		limit = cancelledTime
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(limit, cancelledTime))
	defer cancel()
	_, err := a.Revoke(ctx, token)
	return err
}

// forget discards a token that this package made to read names.
func (a *API) forget(ctx context.Context, token redact.String) {
	if err := a.Discard(ctx, token); err != nil {
		a.config.Warning("a token that can only list names lives until it expires: %v", err)
	}
}
