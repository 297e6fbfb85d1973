package cli

import (
	"context"
	"errors"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

const (
	// mintTime is all a step may take that waits for GitHub, and the end of it is for
	// what comes last: the grace of a mint in flight, and taking back what it made.
	mintTime = 60 * time.Second
	lastTime = 5 * time.Second

	// postTime is all that the post stage may take for the token, and again for those
	// that refresh made.
	postTime = 15 * time.Second

	// takeBackTime is all that undoing a mint may take in a step that is being
	// cancelled. With the grace of a mint in flight it stays under the five seconds
	// that such a step has.
	takeBackTime = 2 * time.Second
)

// errMinute is why a step that took too long came to its end.
var errMinute = errors.New("the minute that this step waits for GitHub is over")

// inTime bounds what a step does, so that it ends within the minute that it promises.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, mintTime-lastTime, errMinute)
}

// stopped tells why a step may not go on: its time is up, or somebody cancelled it.
func stopped(ctx context.Context) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return actions.Fault{Problem: context.Cause(ctx).Error() + ", and the token that it brought is not handed out", Cure: "run the job again"}
	}
	return errors.New("the step was cancelled")
}

// endToken revokes a token, whatever any clock says of it, and returns what came of
// that: a token that is over already counts as revoked.
func endToken(ctx context.Context, api *githubapp.API, token redact.String, expires time.Time) (outcome string, err error) {
	gone, err := api.Revoke(ctx, token)
	switch {
	case err != nil:
		return "", err
	case !gone:
		return "the token is revoked", nil
	case !expires.IsZero() && api.Now().After(expires):
		return "the token was gone already: it expired at " + clockTime(expires), nil
	}
	return "the token was gone already", nil
}

// takeBack revokes a token that was not handed out, also when the step is being
// cancelled.
func takeBack(ctx context.Context, r *actions.Runner, api *githubapp.API, token githubapp.Token) {
	limit := postTime
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)+lastTime)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		limit = takeBackTime
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(limit, takeBackTime))
	defer cancel()
	if _, err := api.Revoke(ctx, token.Value); err != nil {
		r.Warning("the token that was minted is still alive, until %s: %s", clockTime(token.ExpiresAt), actions.Text(err))
		return
	}
	r.Info("the token that was minted is revoked")
}
