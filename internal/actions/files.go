package actions

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/sethvargo/go-githubactions"

	"github.com/valetkey/valetkey/internal/fault"
)

// The runner names a file for each of these in GITHUB_<NAME>.
const (
	outputFile  = "output"
	stateFile   = "state"
	envFile     = "env"
	summaryFile = "step-summary"
)

// maxSummary is where the runner drops a summary whole (FileCommandManager.cs).
const maxSummary = 1 << 20

// Pair is one output or state value. An output of no value is not written: to
// the next step an absent output and an empty one are the same.
type Pair struct{ Name, Value string }

// Ready tells, before anything costly is made, whether outputs and state can be
// written. Outside a runner there may be no place for state.
func (r *Runner) Ready() error {
	files := []string{outputFile}
	if r.Present() {
		files = append(files, stateFile)
	}
	var errs []error
	for _, name := range files {
		if err := r.openable(name); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// HasState tells whether there is a post stage to leave something to.
func (r *Runner) HasState() bool { return r.Variable(variable(stateFile)) != "" }

// Output hands values to later steps of the job.
func (r *Runner) Output(pairs ...Pair) error { return r.appendPairs(outputFile, pairs) }

// Env sets variables for every later step of the job. The caller checks the
// names: some of them decide what those steps run.
func (r *Runner) Env(pairs ...Pair) error { return r.appendPairs(envFile, pairs) }

// SaveState hands values to the post stage of this step.
func (r *Runner) SaveState(pairs ...Pair) error { return r.appendPairs(stateFile, pairs) }

// State gives what an earlier stage of this step saved; empty if nothing was.
func (r *Runner) State(name string) string { return r.getenv("STATE_" + name) }

// Summary appends Markdown to the job's summary; where there is none it does
// nothing.
func (r *Runner) Summary(markdown string) error {
	if r.Variable(variable(summaryFile)) == "" {
		return nil
	}
	if len(markdown) > maxSummary {
		return fmt.Errorf("write the job summary: %d bytes are more than the runner takes (%d)", len(markdown), maxSummary)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.issue(summaryFile, r.masks.Hide(markdown))
}

func (r *Runner) appendPairs(file string, pairs []Pair) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range pairs {
		if p.Value == "" && file != envFile { // an empty variable resets one
			continue
		}
		text, err := heredoc(p.Name, p.Value, "ghadelimiter_"+rand.Text())
		if err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
		if err := r.issue(file, text); err != nil {
			return err
		}
	}
	return nil
}

// heredoc renders one pair in the form that holds any value. The delimiter is
// random because a value that contained it would write pairs of its own; the
// library's is fixed.
func heredoc(name, value, delimiter string) (string, error) {
	switch {
	case name == "" || strings.ContainsAny(name, "\r\n=<"):
		return "", fmt.Errorf("%q is no name for the runner's files", name)
	case strings.Contains(value, delimiter):
		return "", fmt.Errorf("the value of %s holds the delimiter", name)
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return "", fmt.Errorf("the value of %s is no text", name)
	}
	return name + "<<" + delimiter + "\n" + value + "\n" + delimiter, nil
}

// issue appends to one of the runner's files. The library panics when it can't.
func (r *Runner) issue(file, message string) (err error) {
	if err := r.openable(file); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("write %s: %v", file, p)
		}
	}()
	r.gha.IssueFileCommand(&githubactions.Command{Name: file, Message: message})
	return nil
}

// openable checks what the library does not: that the file is there, since one that
// we made would be read by nobody, and that it takes what is written. Opening a named
// pipe that nobody reads would wait for ever. The runner makes plain files, in a
// directory of its own; elsewhere a device such as /dev/stdout is what its user wants.
func (r *Runner) openable(file string) error {
	name := variable(file)
	path := r.getenv(name)
	if path == "" {
		return fault.New(name+" is not set", "the runner sets it; elsewhere point it at an empty file")
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil && r.Present() && !info.Mode().IsRegular() {
			err = errors.New("it is no longer the plain file that the runner made")
		}
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fault.New(fmt.Sprintf("%s can't be written: %v", name, err),
			"a container action runs as root and writes the file the runner made; elsewhere create it first")
	}
	return nil
}

func variable(file string) string {
	return "GITHUB_" + strings.ToUpper(strings.ReplaceAll(file, "-", "_"))
}
