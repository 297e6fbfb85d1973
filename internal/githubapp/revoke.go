package githubapp

import (
	"context"
	"errors"
	"net/http"

	"github.com/valetkey/valetkey/internal/redact"
)

// Revoke ends an installation token, at the host where it was minted. gone tells
// that it was over already: expired, revoked, or unknown there.
//
// GitHub lets only the token itself do this, so one that was lost lives until it
// expires.
func (a *API) Revoke(ctx context.Context, token redact.String) (gone bool, err error) {
	client := a.client(bearer{token, a.wire}, &clock{})
	ctx = context.WithValue(ctx, urgentKey{}, true)
	err = a.call(ctx, client, "revoke the token", http.MethodDelete, "installation/token", nil, nil)
	var e *Error
	if errors.As(err, &e) && (e.Status == http.StatusUnauthorized || e.Status == http.StatusNotFound) {
		return true, nil
	}
	return false, err
}
