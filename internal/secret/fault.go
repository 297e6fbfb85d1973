package secret

import (
	"context"
	"errors"
	"fmt"

	"github.com/valetkey/valetkey/internal/apicall"
)

// fault is an error with a cure.
type fault struct {
	problem, cure string
	err           error // what it came from, if anything
}

func (e *fault) Error() string { return e.problem }
func (e *fault) Hint() string  { return e.cure }
func (e *fault) Unwrap() error { return e.err }

// explain makes more of a 404 in an environment: GitHub says no more than that.
func explain(at Place, status int, err error) error {
	if err == nil || at.Environment == "" || status != apicall.StatusNotFound {
		return err
	}
	return &fault{
		fmt.Sprintf("environment %s of %s/%s is missing, or the App does not reach it", at.Environment, at.Owner, at.Repository),
		"create it, or set create-environments: true", err,
	}
}

// NotTried is the error of what a run did not come to; nil while it may go on.
func NotTried(ctx context.Context) error {
	switch err := ctx.Err(); {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return &fault{"not tried: the time was up", "", err}
	default:
		return &fault{"not tried: cancelled", "", err}
	}
}
