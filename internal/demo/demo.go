// Package demo shows the product on one machine: an embedded GitHub, a real
// key, this very program started as a runner would start it, and real git.
//
// It is for people who try the product. The image leaves it out, since a
// container that holds an App's key needs neither a GitHub of its own nor an
// HTTP server. Start at [Run].
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/wording"
)

// Options say what to show.
type Options struct {
	Chapter string        // the one to show, of [Chapters]; empty: all of them
	Serve   bool          // keep the embedded GitHub running until the context ends, instead of the walkthrough
	Listen  string        // its loopback address; port 0 means any free port
	Dir     string        // an existing directory for the key and the repositories; empty: a temporary one
	Path    string        // PATH, where git and what it starts are found
	Out     io.Writer     // what people read
	Paint   wording.Paint // its colours
}

// Run shows the demo. It reports whether every check held; the error is about
// the start.
func Run(ctx context.Context, o Options) (held bool, err error) {
	box, err := newSandbox(ctx, o.Listen, o.Dir, o.Path)
	if err != nil {
		return false, fmt.Errorf("start the demo: %w", err)
	}
	defer box.close()
	if o.Serve {
		fmt.Fprint(o.Out, box.invitation())
		<-ctx.Done()
		return true, nil
	}
	w := &walkthrough{out: o.Out, paint: o.Paint, sandbox: box}
	w.run(ctx, o.Chapter)
	if w.failed > 0 {
		w.print("\n%s\n", o.Paint.Bad(fmt.Sprintf("%d of %d checks failed", w.failed, w.checks)))
		return false, nil
	}
	w.print("\n%s\n", o.Paint.Good(fmt.Sprintf("All %d checks hold.", w.checks)))
	w.print("The commands above are for this GitHub, which keeps running in another terminal:\n\n    %s\n", serveCommand)
	return true, nil
}

// walkthrough runs the demo's steps and counts the checks.
type walkthrough struct {
	out            io.Writer
	paint          wording.Paint
	sandbox        *sandbox
	checks, failed int
	log            fakerunner.Log // of the current job
	workspace      string         // of the current chapter's scheduled jobs; empty before the first
}

// run tells one chapter, or all of them if name is empty. Each begins at the
// time that it is, with a log of its own.
func (w *walkthrough) run(ctx context.Context, name string) {
	w.say("An embedded GitHub runs on %s with an App, installed on the account %s, and two private repositories, %s/%s and %s/%s.",
		w.sandbox.url, account, account, selected, account, other)
	all := chapters()
	for i, c := range all {
		if name != "" && name != c.name {
			continue
		}
		w.log, w.workspace = fakerunner.Log{}, ""
		w.sandbox.github.ResetRequests()
		w.print("\n%s\n", w.paint.Bold(fmt.Sprintf("%d of %d  demo %s: %s", i+1, len(all), c.name, c.about)))
		c.tell(w, ctx)
		w.sandbox.github.SetClockSkew(0)
		w.print("\nTry it:\n\n%s", c.commands(served))
	}
}

// mintInputs are the inputs of the README's first example.
func (w *walkthrough) mintInputs() map[string]string {
	return map[string]string{
		"client-id": clientID, "private-key": w.sandbox.key, "repositories": selected, "permissions": "contents: read",
	}
}

// oneJob mints a token, uses it and revokes it.
func (w *walkthrough) oneJob(ctx context.Context) {
	w.say("A job. Its first step mints a token for %s/%s, contents: read", account, selected)
	main := w.runStage(ctx, fakerunner.Step{Stage: "valetkey", Action: "mint", Inputs: w.mintInputs()})
	token := redact.New(main.Outputs["token"])
	w.check("the step has a token", !token.Empty(), "")
	w.check("two requests were enough: find the installation, mint", len(w.sandbox.github.Requests()) == 2, "")
	granted := main.Outputs["repositories"]
	w.check("it is granted "+main.Outputs["permissions"]+" on "+granted, granted == `["`+account+"/"+selected+`"]`, "")

	w.say("A later step prints the token, and the runner hides it")
	w.command(`echo "$TOKEN"`, token.Reveal())
	w.command(`printf "x-access-token:$TOKEN" | base64 -w0`, basicAuth(token))
	w.check("the token is masked in the log, and so are its encoded forms", w.isMasked(token), "")

	w.say("A later step uses it")
	w.checkAccess(ctx, token, selected, true)
	w.checkAccess(ctx, token, other, false)

	w.say("The job ends, and the post stage revokes")
	w.runStage(ctx, fakerunner.Step{Stage: "post", Action: "mint", State: main.State})
	w.checkRevoked(ctx, token)
}

