package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/nearest"
)

// command is one word of the command line.
type command struct {
	Name    string
	Summary string
	Action  *string // the folder of its action.yml, "" for the root; nil for what is no action and has no inputs
	Flags   bool    // it reads arguments itself, -h too; others take none
	Data    bool    // others read its standard output, so it is spoken to the other stream
	Run     func(p Process, ctx context.Context, args []string) int
}

// commands is the one table of them: dispatch, usage and -h are made from it.
func commands() []command {
	inputs := func(folder string) *string { return &folder }
	alone := func(run func(Process, context.Context) int) func(Process, context.Context, []string) int {
		return func(p Process, ctx context.Context, _ []string) int { return run(p, ctx) }
	}
	return []command{
		{
			Name: "mint", Summary: "mint a token for this workflow step",
			Action: inputs(""), Run: alone(Process.mint),
		},
		{
			Name: "decrypt", Summary: "open an encrypted token, or encrypted values, in a later job",
			Action: inputs("decrypt"), Run: alone(Process.decrypt),
		},
		{
			Name: "revoke", Summary: "revoke a token now",
			Action: inputs("revoke"), Run: alone(Process.revoke),
		},
		{
			Name: "encrypt", Summary: "encrypt values for another job",
			Action: inputs("encrypt"), Run: alone(func(p Process, _ context.Context) int { return p.encrypt() }),
		},
		{
			Name: "sync", Summary: "bring the secrets of a fleet to what a manifest says",
			Action: inputs("sync"), Run: alone(Process.sync),
		},
		{
			Name: "rotate", Summary: "replace credentials of the manifest that are due",
			Action: inputs("rotate"), Run: alone(Process.rotate),
		},
		{
			Name: "git-credential", Summary: "a credential helper for git: mints for the repository that git asks for",
			Flags: true, Data: true, Run: Process.gitCredential,
		},
		{
			Name: "token", Summary: "print the job's token, after a step with refresh: true",
			Data: true, Run: alone(Process.token),
		},
		{
			Name: "explain", Summary: "what scopes, API operations, permissions and a personal token come to, and the step for it",
			Flags: true, Data: true, Run: Process.explain,
		},
		{
			Name: "manifest-schema", Summary: "print the JSON Schema of the manifest, for editors",
			Data: true, Run: alone(Process.manifestSchema),
		},
		{
			Name: "demo", Summary: "the whole story on this machine, against an embedded GitHub (--serve keeps that GitHub up)",
			Flags: true, Run: Process.demo,
		},
		{
			Name: "version", Summary: "print the version, and the commit that it was built from",
			Data: true, Run: alone(Process.version),
		},
		{
			Name: "help", Summary: "print this, or what a command takes: help COMMAND",
			Flags: true, Data: true, Run: Process.help,
		},
	}
}

// usage lists the commands.
func usage() string {
	var b strings.Builder
	b.WriteString("usage: valetkey COMMAND\n\n" +
		"Actions, which take no arguments: they read inputs from variables INPUT_…, and COMMAND -h lists them\n\n")
	rows := func(actions bool) {
		for _, c := range commands() {
			if (c.Action != nil) == actions {
				fmt.Fprintf(&b, "  %-15s  %s\n", c.Name, c.Summary)
			}
		}
	}
	rows(true)
	b.WriteString("\nOthers\n\n")
	rows(false)
	b.WriteString("\nUnder the name \"post\" the program is the post stage of the actions.\n")
	return b.String()
}

// Main runs one command and gives its exit code.
func Main(p Process) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The runner passes the same arguments to the main and the post stage, so
	// the name tells them apart. Saved state would be a guess: a main stage that
	// failed before saving any would be run again.
	if filepath.Base(p.Args[0]) == "post" {
		return guard(p.runner(), exitOK, func() int { return p.post(ctx) }) // never fails a job
	}
	if len(p.Args) < 2 {
		fmt.Fprint(p.Stderr, usage())
		return exitUsage
	}
	name, rest := p.Args[1], p.Args[2:]
	switch name {
	case "-h", "--help":
		name = "help"
	case "--version":
		name = "version"
	}
	c, ok := find(name)
	if !ok {
		return p.unknown(name)
	}
	r := p.runner()
	if c.Data {
		r = p.plain()
	}
	return guard(r, exitFailure, func() int { return p.dispatch(ctx, c, rest) })
}

func find(name string) (command, bool) {
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.Name == name })
	if i < 0 {
		return command{}, false
	}
	return all[i], true
}

// dispatch runs a command whose arguments are in order. Nothing that is given is
// ignored: an option that somebody believes in, such as --dry-run, may stand for all
// that keeps a run from doing harm.
func (p Process) dispatch(ctx context.Context, c command, args []string) int {
	switch {
	case c.Flags:
	case slices.ContainsFunc(args, isHelp):
		fmt.Fprint(p.Stdout, p.describe(c))
		return exitOK
	case len(args) > 0 && c.Action != nil:
		example := schemaOf(*c.Action).Inputs[0].Name
		// The runner shows this as an annotation: an action's streams are the step's.
		actions.New(p.Stderr, p.Getenv).Fail(actions.Fault{
			Problem: c.Name + " takes no arguments, and " + actions.Quote(args[0]) + " is one: nothing is done",
			Cure:    "its inputs are variables, such as INPUT_" + strings.ToUpper(example) + "; valetkey " + c.Name + " -h lists them",
		})
		return exitUsage
	case len(args) > 0:
		return p.misuse(c.Name+" takes no arguments, and "+actions.Quote(args[0])+" is one", "leave it out")
	}
	return c.Run(p, ctx, args)
}

func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

// misuse says what is wrong with a command line. It goes to the stream that nobody
// reads as data.
func (p Process) misuse(problem, cure string) int {
	p.plain().Fail(actions.Fault{Problem: problem, Cure: cure})
	return exitUsage
}

func (p Process) unknown(name string) int {
	var names []string
	for _, c := range commands() {
		names = append(names, c.Name)
	}
	cure := "valetkey help lists the commands"
	if near := nearest.Word(strings.ToLower(name), names, 2); near != "" {
		cure = "did you mean " + near + "? valetkey help lists the commands"
	}
	return p.misuse(actions.Quote(name)+" is no command", cure)
}

func (p Process) manifestSchema(context.Context) int {
	fmt.Fprintf(p.Stdout, "%s\n", manifest.Schema())
	return exitOK
}

func (p Process) version(context.Context) int {
	fmt.Fprintln(p.Stdout, built())
	return exitOK
}
