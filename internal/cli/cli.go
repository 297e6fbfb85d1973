// Package cli composes the product: it parses what a step was given, has the
// other packages do the work, and renders the result for the runner. It is the
// only package that knows all others, and one file holds each command.
//
// It never exits and never reads the environment but through [Process]. Start
// at [Main].
package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/manifest"
)

// Process is what the operating system gives a program.
type Process struct {
	Args   []string            // argv, the program's name first
	Getenv func(string) string // the environment
	Stdin  io.Reader           // what git asks a credential helper
	Stdout io.Writer           // all that is written, but for
	Stderr io.Writer           // the log of commands whose output somebody reads
	Files  fs.FS               // the action.yml files, by their path in the repository
	Proxy  func(*http.Request) (*url.URL, error)

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

const usage = `usage: valetkey COMMAND

  mint      mint a token for this workflow step
  decrypt   open an encrypted token, or encrypted values, in a later job
  revoke    revoke a token now
  encrypt   encrypt values for another job
  sync      bring the secrets of a fleet to what a manifest says
  git-credential
            a credential helper for git: mints for the repository that git asks for
  token     print the job's token, after a step with refresh: true
  rotate    replace credentials of the manifest that are due
  manifest-schema
            print the JSON Schema of the manifest, for editors
  explain   what scopes, API operations and permissions come to; what a personal
            token is, and the step that replaces it (explain -h)
  demo      the whole story on this machine, against an embedded GitHub
            (demo --serve keeps that GitHub up, to try a workflow against)

The first six are actions and read their inputs from INPUT_… variables. Under the name "post" the program is the action's post stage.
`

// Main runs one command and gives its exit code.
func Main(p Process) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The runner passes the same arguments to the main and the post stage, so
	// the name tells them apart. Saved state would be a guess: a main stage that
	// failed before saving any would be run again.
	if filepath.Base(p.Args[0]) == "post" {
		return p.post(ctx)
	}
	command, rest := "", []string(nil)
	if len(p.Args) > 1 {
		command, rest = p.Args[1], p.Args[2:]
	}
	switch command {
	case "mint":
		return p.mint(ctx)
	case "decrypt":
		return p.decrypt(ctx)
	case "revoke":
		return p.revoke(ctx)
	case "encrypt":
		return p.encrypt()
	case "sync":
		return p.sync(ctx)
	case "rotate":
		return p.rotate(ctx)
	case "manifest-schema":
		fmt.Fprintf(p.Stdout, "%s\n", manifest.Schema())
		return exitOK
	case "git-credential":
		return p.gitCredential(ctx, rest)
	case "token":
		return p.token(ctx)
	case "explain":
		return p.explain(ctx, rest)
	case "demo":
		return p.demo(ctx, rest)
	case "help", "-h", "--help":
		fmt.Fprint(p.Stdout, usage)
		return exitOK
	case "version", "--version":
		fmt.Fprintln(p.Stdout, "valetkey", version())
		return exitOK
	}
	fmt.Fprint(p.Stdout, usage)
	return exitUsage
}

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

// schema reads the action.yml of an action; path is empty for the root action.
func (p Process) schema(path string) *actions.Schema {
	file, err := fs.ReadFile(p.Files, strings.TrimPrefix(path+"/action.yml", "/"))
	if err == nil {
		var s *actions.Schema
		if s, err = actions.ParseSchema(file); err == nil {
			return s
		}
	}
	panic(err) // built in, and held by a test
}

// version is the module's version as the build recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}
