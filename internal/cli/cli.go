// Package cli composes the product: it parses the inputs of a step, lets the
// other packages do the work, and renders the result for the runner. It is the
// only package that knows all others.
//
// Each command has a file of its own, and commands.go has the table of them.
// Files refer to each other in one direction only: a command to the request
// that it parses, and both to what they share with other commands.
//
// The package never exits, and reads the environment only through [Process].
// Start at [Main].
package cli

import (
	"flag"
	"io"
	"net/http"
	"net/url"

	"github.com/valetkey/valetkey/internal/actions"
)

// Process is what the operating system gives a program: its streams, its
// environment and its way to the network.
type Process struct {
	Args    []string            // argv, the program's name first
	Getenv  func(string) string // one variable of the environment
	Environ func() []string     // all of them, as NAME=value
	Stdin   io.Reader           // what git asks a credential helper
	Stdout  io.Writer           // all output
	Stderr  io.Writer           // the log of commands such as token, whose standard output is data
	Proxy   func(*http.Request) (*url.URL, error)

	Terminal    bool // Stdout is a terminal, at which somebody watches
	StderrPiped bool // Stderr is a pipe, as the log of a step is, and not a file or a device

	// flags gets the flags of a command in place of its run.
	flags func(*flag.FlagSet)

	// Transport replaces the network in tests.
	Transport http.RoundTripper
}

// Exit codes. The runner only distinguishes zero from the others.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2 // outside a runner only
)

// runner returns the runner that this process talks to.
func (p Process) runner() *actions.Runner { return actions.New(p.Stdout, p.Getenv) }

// plain returns a runner for commands whose standard output is data. It writes
// to standard error, and announces no secret there: git passes its own standard
// error on to its helpers, and npm, terraform and go keep the text that git
// wrote to it. A secret announced to the runner would end up in all of those
// files.
func (p Process) plain() *actions.Runner { return actions.NewPlain(p.Stderr, p.Getenv) }

// exitCode ends a command and returns its exit code. It prints a failure, with
// one annotation for each fault.
func exitCode(r *actions.Runner, err error) int {
	defer r.Finish()
	if err == nil {
		return exitOK
	}
	r.Fail(err)
	return exitFailure
}

// inputs starts reading the inputs of an action. It notes a fault for each
// input that was meant for the action but has another name.
func (p Process) inputs(r *actions.Runner, action string) *actions.Inputs {
	in := r.Inputs(schemaOf(action), p.Environ())
	checkNames(r, in)
	return in
}
