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

// For each of these the runner names a file in the variable GITHUB_<NAME>.
const (
	outputFile  = "output"
	stateFile   = "state"
	envFile     = "env"
	summaryFile = "step-summary"
)

// maxSummary is the size beyond which the runner drops the whole summary
// (FileCommandManager.cs).
const maxSummary = 1 << 20

// Pair is one output, state value or variable. An empty output is not written:
// to the next step an absent output and an empty one are the same.
type Pair struct{ Name, Value string }

// CheckFiles returns an error if outputs or state can't be written. It is
// called before anything costly is made. Outside a runner there may be no state
// file.
func (r *Runner) CheckFiles() error {
	files := []string{outputFile}
	if r.OnRunner() {
		files = append(files, stateFile)
	}
	var errs []error
	for _, name := range files {
		if err := r.checkWritable(name); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// HasState reports whether there is a post stage that can read state.
func (r *Runner) HasState() bool { return r.Variable(fileVariable(stateFile)) != "" }

// Output passes values to later steps of the job.
func (r *Runner) Output(pairs ...Pair) error { return r.appendPairs(outputFile, pairs) }

// Env sets variables for every later step of the job. The caller checks the
// names: some variables decide what those steps run.
func (r *Runner) Env(pairs ...Pair) error { return r.appendPairs(envFile, pairs) }

// SaveState passes values to the post stage of this step.
func (r *Runner) SaveState(pairs ...Pair) error { return r.appendPairs(stateFile, pairs) }

// State returns the value that an earlier stage of this step saved, or "" if it
// saved none.
func (r *Runner) State(name string) string { return r.getenv("STATE_" + name) }

// Summary appends Markdown to the job's summary. It does nothing if there is no
// summary file.
func (r *Runner) Summary(markdown string) error {
	if r.Variable(fileVariable(summaryFile)) == "" {
		return nil
	}
	if len(markdown) > maxSummary {
		return fmt.Errorf("write the job summary: %d bytes are more than the runner takes (%d)", len(markdown), maxSummary)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.appendFile(summaryFile, r.masks.Hide(markdown))
}

// appendPairs appends pairs in one write, up to the first that has no form there.
func (r *Runner) appendPairs(file string, pairs []Pair) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var texts []string
	var wrong error
	for _, p := range pairs {
		if p.Value == "" && file != envFile { // an empty variable replaces an earlier value
			continue
		}
		text, err := heredoc(p.Name, p.Value, "ghadelimiter_"+rand.Text())
		if err != nil {
			wrong = fmt.Errorf("write %s: %w", file, err)
			break
		}
		texts = append(texts, text)
	}
	if len(texts) > 0 {
		if err := r.appendFile(file, strings.Join(texts, "\n")); err != nil {
			return err
		}
	}
	return wrong
}

// heredoc renders one pair in the form that can hold any value. The delimiter
// is random, because a value that contained it could write pairs of its own.
// The library's delimiter is fixed.
func heredoc(name, value, delimiter string) (string, error) {
	switch {
	case name == "" || strings.ContainsAny(name, "\r\n=<"):
		return "", fmt.Errorf("%q is not a valid name in the runner's files", name)
	case strings.Contains(value, delimiter):
		return "", fmt.Errorf("the value of %s contains the delimiter", name)
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return "", fmt.Errorf("the value of %s is not text", name)
	}
	return name + "<<" + delimiter + "\n" + value + "\n" + delimiter, nil
}

// appendFile appends to one of the runner's files. The library panics if it
// can't write.
func (r *Runner) appendFile(file, message string) (err error) {
	if err := r.checkWritable(file); err != nil {
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

// checkWritable checks two things that the library does not: that the file
// exists, because nobody would read a file that we created, and that it can be
// written. Opening a named pipe that nobody reads would block forever. The
// runner creates plain files, in a directory of its own. Outside a runner the
// user may choose a device such as /dev/stdout.
func (r *Runner) checkWritable(file string) error {
	name := fileVariable(file)
	path := r.getenv(name)
	if path == "" {
		return fault.New(name+" is not set", "the runner sets it; elsewhere point it at an empty file")
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil && r.OnRunner() && !info.Mode().IsRegular() {
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

// fileVariable returns the name of the variable that holds the path of a file.
func fileVariable(file string) string {
	return "GITHUB_" + strings.ToUpper(strings.ReplaceAll(file, "-", "_"))
}
