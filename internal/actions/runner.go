// Package actions speaks the GitHub Actions runner's protocol: inputs from the
// environment, masks and annotations as workflow commands on one stream, and
// outputs, state and the job summary through the files the runner names.
//
// It never decides anything and never prints a value it was not given. Start at
// [New], then [Runner.Inputs].
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
	mu       sync.Mutex
	gha      *githubactions.Action
	out      io.Writer
	getenv   func(string) string
	masked   map[string]bool
	replace  []string          // old, new pairs for the second line of defence
	replacer *strings.Replacer // of these; nil: to be made anew
}

// New returns the runner that getenv describes; out is the only stream written
// to, because the runner gives no order between two.
func New(out io.Writer, getenv func(string) string) *Runner {
	return &Runner{
		gha:    githubactions.New(githubactions.WithWriter(out), githubactions.WithGetenv(getenv)),
		out:    out,
		getenv: getenv,
		masked: map[string]bool{},
	}
}

// Present tells whether a runner reads what is written. Without one, workflow
// commands are noise, and add-mask would print the very secret it is for.
func (r *Runner) Present() bool { return r.getenv("GITHUB_ACTIONS") == "true" }

// Debugging tells whether the workflow was started with step debug logging.
func (r *Runner) Debugging() bool { return r.getenv("RUNNER_DEBUG") == "1" }

// Variable gives a value of the runner's contexts, such as GITHUB_REPOSITORY.
func (r *Runner) Variable(name string) string { return strings.TrimSpace(r.getenv(name)) }

// MinMask keeps accidents out of the masks: a short one turns half the log into
// *** and makes the runner drop every job output it occurs in.
const MinMask = 8

// Mask hides each secret in the log of this and every later step of the job.
// The secret is given as one line; a text of several is for [Lines].
func (r *Runner) Mask(secrets ...redact.String) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		v := s.Reveal()
		if len(strings.TrimSpace(v)) < MinMask || r.masked[v] {
			continue
		}
		r.masked[v] = true
		r.replace = append(r.replace, v, "***")
		r.replacer = nil
		if r.Present() {
			r.gha.AddMask(v)
		}
	}
}

// Masked gives what is masked so far: none of it may occur in a job output, or
// the runner drops it.
func (r *Runner) Masked() []redact.String {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []redact.String
	for v := range r.masked {
		all = append(all, redact.New(v))
	}
	return all
}

// Info writes a line, or several, to the log.
func (r *Runner) Info(format string, args ...any) {
	// To the runner a lone CR ends a line too.
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(r.text(format, args))
	for line := range strings.Lines(text) {
		r.write(harmless(strings.TrimSuffix(line, "\n")) + "\n")
	}
}

// Debug writes to the log when debug logging is on.
func (r *Runner) Debug(format string, args ...any) {
	if r.Debugging() {
		r.annotate("debug", r.text(format, args))
	}
}

// Notice writes a notice, which the run's page shows.
func (r *Runner) Notice(format string, args ...any) { r.annotate("notice", r.text(format, args)) }

// Warning writes a warning, which the run's page shows.
func (r *Runner) Warning(format string, args ...any) { r.annotate("warning", r.text(format, args)) }

// Error writes an error, which the run's page shows. It does not fail the step:
// only the exit code does.
func (r *Runner) Error(format string, args ...any) { r.annotate("error", r.text(format, args)) }

// Group opens a fold in the log; the function it returns closes it.
func (r *Runner) Group(title string) (end func()) {
	if !r.Present() {
		r.Info("%s", title)
		return func() {}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gha.Group(r.unmasked(title))
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.gha.EndGroup()
	}
}

func (r *Runner) text(format string, args []any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

func (r *Runner) annotate(level, text string) {
	text = strings.TrimSpace(text)
	if text == "" {
		return
	}
	if !r.Present() {
		r.Info("%s: %s", level, text)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gha.IssueCommand(&githubactions.Command{Name: level, Message: r.unmasked(text)})
}

func (r *Runner) write(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = io.WriteString(r.out, r.unmasked(line))
}

// unmasked takes every masked value out of a text. The runner does the same, but
// other CIs do not, and it costs nothing to be the first to notice.
func (r *Runner) unmasked(text string) string {
	if len(r.replace) == 0 {
		return text
	}
	if r.replacer == nil {
		r.replacer = strings.NewReplacer(r.replace...)
	}
	return r.replacer.Replace(text)
}

// harmless keeps text that others wrote from being read as a workflow command:
// "##[" counts anywhere in a line, "::" only at its beginning.
func harmless(line string) string {
	line = strings.ReplaceAll(line, "##[", "# #[")
	if strings.HasPrefix(strings.TrimSpace(line), "::") {
		return "| " + line
	}
	return line
}
