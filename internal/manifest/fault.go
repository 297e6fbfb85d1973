package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

const maxFaults = 50 // errors that are listed one by one

// Fault is one problem of the manifest, with its place and a hint.
type Fault struct {
	File         string
	Line, Column int    // zero when it is about the whole file
	Problem      string // lower case; never an unchecked text of the file
	Hint         string // what to do

	source *source
}

// Error returns three lines: the problem, the line of the file without anything
// that may be a secret, and a caret below the column.
func (f *Fault) Error() string {
	if f.Line == 0 {
		return f.File + ": " + f.Problem
	}
	text := fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Problem)
	if line, caret := f.source.show(Position{f.Line, f.Column}); line != "" {
		text += "\n  | " + line + "\n  | " + caret
	}
	return text
}

// ErrorHint returns what to do.
func (f *Fault) ErrorHint() string { return f.Hint }

// faults collects the errors of one file.
type faults struct {
	source *source
	all    []*Fault
}

func (f *faults) add(at Position, problem, hint string) {
	f.all = append(f.all, f.source.fault(at, problem, hint))
}

// err returns all errors in the order of the file; one that an alias repeats is
// there once.
func (f *faults) err() error {
	slices.SortStableFunc(f.all, func(a, b *Fault) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	f.all = slices.CompactFunc(f.all, func(a, b *Fault) bool { return *a == *b })
	var errs []error
	for i, fault := range f.all {
		if i == maxFaults {
			more := fmt.Sprintf("%d more faults", len(f.all)-maxFaults)
			errs = append(errs, f.source.fault(Position{}, more, fmt.Sprintf("fix the first %d, then try again", maxFaults)))
			break
		}
		errs = append(errs, fault)
	}
	return errors.Join(errs...)
}
