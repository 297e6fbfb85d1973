package actions

import "github.com/valetkey/valetkey/internal/fault"

// Fault is one thing that is wrong with an input. Anything else that is wrong
// with a step is a [fault.Error].
type Fault struct {
	Input   string // the input's name in action.yml
	Problem string // lower case, what is wrong; never an unchecked value
	Hint    string // what to do
}

func (f Fault) Error() string { return "input " + f.Input + ": " + f.Problem }

// ErrorHint returns what to do.
func (f Fault) ErrorHint() string { return f.Hint }

// Fail reports an error to the user: one annotation for each fault, with its
// hint on the second line.
func (r *Runner) Fail(err error) {
	for _, e := range fault.List(err) {
		r.Error("%s", fault.Text(e))
	}
}
