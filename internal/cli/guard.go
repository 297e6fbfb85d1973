package cli

import (
	"errors"
	"runtime"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
)

// guard runs a command and turns a panic into one error without a stack. A
// panic prints a page of addresses by itself, to a stream that may be data, and
// may show the value at hand.
func guard(r *actions.Runner, failed int, run func() int) (code int) {
	defer func() {
		if cause := recover(); cause != nil {
			code = failed
			r.Fail(&fault.Error{
				Problem: "valetkey has a bug: " + causeOf(cause) + ", " + place(cause),
				Hint:    "report this line at https://github.com/valetkey/valetkey/issues, with what valetkey version prints",
			})
		}
	}()
	return run()
}

// causeOf returns the cause of a panic, if that cannot hold a secret: the
// runtime's own errors name only types and numbers.
func causeOf(cause any) string {
	if p, ok := cause.(*apicall.Panic); ok {
		cause = p.Cause
	}
	var e runtime.Error
	if err, ok := cause.(error); ok && errors.As(err, &e) {
		return strings.TrimPrefix(e.Error(), "runtime error: ")
	}
	return "a check of its own failed"
}

// place returns where a panic began. Its caller is the function that recovered,
// or one that waited for the goroutine that did.
func place(cause any) string {
	var here [64]uintptr
	callers := here[:runtime.Callers(0, here[:])]
	if p, ok := cause.(*apicall.Panic); ok {
		callers = p.Callers
	}
	frames := runtime.CallersFrames(callers)
	panicked := false
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			panicked = true
		case panicked && !strings.HasPrefix(frame.Function, "runtime."):
			return "in " + strings.TrimPrefix(frame.Function, "github.com/valetkey/valetkey/") + ", line " + strconv.Itoa(frame.Line)
		case !more:
			return "somewhere"
		}
	}
}
