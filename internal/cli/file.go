package cli

import (
	"cmp"
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/safefile"
)

// fileFault returns the fault of an input whose file cannot be opened. The hint
// is for errors that have none of their own.
func fileFault(input, path, cannot string, err error, hint string) actions.Fault {
	problem := actions.Quote(path) + " " + cannot + ": " + err.Error()
	return actions.Fault{Input: input, Problem: problem, Hint: cmp.Or(fault.Hint(err), hint)}
}

// samePath reports whether two paths name the same file, apart from links.
func samePath(a, b string) bool {
	whole := func(path string) string {
		if absolute, err := filepath.Abs(path); err == nil {
			return absolute
		}
		return filepath.Clean(path)
	}
	return whole(a) == whole(b)
}

const reportHint = "give it a path in a directory that is there"

// checkReport finds out early whether the report can be written, and not only
// after all secrets are.
func checkReport(in *actions.Inputs, path string) {
	if path == "" {
		return
	}
	if err := safefile.Check(path); err != nil {
		f := fileFault("report-file", path, "can't be written", err, reportHint)
		in.Fault(f.Input, f.Problem, f.Hint)
	} else if _, err := os.Stat(filepath.Dir(path)); err != nil {
		in.Fault("report-file", "is in a directory that is not there", "make the directory in a step before, or give another path")
	}
}

// writeReport writes the file completely or not at all.
func writeReport(path string, report any) error {
	err := safefile.Replace(path, func(f *os.File) error {
		if large, ok := report.(interface{ encode(w io.Writer) error }); ok {
			return large.encode(f)
		}
		to := json.NewEncoder(f)
		to.SetIndent("", "  ")
		return to.Encode(report)
	})
	if err != nil {
		return fileFault("report-file", path, "can't be written", err, reportHint)
	}
	return nil
}
