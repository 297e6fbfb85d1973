package githubapp

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// Revoke ends an installation token, at the host where it was minted. gone tells
// that it was over already: expired, revoked, or unknown there.
//
// GitHub lets only the token itself do this, so one that was lost lives until it
// expires.
func (a *API) Revoke(ctx context.Context, token redact.String) (gone bool, err error) {
	client := a.client(bearer{token, a.wire})
	ctx = context.WithValue(asItIs(ctx), urgentKey{}, true) // one request: a 401 means gone
	err = a.call(ctx, client, "revoke the token", http.MethodDelete, "installation/token", nil, nil)
	var e *Error
	// With a hint, it was not GitHub that answered, or not about the token: a proxy that
	// drops the header, a website in the API's place. The token lives on then.
	if errors.As(err, &e) && e.Hint == "" && (e.Status == http.StatusUnauthorized || e.Status == http.StatusNotFound) {
		return true, nil
	}
	return false, err
}

// discardTime bounds the revocation of a token that nobody was given, where the
// caller's time is up: a step that ends has no more than that for it.
const discardTime = 2 * time.Second

// discard revokes a token that nobody was given, also when the caller's time is up.
func (a *API) discard(ctx context.Context, token redact.String) error {
	limit := diagnoseTime
	if ctx.Err() != nil {
		limit = discardTime
	}
	ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	_, err := a.Revoke(ended, token)
	return err
}

// forget discards a token that this package made for its own use.
func (a *API) forget(ctx context.Context, token redact.String) {
	if err := a.discard(ctx, token); err != nil {
		a.config.Warning("a token that can only list names lives until it expires: %v", err)
	}
}
