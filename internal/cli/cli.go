// Package cli composes the product: it parses what a step was given, has the
// other packages do the work, and renders the result for the runner. It is the
// only package that knows all others, and one file holds each command.
//
// It never exits and never reads the environment but through [Process]. Start
// at [Main].
package cli

import (
	"io"
	"net/http"
	"net/url"

	"github.com/valetkey/valetkey/internal/actions"
)

// Process is what the operating system gives a program.
type Process struct {
	Args    []string            // argv, the program's name first
	Getenv  func(string) string // the environment
	Environ func() []string     // all of it, as NAME=value
	Stdin   io.Reader           // what git asks a credential helper
	Stdout  io.Writer           // all that is written, but for
	Stderr  io.Writer           // the log of commands whose output somebody reads
	Proxy   func(*http.Request) (*url.URL, error)

	Terminal    bool // Stdout is one: somebody watches
	StderrPiped bool // Stderr is a pipe, as the log of a step is, and no file or device

	// Transport takes the place of the network in tests.
	Transport http.RoundTripper
}

// Exit codes. The runner knows zero and the rest.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2 // outside a runner only
)

// runner gives the runner this process talks to.
func (p Process) runner() *actions.Runner { return actions.New(p.Stdout, p.Getenv) }

// exitCode ends a command: it prints a failure, one annotation per fault.
func exitCode(r *actions.Runner, err error) int {
	defer r.Finish()
	if err == nil {
		return exitOK
	}
	r.Fail(err)
	return exitFailure
}

// inputs starts reading the inputs of an action, and notes those that were given under
// a name that is none of its own.
func (p Process) inputs(r *actions.Runner, action string) *actions.Inputs {
	in := r.Inputs(schemaOf(action), p.Environ())
	checkNames(r, in)
	return in
}

// plain gives a runner for commands whose standard output somebody reads. What they
// say goes to the other stream, which is not theirs either: git hands its own down
// to its helpers, and npm, terraform and go keep what git wrote there. A secret
// that was announced to the runner there would be in all of them.
func (p Process) plain() *actions.Runner { return actions.NewPlain(p.Stderr, p.Getenv) }
