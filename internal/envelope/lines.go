package envelope

import (
	"fmt"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

// faults collects the errors of all lines of a text, so that one run shows them
// all. They say no more about a line than its error, since people paste private
// keys where public ones belong.
type faults struct {
	lines []string
	hints []string
	more  int
}

// maxFaults is how many faulty lines are listed; in a file of another kind
// every line is faulty.
const maxFaults = 20

func (f *faults) add(line int, what *fault.Error) {
	if len(f.lines) == maxFaults {
		f.more++
		return
	}
	f.lines = append(f.lines, fmt.Sprintf("line %d %s", line, what.Problem))
	if !slices.Contains(f.hints, what.Hint) {
		f.hints = append(f.hints, what.Hint)
	}
}

// err returns nil if there are none.
func (f *faults) err() error {
	if len(f.lines) == 0 {
		return nil
	}
	problem := strings.Join(f.lines, "; ")
	if f.more > 0 {
		problem += fmt.Sprintf("; and %d more", f.more)
	}
	return &fault.Error{Problem: problem, Hint: strings.Join(f.hints, "; ")}
}

// unixLines turns every newline into \n.
func unixLines(t string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(t, "\ufeff"))
}
