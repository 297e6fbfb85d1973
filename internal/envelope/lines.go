package envelope

import (
	"fmt"
	"slices"
	"strings"
)

// fault is what a line is in the place of a key. It says nothing of the line
// but that, since people paste private keys where public ones belong.
type fault struct{ problem, cure string }

// faults collects those of a text, so that one run shows them all.
type faults struct {
	lines []string
	cures []string
	more  int
}

// maxFaults is how many faulty lines are named; a file of another kind has a
// fault in each of its lines.
const maxFaults = 20

func (f *faults) add(line int, what *fault) {
	if len(f.lines) == maxFaults {
		f.more++
		return
	}
	f.lines = append(f.lines, fmt.Sprintf("line %d %s", line, what.problem))
	if !slices.Contains(f.cures, what.cure) {
		f.cures = append(f.cures, what.cure)
	}
}

// err gives nil when there are none.
func (f *faults) err() error {
	if len(f.lines) == 0 {
		return nil
	}
	problem := strings.Join(f.lines, "; ")
	if f.more > 0 {
		problem += fmt.Sprintf("; and %d more", f.more)
	}
	return &Error{Problem: problem, Cure: strings.Join(f.cures, "; ")}
}

// prefixed is a table of what can be told by its first characters.
type prefixed []struct {
	prefix string
	fault  *fault
}

func (p prefixed) find(t string) *fault {
	for _, row := range p {
		if strings.HasPrefix(t, row.prefix) {
			return row.fault
		}
	}
	return nil
}

// unixLines gives every newline the same form.
func unixLines(t string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(t, "\ufeff"))
}