// threeJobs carries a token from one job to another and ends it in a third.
func (w *walkthrough) threeJobs(ctx context.Context) {
	w.say("Three jobs. The first mints, keeps the token alive, and has two job outputs")
	w.log = fakerunner.Log{}
	inputs := w.mintInputs()
	inputs["skip-token-revoke"] = "true"
	mint := w.runStage(ctx, fakerunner.Step{Stage: "valetkey", Action: "mint", Inputs: inputs})
	plain, sealed := mint.Outputs["token"], mint.Outputs["encrypted-token"]
	w.check("the runner drops the job output token, because it holds a masked value", w.log.Hide(plain) != plain, "")
	w.check("the job output encrypted-token survives: no masked value is in it", sealed != "" && w.log.Hide(sealed) == sealed, "")

	w.say("The second, on another machine, decrypts and uses it")
	w.log = fakerunner.Log{}
	open := map[string]string{"encrypted-token": sealed, "private-key": w.sandbox.key}
	opened := w.runStage(ctx, fakerunner.Step{Stage: "valetkey", Action: "decrypt", Inputs: open})
	token := redact.New(opened.Outputs["token"])
	w.command(`echo "$TOKEN"`, token.Reveal())
	w.check("the token is masked in this job too", w.isMasked(token), "")
	w.checkAccess(ctx, token, selected, true)

	w.say("The third revokes it")
	w.log = fakerunner.Log{}
	w.runStage(ctx, fakerunner.Step{Stage: "valetkey", Action: "revoke", Inputs: open})
	w.checkRevoked(ctx, token)
}

// runStage runs a stage and shows its log.
func (w *walkthrough) runStage(ctx context.Context, st fakerunner.Step) fakerunner.Result {
	result, err := w.sandbox.runStage(ctx, st)
	for _, line := range result.Log {
		if shown, visible := w.log.Show(line); visible {
			w.line("  | ", shown)
		}
	}
	w.check("the step succeeds", err == nil && result.Exit == 0, firstLine(err))
	return result
}

// checkRevoked shows that a token is refused everywhere.
func (w *walkthrough) checkRevoked(ctx context.Context, token redact.String) {
	w.check("GitHub no longer knows the token", !token.Empty() && !w.sandbox.github.Alive(token.Reveal()), "")
	w.checkAccess(ctx, token, selected, false)
}

// checkAccess tries a token on a repository, by the API and, where git is
// installed, by git.
func (w *walkthrough) checkAccess(ctx context.Context, token redact.String, repository string, opens bool) {
	name := account + "/" + repository
	verb := map[bool]string{true: "is open", false: "is refused"}[opens]
	api, err := w.sandbox.api()
	if err == nil {
		err = api.Reach(ctx, token, account, repository)
	}
	w.check("GET /repos/"+name+" "+verb, (err == nil) == opens, firstLine(err))
	if !w.sandbox.git {
		w.line("  - ", "git is not installed here: git clone of "+name+" is not tried")
		return
	}
	into, err := os.MkdirTemp(w.sandbox.dir, "clone-"+repository+"-")
	if err == nil {
		err = w.sandbox.clone(ctx, token, name, into)
	}
	w.check("git clone of "+name+" "+verb, (err == nil) == opens, firstLine(err))
	if err == nil && opens {
		_, err = os.Stat(filepath.Join(into, "README.md"))
		w.check("and holds the repository's files", err == nil, "")
	}
}

func firstLine(err error) string {
	if err == nil {
		return ""
	}
	text := fault.Text(err)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		text = strings.TrimSpace(string(exit.Stderr))
	}
	first, _, _ := strings.Cut(text, "\n")
	return first
}

// say begins a part of a chapter.
func (w *walkthrough) say(format string, args ...any) {
	w.print("\n%s", wording.Wrap("", "", fmt.Sprintf(format, args...)))
}

// line prints a line, and breaks it where it is longer than a terminal is wide.
func (w *walkthrough) line(before, text string) {
	if utf8.RuneCountInString(before+text) <= wording.Columns {
		w.print("%s%s\n", before, text)
		return
	}
	before += text[:len(text)-len(strings.TrimLeft(text, " "))]
	w.print("%s", wording.Wrap(before, before+"  ", text))
}

func (w *walkthrough) print(format string, args ...any) { fmt.Fprintf(w.out, format, args...) }

// command prints a command of a step and its output as the log shows them.
func (w *walkthrough) command(line, output string) {
	shown, _ := w.log.Show(output)
	w.line("  | ", "$ "+line)
	w.line("  | ", shown)
}

// isMasked reports whether the log hides the token in every form, plain and
// encoded.
func (w *walkthrough) isMasked(token redact.String) bool {
	all := w.log.Shown()
	for _, form := range actions.Encodings(token) {
		if strings.Contains(all, form.Reveal()) {
			return false
		}
	}
	return strings.Contains(all, "***") && !token.Empty()
}

func (w *walkthrough) check(what string, holds bool, detail string) {
	w.checks++
	mark, paint := "ok: ", w.paint.Good
	if !holds {
		w.failed++
		mark, paint = "FAILED: ", w.paint.Bad
	}
	if detail != "" {
		detail = " (" + w.log.Hide(detail) + ")"
	}
	text := strings.TrimPrefix(wording.Wrap("  "+mark, "      ", what+detail), "  "+mark)
	w.print("  %s%s", paint(mark), text)
}
