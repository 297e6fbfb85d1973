package actions

// Fault is one thing that is wrong with what the step was given, and its cure.
type Fault struct {
	Input   string // the input's name in action.yml; empty when it is about no input
	Problem string // lower case, what is wrong; never an unchecked value
	Cure    string // what to do
}

func (f Fault) Error() string {
	if f.Input == "" {
		return f.Problem
	}
	return "input " + f.Input + ": " + f.Problem
}

// Hint is the cure, printed on a line of its own.
func (f Fault) Hint() string { return f.Cure }

// Fail reports an error as users see it: one annotation per fault, each with its
// hint on the second line.
func (r *Runner) Fail(err error) {
	for _, e := range flatten(err) {
		r.Error("%s", Text(e))
	}
}

// Text renders an error and the hint that it, or one it wraps, carries.
func Text(err error) string {
	text := err.Error()
	for e := err; e != nil; {
		if h, ok := e.(interface{ Hint() string }); ok && h.Hint() != "" {
			return text + "\nhint: " + h.Hint()
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	return text
}

func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}
