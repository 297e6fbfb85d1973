package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/redact"
)

// demo shows the main job on this machine: an embedded GitHub, a real key, the
// real program started as a runner would start it, and real git.
func (p Process) demo(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	serve := flags.Bool("serve", false, "keep the embedded GitHub up and print the inputs to try it with")
	listen := flags.String("listen", "127.0.0.1:0", "the loopback `address` of the embedded GitHub")
	dir := flags.String("dir", "", "an existing `directory` for the key and the repositories; default: a temporary one")
	if code, over := p.parseFlags(flags, args, 0); over {
		return code
	}
	w, err := newWorld(ctx, *listen, *dir, p.Getenv("PATH"))
	if err != nil {
		return exitCode(p.runner(), fmt.Errorf("start the demo: %w", err))
	}
	defer w.close()
	if *serve {
		fmt.Fprint(p.Stdout, w.invitation())
		<-ctx.Done()
		return exitOK
	}
	s := &story{out: p.Stdout, world: w}
	s.tell(ctx)
	if s.failed > 0 {
		fmt.Fprintf(p.Stdout, "\n%d of %d checks failed\n", s.failed, s.checks)
		return exitFailure
	}
	fmt.Fprintf(p.Stdout, "\nAll %d checks hold. `valetkey demo --serve` keeps this GitHub up, for your own workflows.\n", s.checks)
	return exitOK
}

// story runs the demo's steps and counts what is proved.
type story struct {
	out            io.Writer
	world          *world
	checks, failed int
	log            masker // of the job that runs
}

func (s *story) tell(ctx context.Context) {
	s.say("An embedded GitHub runs on %s with an App, installed on the account %s,\nand two private repositories, %s/%s and %s/%s.\n", s.world.url, account, account, wanted, account, other)
	s.oneJob(ctx)
	s.threeJobs(ctx)
}

// mintInputs are those of the README's first example.
func (s *story) mintInputs() map[string]string {
	return map[string]string{"client-id": demoClientID, "private-key": s.world.key, "repositories": wanted, "permissions": "contents: read"}
}

// oneJob mints, uses and revokes.
func (s *story) oneJob(ctx context.Context) {
	s.say("\nA job. Its first step mints a token for %s/%s, contents: read\n", account, wanted)
	main := s.step(ctx, step{stage: "valetkey", action: "mint", inputs: s.mintInputs()})
	token := redact.New(main.outputs["token"])
	s.check("the step has a token", !token.Empty(), "")
	s.check("two requests were enough: find the installation, mint", len(s.world.github.Requests()) == 2, "")
	s.check("it is granted "+main.outputs["permissions"]+" on "+main.outputs["repositories"], main.outputs["repositories"] == `["`+account+"/"+wanted+`"]`, "")

	s.say("\nA later step prints the token, and the runner hides it\n")
	s.command(`echo "$TOKEN"`, token.Reveal())
	s.command(`printf "x-access-token:$TOKEN" | base64 -w0`, basicAuth(token))
	s.check("the token is masked in the log, and so are its encoded forms", s.hidden(token), "")

	s.say("\nA later step uses it\n")
	s.use(ctx, token, wanted, true)
	s.use(ctx, token, other, false)

	s.say("\nThe job ends, and the post stage revokes\n")
	s.step(ctx, step{stage: "post", action: "mint", state: main.state})
	s.dead(ctx, token)
}

// threeJobs carries a token from one job to another and ends it in a third.
func (s *story) threeJobs(ctx context.Context) {
	s.say("\nThree jobs. The first mints, keeps the token alive, and has two job outputs\n")
	s.log = masker{}
	inputs := s.mintInputs()
	inputs["skip-token-revoke"] = "true"
	mint := s.step(ctx, step{stage: "valetkey", action: "mint", inputs: inputs})
	s.check("the runner drops the job output token, because it holds a masked value", s.log.masks.Hide(mint.outputs["token"]) != mint.outputs["token"], "")
	sealed := mint.outputs["encrypted-token"]
	s.check("the job output encrypted-token survives: no masked value is in it", sealed != "" && s.log.masks.Hide(sealed) == sealed, "")

	s.say("\nThe second, on another machine, decrypts and uses it\n")
	s.log = masker{}
	open := map[string]string{"encrypted-token": sealed, "private-key": s.world.key}
	opened := s.step(ctx, step{stage: "valetkey", action: "decrypt", inputs: open})
	token := redact.New(opened.outputs["token"])
	s.command(`echo "$TOKEN"`, token.Reveal())
	s.check("the token is masked in this job too", s.hidden(token), "")
	s.use(ctx, token, wanted, true)

	s.say("\nThe third revokes it\n")
	s.log = masker{}
	s.step(ctx, step{stage: "valetkey", action: "revoke", inputs: open})
	s.dead(ctx, token)
}

// step runs a stage and shows its log.
func (s *story) step(ctx context.Context, st step) stageResult {
	result, err := s.world.run(ctx, st)
	for _, line := range result.log {
		if shown, visible := s.log.show(line); visible {
			fmt.Fprintln(s.out, "  | "+shown)
		}
	}
	s.check("the step ends well", err == nil && result.exit == 0, reason(err))
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
	shown, _ := s.log.show(output)
	fmt.Fprintf(s.out, "  | $ %s\n  | %s\n", line, shown)
	s.log.shown = append(s.log.shown, shown)
}

// hidden tells whether no log line shows the token, plain or encoded.
func (s *story) hidden(token redact.String) bool {
	all := strings.Join(s.log.shown, "\n")
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
		detail = " (" + s.log.masks.Hide(detail) + ")"
	}
	fmt.Fprintf(s.out, "  %s: %s%s\n", mark, what, detail)
}
