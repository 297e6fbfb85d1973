package rotate

import "errors"

// fault is a step that failed, with a cure.
type fault struct {
	problem, cure string // either may be empty
	err           error  // what GitHub said, if it was asked
}

func (e *fault) Error() string {
	switch {
	case e.err == nil:
		return e.problem
	case e.problem == "":
		return e.err.Error()
	}
	return e.problem + ": " + e.err.Error()
}

// Hint is the cure, printed on a line of its own.
func (e *fault) Hint() string  { return e.cure }
func (e *fault) Unwrap() error { return e.err }

var errNothing = errors.New("there is nothing to make, or nowhere to store it")
