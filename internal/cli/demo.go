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
	flags.SetOutput(p.Stdout)
	serve := flags.Bool("serve", false, "keep the embedded GitHub up and print the inputs to try it with")
	listen := flags.String("listen", "127.0.0.1:0", "the loopback `address` of the embedded GitHub")
	dir := flags.String("dir", "", "an existing `directory` for the key and the repositories; default: a temporary one")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return exitUsage
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
	log            masker
}

func (s *story) tell(ctx context.Context) {
	s.say("An embedded GitHub runs on %s with an App, installed on the account %s,\nand two private repositories, %s/%s and %s/%s.\n", s.world.url, account, account, wanted, account, other)

	s.say("\n1. A step mints a token for %s/%s, contents: read\n", account, wanted)
	main, err := s.world.stage(ctx, "valetkey", nil)
	if err != nil {
		s.check("the step runs", false, err.Error())
		return
	}
	s.show(main)
	token := redact.New(main.outputs["token"])
	s.check("the step ends well and has a token", main.exit == 0 && !token.Empty(), "")
	s.check("two requests were enough: find the installation, mint", len(s.world.github.Requests()) == 2, "")
	s.check("it is granted "+main.outputs["permissions"]+" on "+main.outputs["repositories"], main.outputs["repositories"] == `["`+account+"/"+wanted+`"]`, "")

	s.say("\n2. A later step prints the token, and the runner hides it\n")
	s.command(`echo "$TOKEN"`, token.Reveal())
	s.command(`printf "x-access-token:$TOKEN" | base64 -w0`, basicAuth(token))
	s.check("the token is masked in the log, and so are its encoded forms", s.hidden(token), "")

	s.say("\n3. A later step uses it\n")
	s.use(ctx, token, wanted, true)
	s.use(ctx, token, other, false)

	s.say("\n4. The job ends, and the post stage revokes\n")
	post, err := s.world.stage(ctx, "post", main.state)
	if err != nil {
		s.check("the post stage runs", false, err.Error())
		return
	}
	s.show(post)
	s.check("the post stage ends well", post.exit == 0, "")
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
	into := filepath.Join(s.world.dir, "clone-"+repository+"-"+fmt.Sprint(s.checks))
	err = s.world.clone(ctx, token, name, into)
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

// show prints a stage's log as a runner shows it.
func (s *story) show(st stageResult) {
	for _, line := range st.log {
		if shown, visible := s.log.show(line); visible {
			fmt.Fprintln(s.out, "  | "+shown)
		}
	}
}

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
		detail = " (" + s.log.mask(detail) + ")"
	}
	fmt.Fprintf(s.out, "  %s: %s%s\n", mark, what, detail)
}
