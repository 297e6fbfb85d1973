//go:build unix

package sync_test

import (
	"bytes"
	"strings"

	"github.com/valetkey/valetkey/test/program"
)

// step runs the program to its end, which has to succeed.
func (f *fixture) step() program.Usage {
	f.tb.Helper()
	cmd, log := f.command()
	took, err := program.Run(cmd)
	if err != nil {
		f.tb.Fatalf("%v: %s", err, annotations(log))
	}
	return took
}

// annotations returns the errors and warnings in a log.
func annotations(log *bytes.Buffer) (all string) {
	for line := range strings.Lines(log.String()) {
		if strings.HasPrefix(line, "::error::") || strings.HasPrefix(line, "::warning::") || strings.HasPrefix(line, "panic") {
			all += line
		}
	}
	return all
}
