// Package fault is for errors that people read: each says what is wrong and,
// apart from it, what to do about it. The two stay apart until they are
// printed, so that one place says how: start with [Error], [Text] and [Line].
package fault

// Error is something that is wrong, and what to do about it. Error types with
// more to tell have a method ErrorHint() string instead.
type Error struct {
	Problem string // lower case, without unchecked values; empty if Err says it all
	Hint    string // what to do; empty if nobody knows
	Err     error  // the cause, which is printed only if there is no Problem
}

// New returns an [Error] without a cause.
func New(problem, hint string) *Error { return &Error{Problem: problem, Hint: hint} }

func (e *Error) Error() string {
	if e.Problem == "" && e.Err != nil {
		return e.Err.Error()
	}
	return e.Problem
}

// ErrorHint returns the hint.
func (e *Error) ErrorHint() string { return e.Hint }

func (e *Error) Unwrap() error { return e.Err }

// Hint returns the first hint of an error and those that it wraps; empty when
// none of them has one.
func Hint(err error) string {
	for err != nil {
		if e, ok := err.(interface{ ErrorHint() string }); ok && e.ErrorHint() != "" {
			return e.ErrorHint()
		}
		wraps, ok := err.(interface{ Unwrap() error })
		if !ok {
			break
		}
		err = wraps.Unwrap()
	}
	return ""
}

// Text returns an error for a log or an annotation: its hint has its own line.
func Text(err error) string { return render(err, "\n") }

// Line returns an error and its hint on one line, for a table or a report.
func Line(err error) string { return render(err, "; ") }

func render(err error, separator string) string {
	text := err.Error()
	if hint := Hint(err); hint != "" {
		text += separator + "hint: " + hint
	}
	return text
}

// List returns the errors that were joined into one, each by itself; none for
// nil.
func List(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, List(e)...)
	}
	return all
}
