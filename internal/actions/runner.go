// Package actions speaks the GitHub Actions runner's protocol: inputs from the
// environment, masks and annotations as workflow commands on one stream, and
// outputs, state and the job summary through the files the runner names.
//
// It never decides anything and never prints a value it was not given. Start at
// [New], then [Runner.Inputs].
//
// Of inputs one rule holds: absent, empty and not understood are three different
// things, and only absent may mean the default. The runner passes every declared
// input that a workflow leaves out as an empty string, so an empty one can't be told
// from an absent one and counts as it. All else that is given is understood or a
// fault: white space alone, a list that names nothing, a word that is none of the
// choices, and a name that no action.yml declares but that was meant for this action.
//
// What the runner does with each line was read in its source, actions/runner
// 2.336.0: OutputManager.cs, ActionCommandManager.cs, FileCommandManager.cs.
package actions

import (
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
	out       io.Writer
	getenv    func(string) string
	plain     bool // out is somebody else's stream
	hushed    bool // notices are left out
	masks     redact.Masks
	annotated map[string]int // how often, by level
}

// New returns the runner that getenv describes; out is the only stream written
// to, because the runner gives no order between two.
func New(out io.Writer, getenv func(string) string) *Runner {
	return &Runner{
		gha:       githubactions.New(githubactions.WithWriter(out), githubactions.WithGetenv(getenv)),
		out:       out,
		getenv:    getenv,
		annotated: map[string]int{},
	}
}

// NewPlain returns the runner that getenv describes for a program whose stream out
// belongs to somebody else, such as the standard error of the git that asked for a
// credential, or a standard output that is data. What is written there ends up in
// files, behind prefixes, and in a log whose reader was told to stop taking
// commands. So nothing but plain lines is written: [Runner.Mask] announces a secret
// to nobody, and still takes it out of what this program writes itself.
func NewPlain(out io.Writer, getenv func(string) string) *Runner {
	r := New(out, getenv)
	r.plain = true
	return r
}

// Present tells whether the job runs under a runner.
func (r *Runner) Present() bool { return r.getenv("GITHUB_ACTIONS") == "true" }

// takesCommands reports whether a runner reads what is written. Without one,
// workflow commands are noise, and add-mask would print the very secret it is for.
func (r *Runner) takesCommands() bool { return r.Present() && !r.plain }

// Debugging tells whether the workflow was started with step debug logging.
func (r *Runner) Debugging() bool { return r.getenv("RUNNER_DEBUG") == "1" }

// Variable gives a value of the runner's contexts, such as GITHUB_REPOSITORY.
func (r *Runner) Variable(name string) string { return strings.TrimSpace(r.getenv(name)) }

// Mask hides each secret in the log of this and every later step of the job, but
// for one that is too short ([redact.CanMask]); a plain runner hides it in its own
// lines. The secret is given as one line; a text of several is for [Lines].
func (r *Runner) Mask(secrets ...redact.String) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		if r.masks.Add(s) && r.takesCommands() {
			r.gha.AddMask(s.Reveal())
		}
	}
}

// Masked gives what is masked so far: none of it may occur in a job output, or
// the runner drops it.
func (r *Runner) Masked() []redact.String {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.masks.All()
}

// Info writes a line, or several, to the log.
func (r *Runner) Info(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.print(r.shown(text(format, args)))
}

// Debug writes to the log when debug logging is on.
func (r *Runner) Debug(format string, args ...any) {
	if r.Debugging() {
		r.annotate("debug", text(format, args))
	}
}

// Hush leaves notices out from here on; the debug log still has them.
func (r *Runner) Hush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hushed = true
}

// Notice writes a notice, which the run's page shows, unless notices are hushed.
func (r *Runner) Notice(format string, args ...any) {
	r.mu.Lock()
	hushed := r.hushed
	r.mu.Unlock()
	if hushed {
		r.Debug(format, args...)
		return
	}
	r.annotate("notice", text(format, args))
}

// Warning writes a warning, which the run's page shows.
func (r *Runner) Warning(format string, args ...any) { r.annotate("warning", text(format, args)) }

// Error writes an error, which the run's page shows. It does not fail the step:
// only the exit code does.
func (r *Runner) Error(format string, args ...any) { r.annotate("error", text(format, args)) }

func text(format string, args []any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// maxAnnotations is how many of a level the runner passes on for each step
// (ExecutionContext.cs); what comes after them is a line of the log and no more.
const maxAnnotations = 10

func (r *Runner) annotate(level, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text = strings.TrimSpace(r.shown(text))
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

// Finish ends what this stage has to say: where a level had more to tell than there
// are annotations, one last annotation counts the rest.
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
		r.command(level, fmt.Sprintf("%d more %s: the log of this step has them all, on lines that begin with %q", more, what, level+": "))
		r.annotated[level] = maxAnnotations
	}
}

func (r *Runner) command(level, text string) {
	r.gha.IssueCommand(&githubactions.Command{Name: level, Message: text})
}

// print writes text that is fit to be shown, line by line.
func (r *Runner) print(text string) {
	for line := range strings.Lines(text) {
		_, _ = io.WriteString(r.out, harmless(strings.TrimSuffix(line, "\n"))+"\n")
	}
}

// shown makes a text fit for the log: no masked value is in it, which the runner
// sees to as well, but other CIs do not; what can't be seen is written out; and a
// line ends where the runner thinks that it does, at a lone CR too.
func (r *Runner) shown(text string) string {
	return redact.Printable(lineEnds.Replace(r.masks.Hide(text)))
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// harmless keeps text that others wrote from being read as a workflow command:
// "##[" counts anywhere in a line, "::" only at its beginning.
func harmless(line string) string {
	line = strings.ReplaceAll(line, "##[", "# #[")
	if strings.HasPrefix(strings.TrimSpace(line), "::") {
		return "| " + line
	}
	return line
}
