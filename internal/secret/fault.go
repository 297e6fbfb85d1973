package secret

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/valetkey/valetkey/internal/fault"
)

// explainMissing adds to a 404 in an environment what it may mean, since GitHub
// says no more than that.
func explainMissing(at Place, status int, err error) error {
	if err == nil || at.Environment == "" || status != http.StatusNotFound {
		return err
	}
	return &fault.Error{
		Problem: fmt.Sprintf("environment %s of %s/%s is missing, or the App does not reach it", at.Environment, at.Owner, at.Repository),
		Hint:    "create it, or set create-environments: true",
		Err:     err,
	}
}

// NotTried returns the error of work that a run did not come to; nil while it
// may continue.
func NotTried(ctx context.Context) error {
	switch err := ctx.Err(); {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return &fault.Error{Problem: "not tried: the time was up", Err: err}
	default:
		return &fault.Error{Problem: "not tried: cancelled", Err: err}
	}
}
