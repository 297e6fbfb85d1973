package rotate

import (
	"context"
	"errors"

	"github.com/valetkey/valetkey/internal/secret"
)

// Error is a step that failed.
type Error struct {
	Problem string
	Cure    string
	Err     error // what GitHub said
}

func (e *Error) Error() string {
	switch {
	case e.Err == nil:
		return e.Problem
	case e.Problem == "":
		return e.Err.Error()
	}
	return e.Problem + ": " + e.Err.Error()
}

// Hint is the cure, printed on a line of its own.
func (e *Error) Hint() string { return e.Cure }

func (e *Error) Unwrap() error { return e.Err }

var errNothing = errors.New("there is nothing to make, or nowhere to store it")

// notTried is nil while there is time for another step.
func notTried(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return &Error{Problem: "not tried", Err: err}
	}
	return nil
}

// The package speaks HTTP through [secret.Call] alone.
const (
	methodGet    = "GET"
	methodPut    = "PUT"
	methodPost   = "POST"
	methodPatch  = "PATCH"
	methodDelete = "DELETE"

	statusForbidden     = 403
	statusNotFound      = 404
	statusConflict      = 409
	statusUnprocessable = 422
)

// call says of a refusal what is needed, unless that was said already.
func (e *Engine) call(ctx context.Context, r secret.Request) (status int, err error) {
	status, err = e.Call(ctx, r)
	var known interface{ Hint() string }
	if err == nil || errors.As(err, &known) && known.Hint() != "" {
		return status, err
	}
	keys := r.Permission == administration
	if status != statusForbidden && status != statusNotFound && (status != statusUnprocessable || !keys) {
		return status, err
	}
	cure := "the App needs " + r.Permission + ": write at " + r.Place.String() + ", which must exist"
	if keys {
		cure += "; an organization may also have switched deploy keys off"
	}
	return status, &Error{Cure: cure, Err: err}
}
