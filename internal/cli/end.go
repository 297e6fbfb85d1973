package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/wording"
)

const (
	// mintTime is all the time that a step may spend waiting for GitHub. Its last
	// part is reserved for the grace of a mint in flight and for taking back what
	// that mint made.
	mintTime = 60 * time.Second

	// postTime is all the time that the post stage may take for the token, and
	// again for the tokens that refresh made.
	postTime = 15 * time.Second
)

// errMinute is the cause when a step runs out of time.
var errMinute = errors.New("the minute that this step waits for GitHub is over")

// inTime bounds the work of a step, so that the step ends within the promised
// minute.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, mintTime-githubapp.Overtime, errMinute)
}

// stopped returns why a step must not go on: its time is up, or somebody
// cancelled it.
func stopped(ctx context.Context) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fault.New(context.Cause(ctx).Error()+", and the token that it brought is not handed out", "run the job again")
	}
	return errors.New("the step was cancelled")
}

// endToken revokes a token and returns a line that says what came of it. It
// asks GitHub whatever the clock says. A token that expired or was revoked
// before counts as success.
func endToken(ctx context.Context, api *githubapp.API, token redact.String, expires time.Time) (outcome string, err error) {
	gone, err := api.Revoke(ctx, token)
	switch {
	case err != nil:
		return "", err
	case !gone:
		return "the token is revoked", nil
	case !expires.IsZero() && api.Now().After(expires):
		return "the token was gone already: it expired at " + wording.Clock(expires), nil
	}
	return "the token was gone already", nil
}

// worksStill is the hint for a token that works although GitHub accepted its
// revocation.
const worksStill = "GitHub works revocations off after it accepts them: run this again in a few minutes; if the token works even then, " +
	"its owner has to delete it in the settings"

// endPersonal ends a token of a person by its value, and returns a line that
// says what came of it.
func endPersonal(ctx context.Context, api *githubapp.API, token redact.String, kind redact.Kind) (outcome string, err error) {
	if _, err := api.RevokeCredentials(ctx, []redact.String{token}); err != nil {
		return "", err
	}
	if kind == redact.RefreshToken {
		return "GitHub accepted the revocation of the refresh token; it does not say whether one works", nil
	}
	switch ended, err := api.AwaitEnd(ctx, token); {
	case err != nil:
		return "", fmt.Errorf("GitHub accepted the revocation, but the token may still work: %w", err)
	case !ended:
		return "", fault.New("the token still works, although GitHub accepted its revocation", worksStill)
	}
	return "the " + string(kind) + " is revoked, and does not work any more", nil
}

// takeBack revokes a token that was not handed out, and reports what came of it.
func takeBack(ctx context.Context, r *actions.Runner, api *githubapp.API, token githubapp.Token) {
	if err := api.Discard(ctx, token.Value); err != nil {
		r.Warning("the token that was minted is still alive, until %s: %s", wording.Clock(token.ExpiresAt), fault.Text(err))
		return
	}
	r.Info("the token that was minted is revoked")
}
