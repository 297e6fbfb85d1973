package cli

import (
	"errors"
	"runtime"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/apicall"
)

// guard runs a command and turns a panic into one error without a stack: what a
// panic prints by itself is a page of addresses, on a stream that may be data, and
// may hold the value that was at hand.
func guard(r *actions.Runner, failed int, run func() int) (code int) {
	defer func() {
		if cause := recover(); cause != nil {
			code = failed
			r.Fail(actions.Fault{
				Problem: "valetkey has a fault of its own: " + causeOf(cause) + ", " + place(cause),
				Cure:    "report this line at https://github.com/valetkey/valetkey/issues, with what valetkey version prints",
			})
		}
	}()
	return run()
}

// causeOf is what a panic is about, as far as it can't hold anything secret: the
// runtime's own errors name types and numbers.
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

// place is where a panic began. It is called by what recovered, or by what waited for
// the goroutine that did.
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
