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

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// Options say what to show.
type Options struct {
	Serve  bool      // keep the embedded GitHub running until the context ends, instead of the walkthrough
	Listen string    // its loopback address; port 0 means any free port
	Dir    string    // an existing directory for the key and the repositories; empty: a temporary one
	Path   string    // PATH, where git and what it starts are found
	Out    io.Writer // what people read
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
	w := &walkthrough{out: o.Out, sandbox: box}
	w.run(ctx)
	if w.failed > 0 {
		fmt.Fprintf(o.Out, "\n%d of %d checks failed\n", w.failed, w.checks)
		return false, nil
	}
	fmt.Fprintf(o.Out, "\nAll %d checks hold. `valetkey demo --serve` keeps this GitHub running, for your own workflows.\n", w.checks)
	return true, nil
}

// walkthrough runs the demo's steps and counts the checks.
type walkthrough struct {
	out            io.Writer
	sandbox        *sandbox
	checks, failed int
	log            fakerunner.Log // of the current job
}

func (w *walkthrough) run(ctx context.Context) {
	w.print("An embedded GitHub runs on %s with an App, installed on the account %s,\n"+
		"and two private repositories, %s/%s and %s/%s.\n", w.sandbox.url, account, account, selected, account, other)
	w.oneJob(ctx)
	w.threeJobs(ctx)
	w.governTokens(ctx)
}

// mintInputs are the inputs of the README's first example.
func (w *walkthrough) mintInputs() map[string]string {
	return map[string]string{
		"client-id": clientID, "private-key": w.sandbox.key, "repositories": selected, "permissions": "contents: read",
	}
}

// oneJob mints a token, uses it and revokes it.
func (w *walkthrough) oneJob(ctx context.Context) {
	w.print("\nA job. Its first step mints a token for %s/%s, contents: read\n", account, selected)
	main := w.runStage(ctx, fakerunner.Step{Stage: "valetkey", Action: "mint", Inputs: w.mintInputs()})
	token := redact.New(main.Outputs["token"])
	w.check("the step has a token", !token.Empty(), "")
	w.check("two requests were enough: find the installation, mint", len(w.sandbox.github.Requests()) == 2, "")
	granted := main.Outputs["repositories"]
	w.check("it is granted "+main.Outputs["permissions"]+" on "+granted, granted == `["`+account+"/"+selected+`"]`, "")

	w.print("\nA later step prints the token, and the runner hides it\n")
	w.command(`echo "$TOKEN"`, token.Reveal())
	w.command(`printf "x-access-token:$TOKEN" | base64 -w0`, basicAuth(token))
	w.check("the token is masked in the log, and so are its encoded forms", w.isMasked(token), "")

	w.print("\nA later step uses it\n")
	w.checkAccess(ctx, token, selected, true)
	w.checkAccess(ctx, token, other, false)

	w.print("\nThe job ends, and the post stage revokes\n")
	w.runStage(ctx, fakerunner.Step{Stage: "post", Action: "mint", State: main.State})
	w.checkRevoked(ctx, token)
}

// threeJobs carries a token from one job to another and ends it in a third.
func (w *walkthrough) threeJobs(ctx context.Context) {
	w.print("\nThree jobs. The first mints, keeps the token alive, and has two job outputs\n")
	w.log = fakerunner.Log{}
	inputs := w.mintInputs()
	inputs["skip-token-revoke"] = "true"
	mint := w.runStage(ctx, fakerunner.Step{Stage: "valetkey", Action: "mint", Inputs: inputs})
	plain, sealed := mint.Outputs["token"], mint.Outputs["encrypted-token"]
	w.check("the runner drops the job output token, because it holds a masked value", w.log.Hide(plain) != plain, "")
	w.check("the job output encrypted-token survives: no masked value is in it", sealed != "" && w.log.Hide(sealed) == sealed, "")

	w.print("\nThe second, on another machine, decrypts and uses it\n")
	w.log = fakerunner.Log{}
	open := map[string]string{"encrypted-token": sealed, "private-key": w.sandbox.key}
	opened := w.runStage(ctx, fakerunner.Step{Stage: "valetkey", Action: "decrypt", Inputs: open})
	token := redact.New(opened.Outputs["token"])
	w.command(`echo "$TOKEN"`, token.Reveal())
	w.check("the token is masked in this job too", w.isMasked(token), "")
	w.checkAccess(ctx, token, selected, true)

	w.print("\nThe third revokes it\n")
	w.log = fakerunner.Log{}
	w.runStage(ctx, fakerunner.Step{Stage: "valetkey", Action: "revoke", Inputs: open})
	w.checkRevoked(ctx, token)
}

// runStage runs a stage and shows its log.
func (w *walkthrough) runStage(ctx context.Context, st fakerunner.Step) fakerunner.Result {
	result, err := w.sandbox.runStage(ctx, st)
	for _, line := range result.Log {
		if shown, visible := w.log.Show(line); visible {
			fmt.Fprintln(w.out, "  | "+shown)
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
		w.print("  - git is not installed here: git clone of %s is not tried\n", name)
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

func (w *walkthrough) print(format string, args ...any) { fmt.Fprintf(w.out, format, args...) }

// command prints a command of a step and its output as the log shows them.
func (w *walkthrough) command(line, output string) {
	shown, _ := w.log.Show(output)
	fmt.Fprintf(w.out, "  | $ %s\n  | %s\n", line, shown)
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
	mark := "ok"
	if !holds {
		w.failed++
		mark = "FAILED"
	}
	if detail != "" {
		detail = " (" + w.log.Hide(detail) + ")"
	}
	fmt.Fprintf(w.out, "  %s: %s%s\n", mark, what, detail)
}
