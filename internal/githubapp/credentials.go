package githubapp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// MaxCredentials is the largest number of values that one call ends.
const MaxCredentials = 1000

// RevokeCredentials ends personal tokens, OAuth tokens, and the user and refresh
// tokens of Apps, by their values. Anybody who knows a value may do that. It is
// final, and ends the token everywhere: nobody can bring it back, and GitHub
// tells its owner.
//
// GitHub accepts the values and works them off later, without saying which of
// them it knew: [API.AwaitEnd] tells. The first values, as many as accepted says,
// were accepted, also if there is an error.
func (a *API) RevokeCredentials(ctx context.Context, values []redact.String) (accepted int, err error) {
	for i, v := range values {
		if !redact.TokenKind(v.Reveal()).IsPersonal() {
			reason := fmt.Sprintf("value %d of %d is not of a kind that GitHub ends by its value, and nothing was sent", i+1, len(values))
			return 0, &Error{Op: "revoke tokens by their values", Reason: reason}
		}
	}
	for part := range slices.Chunk(values, MaxCredentials) {
		op := "revoke the token by its value"
		if len(values) > 1 {
			op = fmt.Sprintf("revoke tokens %d to %d of %d by their values", accepted+1, accepted+len(part), len(values))
		}
		if err := a.revokeCredentials(ctx, op, part); err != nil {
			return accepted, err
		}
		accepted += len(part)
	}
	return accepted, nil
}

// revokeCredentials sends one call, without an Authorization header: GitHub
// refuses it with one.
// https://docs.github.com/en/rest/credentials/revoke
func (a *API) revokeCredentials(ctx context.Context, op string, values []redact.String) error {
	body := struct {
		Credentials []string `json:"credentials"`
	}{}
	hide := &redact.Masks{}
	for _, v := range values {
		body.Credentials = append(body.Credentials, v.Reveal())
		hide.Add(v)
	}
	own := a.withoutLimiter()
	who := own.client(own.wire)
	who.Transport = discreet{hide, who.Transport}
	err := own.call(ctx, who, op, http.MethodPost, "credentials/revoke", body, nil)
	var e *Error
	if errors.As(err, &e) {
		e.Hint = a.notRevokedHint(e)
	}
	return err
}

// notRevokedHint returns the hint for a refusal to end credentials.
func (a *API) notRevokedHint(e *Error) string {
	said := strings.ToLower(e.Message)
	switch {
	case e.Hint == "" && (e.Status == http.StatusNotFound || e.Status == http.StatusUnauthorized),
		e.Status == http.StatusUnauthorized && strings.Contains(said, "authenticat"): // a server in private mode
		return "this GitHub ends no credentials by their values, as Enterprise Servers do not: the owner of each deletes it under " +
			"Settings, Developer settings, Personal access tokens, or revokes the App under Settings, Applications; " +
			"an administrator of the server can end it too"
	case e.Status == http.StatusForbidden && e.Hint == "":
		return "GitHub takes this call only without a credential, and valetkey sends none: something between here and " + a.base.Host +
			", such as a proxy, adds one"
	case e.Status == http.StatusForbidden, e.Status == http.StatusTooManyRequests:
		if strings.Contains(e.Hint, "limit") {
			return e.Hint + "; it counts all calls without a credential from this address, which runners may share: " +
				"another machine may have some left"
		}
	}
	return e.Hint
}

// discreet hides values in answers that are not good, since a message about a
// value may repeat it.
type discreet struct {
	values *redact.Masks
	next   http.RoundTripper
}

func (d discreet) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := d.next.RoundTrip(req)
	if err != nil || resp.StatusCode < 300 {
		return resp, err
	}
	setBody(resp, []byte(d.values.Hide(string(peek(resp)))))
	return resp, nil
}

// withoutLimiter returns the same host for calls that count for nobody's
// installation.
func (a *API) withoutLimiter() *API {
	own := *a
	own.limiter = nil
	return &own
}

// StillWorks asks GitHub once whether a token works, whatever it may do. An
// answer that is not clear is an error: it may come from a proxy, or be about
// something else than the token.
func (a *API) StillWorks(ctx context.Context, token redact.String) (bool, error) {
	const op = "ask whether the token still works"
	switch value := token.Reveal(); {
	case redact.KindOf(value) == redact.RefreshToken:
		return false, &Error{Op: op, Reason: "GitHub does not say that of a " + string(redact.RefreshToken)}
	case redact.KindOf(value) == redact.InstallationToken, redact.IsOldInstallationToken(value):
		return a.Alive(ctx, token, time.Time{})
	}
	own := a.withoutLimiter()
	err := own.call(ctx, own.client(bearer{token, own.wire}), op, http.MethodGet, "user", nil, nil)
	var e *Error
	// With a hint, the answer was not from GitHub's API, or not about the token.
	if errors.As(err, &e) && e.Status == http.StatusUnauthorized && e.Hint == "" {
		return false, nil
	}
	return err == nil, err
}

// endWaits are the waits between the questions of [API.AwaitEnd].
var endWaits = [...]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// AwaitEnd reports whether a token has ended whose revocation GitHub accepted.
// It gives GitHub some seconds to work that off.
func (a *API) AwaitEnd(ctx context.Context, token redact.String) (ended bool, err error) {
	for i := 0; ; i++ {
		works, err := a.StillWorks(ctx, token)
		if err != nil || !works || i == len(endWaits) {
			return err == nil && !works, err
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-time.After(endWaits[i]):
		}
	}
}
