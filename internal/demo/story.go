// Package demo shows the product on one machine: an embedded GitHub, a real key, the
// real program started as a runner would start it, and real git.
//
// It is for people who try the product, and left out of the image, since a container
// that holds an App's key needs neither a GitHub of its own nor an HTTP server. Start
// at [Run].
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
	"github.com/valetkey/valetkey/internal/redact"
)

// Options say what to show.
type Options struct {
	Serve  bool      // keep the embedded GitHub up until the context ends, instead of telling the story
	Listen string    // its loopback address; port 0 is any that is free
	Dir    string    // an existing directory for the key and the repositories; empty: a temporary one
	Path   string    // PATH, where git and what it starts are found
	Out    io.Writer // what people read
}

// Run shows it. It reports whether every check held; the error is about the start.
func Run(ctx context.Context, o Options) (held bool, err error) {
	w, err := newWorld(ctx, o.Listen, o.Dir, o.Path)
	if err != nil {
		return false, fmt.Errorf("start the demo: %w", err)
	}
	defer w.close()
	if o.Serve {
		fmt.Fprint(o.Out, w.invitation())
		<-ctx.Done()
		return true, nil
	}
	s := &story{out: o.Out, world: w}
	s.tell(ctx)
	if s.failed > 0 {
		fmt.Fprintf(o.Out, "\n%d of %d checks failed\n", s.failed, s.checks)
		return false, nil
	}
	fmt.Fprintf(o.Out, "\nAll %d checks hold. `valetkey demo --serve` keeps this GitHub up, for your own workflows.\n", s.checks)
	return true, nil
}

// story runs the demo's steps and counts what is proved.
type story struct {
	out            io.Writer
	world          *world
	checks, failed int
	log            fakerunner.Log // of the job that runs
}

func (s *story) tell(ctx context.Context) {
	s.say("An embedded GitHub runs on %s with an App, installed on the account %s,\nand two private repositories, %s/%s and %s/%s.\n", s.world.url, account, account, wanted, account, other)
	s.oneJob(ctx)
	s.threeJobs(ctx)
}

// mintInputs are those of the README's first example.
func (s *story) mintInputs() map[string]string {
	return map[string]string{"client-id": clientID, "private-key": s.world.key, "repositories": wanted, "permissions": "contents: read"}
}

// oneJob mints, uses and revokes.
func (s *story) oneJob(ctx context.Context) {
	s.say("\nA job. Its first step mints a token for %s/%s, contents: read\n", account, wanted)
	main := s.step(ctx, fakerunner.Step{Stage: "valetkey", Action: "mint", Inputs: s.mintInputs()})
	token := redact.New(main.Outputs["token"])
	s.check("the step has a token", !token.Empty(), "")
	s.check("two requests were enough: find the installation, mint", len(s.world.github.Requests()) == 2, "")
	s.check("it is granted "+main.Outputs["permissions"]+" on "+main.Outputs["repositories"], main.Outputs["repositories"] == `["`+account+"/"+wanted+`"]`, "")

	s.say("\nA later step prints the token, and the runner hides it\n")
	s.command(`echo "$TOKEN"`, token.Reveal())
	s.command(`printf "x-access-token:$TOKEN" | base64 -w0`, basicAuth(token))
	s.check("the token is masked in the log, and so are its encoded forms", s.hidden(token), "")

	s.say("\nA later step uses it\n")
	s.use(ctx, token, wanted, true)
	s.use(ctx, token, other, false)

	s.say("\nThe job ends, and the post stage revokes\n")
	s.step(ctx, fakerunner.Step{Stage: "post", Action: "mint", State: main.State})
	s.dead(ctx, token)
}

