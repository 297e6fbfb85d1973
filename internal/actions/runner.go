// Package actions speaks the GitHub Actions runner's protocol: inputs from the
// environment, masks and annotations as workflow commands on one stream, and
// outputs, state and the job summary through the files the runner names.
//
// The package makes no decisions, and prints only values that it was given.
// Start at [New], then [Runner.Inputs].
//
// One rule holds for inputs: absent, empty and not understood are three
// different things, and only absent may mean the default. The runner passes
// every declared input that a workflow leaves out as an empty string, so an
// empty input can't be distinguished from an absent one and counts as absent.
// Anything else is either understood or a fault: white space alone, a list that
// names nothing, a word that is not one of the choices, and a name that
// action.yml does not declare but that was meant for this action.
//
// The source of actions/runner 2.336.0 shows how the runner treats each line:
// OutputManager.cs, ActionCommandManager.cs, FileCommandManager.cs.
package actions

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/sethvargo/go-githubactions"

	"github.com/valetkey/valetkey/internal/redact"
)

// Runner is the runner of this step, or the shell or other CI that takes its
// place. Its methods may be called from several goroutines.
type Runner struct {
	mu        sync.Mutex
	gha       *githubactions.Action
	commands  bytes.Buffer // what gha writes, until it is sent
	out       io.Writer
	getenv    func(string) string
	plain     bool // out belongs to another program
	muted     bool // notices are left out
	masks     redact.Masks
	annotated map[string]int // number of annotations by level
}

// New returns the runner that getenv describes. It writes to out alone, because
// the runner does not keep the order of lines from two streams.
func New(out io.Writer, getenv func(string) string) *Runner {
	r := &Runner{out: out, getenv: getenv, annotated: map[string]int{}}
	r.gha = githubactions.New(githubactions.WithWriter(&r.commands), githubactions.WithGetenv(getenv))
	return r
}

// send writes the commands of the library in one piece: a key has thirty masks.
func (r *Runner) send() {
	_, _ = r.commands.WriteTo(r.out)
	r.commands.Reset()
}

// NewPlain returns the runner that getenv describes, for a stream out that
// belongs to another program, such as the standard error of a git that asked
// for a credential, or a standard output that is data. Lines written there may
// end up in files, after prefixes, and in a log whose reader was told to stop
// processing commands. So it writes only plain lines: [Runner.Mask] does not
// announce a secret to the runner, but still removes it from the lines that
// this program writes.
func NewPlain(out io.Writer, getenv func(string) string) *Runner {
	r := New(out, getenv)
	r.plain = true
	return r
}

// OnRunner reports whether the job runs on a runner of GitHub Actions.
func (r *Runner) OnRunner() bool { return r.getenv("GITHUB_ACTIONS") == "true" }

// takesCommands reports whether a runner reads the output. Without a runner,
// workflow commands are noise, and add-mask would print the secret it should
// hide.
func (r *Runner) takesCommands() bool { return r.OnRunner() && !r.plain }

// Debugging reports whether the workflow was started with step debug logging.
func (r *Runner) Debugging() bool { return r.getenv("RUNNER_DEBUG") == "1" }

// Variable returns a value of the runner's contexts, such as GITHUB_REPOSITORY.
func (r *Runner) Variable(name string) string { return strings.TrimSpace(r.getenv(name)) }

// Mask hides each secret in the log of this and every later step of the job,
// unless it is too short ([redact.CanMask]). A plain runner hides it only in
// its own lines. Each secret must be a single line; [LongLines] splits longer
// texts.
func (r *Runner) Mask(secrets ...redact.String) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.send()
	for _, s := range secrets {
		if r.masks.Add(s) && r.takesCommands() {
			r.gha.AddMask(s.Reveal())
		}
	}
}

// Masked returns all texts masked so far. The runner drops a job output that
// contains any of them.
func (r *Runner) Masked() []redact.String {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.masks.All()
}

// Info writes one or more lines to the log.
func (r *Runner) Info(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.print(r.sanitized(text(format, args)))
}

// Debug writes to the log when debug logging is on.
func (r *Runner) Debug(format string, args ...any) {
	if r.Debugging() {
		r.annotate("debug", text(format, args))
	}
}

// MuteNotices turns all later notices into lines of the debug log.
func (r *Runner) MuteNotices() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.muted = true
}

// Notice writes a notice, which the run's page shows, unless notices are muted.
func (r *Runner) Notice(format string, args ...any) {
	r.mu.Lock()
	muted := r.muted
	r.mu.Unlock()
	if muted {
		r.Debug(format, args...)
		return
	}
	r.annotate("notice", text(format, args))
}

// Warning writes a warning, which the run's page shows.
func (r *Runner) Warning(format string, args ...any) { r.annotate("warning", text(format, args)) }

// Warned reports whether this step has written a warning.
func (r *Runner) Warned() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.annotated["warning"] > 0
}

// Error writes an error, which the run's page shows. It does not fail the step:
// only the exit code does.
func (r *Runner) Error(format string, args ...any) { r.annotate("error", text(format, args)) }

func text(format string, args []any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// maxAnnotations is the number of annotations of each level that the runner
// shows for a step (ExecutionContext.cs). Further ones are only lines of the
// log.
const maxAnnotations = 10

func (r *Runner) annotate(level, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text = strings.TrimSpace(r.sanitized(text))
	if text == "" {
		return
	}
	if level != "debug" {
		r.annotated[level]++
	}
	if !r.takesCommands() || r.annotated[level] > maxAnnotations {
		r.print(level + ": " + text)
		return
	}
	r.command(level, text)
}

// Finish ends the output of this stage. For each level that had too many
// annotations, one last annotation counts the rest.
func (r *Runner) Finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, level := range []string{"notice", "warning", "error"} {
		more := r.annotated[level] - maxAnnotations
		if more <= 0 || !r.takesCommands() {
			continue
		}
		what := level + "s"
		if more == 1 {
			what = level
		}
		r.command(level, fmt.Sprintf("%d more %s: the log of this step has them all, on lines that begin with %q",
			more, what, level+": "))
		r.annotated[level] = maxAnnotations
	}
}

func (r *Runner) command(level, text string) {
	r.gha.IssueCommand(&githubactions.Command{Name: level, Message: text})
	r.send()
}

// print writes sanitized text, line by line.
func (r *Runner) print(text string) {
	for line := range strings.Lines(text) {
		_, _ = io.WriteString(r.out, escapeCommands(strings.TrimSuffix(line, "\n"))+"\n")
	}
}

// sanitized makes a text fit for the log. It hides masked values, which the
// runner does as well, but other CI systems do not. It writes invisible
// characters as escapes, and ends a line wherever the runner does, at a lone CR
// too.
func (r *Runner) sanitized(text string) string {
	return redact.Printable(lineEnds.Replace(r.masks.Hide(text)))
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// escapeCommands prevents the runner from reading text of others as a workflow
// command. The runner looks for "##[" anywhere in a line, and for "::" at its
// beginning.
func escapeCommands(line string) string {
	line = strings.ReplaceAll(line, "##[", "# #[")
	if strings.HasPrefix(strings.TrimSpace(line), "::") {
		return "| " + line
	}
	return line
}
