package fault_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/valetkey/valetkey/internal/fault"
)

// moved is an error with data of its own.
type moved struct{ to string }

func (moved) Error() string       { return "it moved" }
func (m moved) ErrorHint() string { return m.to }

func TestRender(t *testing.T) {
	inner := fault.New("is odd", "make it even")
	for name, c := range map[string]struct {
		err           error
		problem, hint string
		cause         error
	}{
		"an error":              {err: inner, problem: "is odd", hint: "make it even"},
		"no hint":               {err: fault.New("is odd", ""), problem: "is odd"},
		"another's error":       {err: io.EOF, problem: "EOF"},
		"another's with a hint": {err: moved{"look there"}, problem: "it moved", hint: "look there"},
		"wrapped":               {err: fmt.Errorf("line 1: %w", inner), problem: "line 1: is odd", hint: "make it even"},
		"a hint for a cause":    {err: &fault.Error{Hint: "again", Err: io.EOF}, problem: "EOF", hint: "again", cause: io.EOF},
		"the nearer hint":       {err: &fault.Error{Hint: "again", Err: inner}, problem: "is odd", hint: "again", cause: inner},
		"the only hint":         {err: &fault.Error{Problem: "failed", Err: inner}, problem: "failed", hint: "make it even", cause: inner},
		"a cause in its words":  {err: &fault.Error{Problem: "is empty", Err: io.EOF}, problem: "is empty", cause: io.EOF},
		"joined, each its own":  {err: errors.Join(inner, inner), problem: "is odd\nis odd"},
	} {
		text, line := c.problem, c.problem
		if c.hint != "" {
			text, line = text+"\nhint: "+c.hint, line+"; hint: "+c.hint
		}
		if got := fault.Hint(c.err); got != c.hint {
			t.Errorf("%s: hint %q, want %q", name, got, c.hint)
		}
		if got := fault.Text(c.err); got != text {
			t.Errorf("%s: got %q, want %q", name, got, text)
		}
		if got := fault.Line(c.err); got != line {
			t.Errorf("%s: got %q, want %q", name, got, line)
		}
		if c.cause != nil && !errors.Is(c.err, c.cause) {
			t.Errorf("%s: its cause is lost", name)
		}
	}
	if got := fault.Hint(nil); got != "" {
		t.Errorf("no error has the hint %q", got)
	}
}

func TestList(t *testing.T) {
	a, b, c := errors.New("a"), errors.New("b"), errors.New("c")
	for name, test := range map[string]struct {
		err  error
		want []error
	}{
		"nothing":         {nil, nil},
		"one":             {a, []error{a}},
		"joined":          {errors.Join(a, nil, b), []error{a, b}},
		"joined in turns": {errors.Join(errors.Join(a, b), c), []error{a, b, c}},
	} {
		if got := fault.List(test.err); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}