// threeJobs carries a token from one job to another and ends it in a third.
func (s *story) threeJobs(ctx context.Context) {
	s.say("\nThree jobs. The first mints, keeps the token alive, and has two job outputs\n")
	s.log = fakerunner.Log{}
	inputs := s.mintInputs()
	inputs["skip-token-revoke"] = "true"
	mint := s.step(ctx, fakerunner.Step{Stage: "valetkey", Action: "mint", Inputs: inputs})
	s.check("the runner drops the job output token, because it holds a masked value", s.log.Hide(mint.Outputs["token"]) != mint.Outputs["token"], "")
	sealed := mint.Outputs["encrypted-token"]
	s.check("the job output encrypted-token survives: no masked value is in it", sealed != "" && s.log.Hide(sealed) == sealed, "")

	s.say("\nThe second, on another machine, decrypts and uses it\n")
	s.log = fakerunner.Log{}
	open := map[string]string{"encrypted-token": sealed, "private-key": s.world.key}
	opened := s.step(ctx, fakerunner.Step{Stage: "valetkey", Action: "decrypt", Inputs: open})
	token := redact.New(opened.Outputs["token"])
	s.command(`echo "$TOKEN"`, token.Reveal())
	s.check("the token is masked in this job too", s.hidden(token), "")
	s.use(ctx, token, wanted, true)

	s.say("\nThe third revokes it\n")
	s.log = fakerunner.Log{}
	s.step(ctx, fakerunner.Step{Stage: "valetkey", Action: "revoke", Inputs: open})
	s.dead(ctx, token)
}

// step runs a stage and shows its log.
func (s *story) step(ctx context.Context, st fakerunner.Step) fakerunner.Result {
	result, err := s.world.run(ctx, st)
	for _, line := range result.Log {
		if shown, visible := s.log.Show(line); visible {
			fmt.Fprintln(s.out, "  | "+shown)
		}
	}
	s.check("the step ends well", err == nil && result.Exit == 0, reason(err))
	return result
}

// dead shows that a token is refused everywhere.
func (s *story) dead(ctx context.Context, token redact.String) {
	s.check("GitHub knows the token no more", !token.Empty() && !s.world.github.Alive(token.Reveal()), "")
	s.use(ctx, token, wanted, false)
}

// use tries a token on a repository, by git where it is installed and by the API
// everywhere.
func (s *story) use(ctx context.Context, token redact.String, repository string, opens bool) {
	name := account + "/" + repository
	verb := map[bool]string{true: "is open", false: "is refused"}[opens]
	api, err := s.world.api()
	if err == nil {
		err = api.Reach(ctx, token, account, repository)
	}
	s.check("GET /repos/"+name+" "+verb, (err == nil) == opens, reason(err))
	if !s.world.git {
		s.say("  - git is not installed here: git clone of %s is not tried\n", name)
		return
	}
	into, err := os.MkdirTemp(s.world.dir, "clone-"+repository+"-")
	if err == nil {
		err = s.world.clone(ctx, token, name, into)
	}
	s.check("git clone of "+name+" "+verb, (err == nil) == opens, reason(err))
	if err == nil && opens {
		_, err = os.Stat(filepath.Join(into, "README.md"))
		s.check("and holds the repository's files", err == nil, "")
	}
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	text := actions.Text(err)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		text = strings.TrimSpace(string(exit.Stderr))
	}
	first, _, _ := strings.Cut(text, "\n")
	return first
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }

// command prints what a step's command and its output look like in the log.
func (s *story) command(line, output string) {
	shown, _ := s.log.Show(output)
	fmt.Fprintf(s.out, "  | $ %s\n  | %s\n", line, shown)
}

// hidden tells whether no log line shows the token, plain or encoded.
func (s *story) hidden(token redact.String) bool {
	all := s.log.Shown()
	for _, form := range actions.Forms(token) {
		if strings.Contains(all, form.Reveal()) {
			return false
		}
	}
	return strings.Contains(all, "***") && !token.Empty()
}

func (s *story) check(what string, holds bool, detail string) {
	s.checks++
	mark := "ok"
	if !holds {
		s.failed++
		mark = "FAILED"
	}
	if detail != "" {
		detail = " (" + s.log.Hide(detail) + ")"
	}
	fmt.Fprintf(s.out, "  %s: %s%s\n", mark, what, detail)
}
