package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/wording"
)

// command is one word of the command line.
type command struct {
	Name    string
	Summary string
	Action  *string // folder of its action.yml, "" for the root; nil if it is not an action
	Flags   bool    // it reads its arguments itself, including -h; the others take none
	Data    bool    // its standard output is data, so that everything else goes to standard error
	Run     runFunc
	Explain runFunc // runs "NAME explain …", with the words that follow; nil: there is no such thing
	Print   runFunc // runs "NAME --print", whose standard output is data; nil: there is no such thing
}

// runFunc does the work of the command c, and returns its exit code.
type runFunc func(ctx context.Context, p Process, c command, args []string) int

// action turns the work of an action into a command's Run. The work gets the
// inputs, and returns why the step fails.
func action(work func(context.Context, Process, *actions.Runner, *actions.Inputs) error) runFunc {
	return func(ctx context.Context, p Process, c command, _ []string) int {
		r := p.runner()
		return exitCode(r, work(ctx, p, r, p.inputs(r, *c.Action)))
	}
}

// printed turns a text into a command's Run, which prints it.
func printed(text func() string) runFunc {
	return func(_ context.Context, p Process, _ command, _ []string) int {
		fmt.Fprintln(p.Stdout, text())
		return exitOK
	}
}

// run runs a command whose name was found. It ignores no argument: somebody may
// rely on an option such as --dry-run to keep a run from doing harm.
func (c command) run(ctx context.Context, p Process, args []string) int {
	switch {
	case c.Explain != nil && len(args) > 0 && args[0] == "explain":
		return c.Explain(ctx, p, c, args[1:])
	case c.printing(args) && !slices.ContainsFunc(args, isHelp):
		return c.Print(ctx, p, c, args[1:])
	case c.Flags:
	case slices.ContainsFunc(args, isHelp):
		fmt.Fprint(p.Stdout, c.describe())
		return exitOK
	case len(args) > 0 && c.Action != nil:
		example := schemaOf(*c.Action).Inputs[0].Name
		// The runner shows this as an annotation, because the streams of an
		// action are those of its step.
		actions.New(p.Stderr, p.Getenv).Fail(&fault.Error{
			Problem: c.Name + " takes no arguments, and " + actions.Quote(args[0]) + " is one: nothing is done",
			Hint:    "its inputs are variables, such as INPUT_" + strings.ToUpper(example) + "; valetkey " + c.Name + " -h lists them",
		})
		return exitUsage
	case len(args) > 0:
		return misuse(p, c.Name+" takes no arguments, and "+actions.Quote(args[0])+" is one", "leave it out")
	}
	return c.Run(ctx, p, c, args)
}

// printFlag asks for a command's Print, with one dash or two.
const printFlag = "--print"

// isPrint reports whether an argument is [printFlag].
func isPrint(arg string) bool { return arg == printFlag || arg == printFlag[1:] }

// printing reports whether the arguments ask for the command's Print.
func (c command) printing(args []string) bool {
	return c.Print != nil && len(args) > 0 && isPrint(args[0])
}

// data reports whether standard output is data, when the command has these
// arguments.
func (c command) data(args []string) bool { return c.Data || c.printing(args) }

// describe returns the help on a command without flags: for an action, its
// inputs as action.yml declares them.
func (c command) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: valetkey %s\n\n%s", c.Name, wording.Wrap("  ", "  ", c.Summary))
	if c.Action == nil {
		b.WriteString("\nIt takes no arguments.\n")
		return b.String()
	}
	other := ""
	if c.Print != nil {
		other = "other "
		b.WriteString("\n" + wording.Wrap("", "", "With "+printFlag+" it is for a shell: "+
			"the token is all that it writes to standard output. Nothing revokes that token, which works for an hour."))
	}
	b.WriteString("\n" + wording.Wrap("", "", "It takes no "+other+"arguments. Each input is a variable: INPUT_ and its name in capitals, "+
		"dashes kept; a shell sets one with env:") + "\n  env 'INPUT_NAME=VALUE' valetkey " + c.Name + "\n\n")
	describeInputs(&b, schemaOf(*c.Action).Inputs)
	return b.String()
}

// describeInputs writes inputs as action.yml declares them.
func describeInputs(to io.Writer, inputs []actions.InputSchema) {
	for _, in := range inputs {
		fmt.Fprint(to, "  "+in.Name)
		if in.Default != "" {
			fmt.Fprint(to, " (default "+in.Default+")")
		}
		fmt.Fprint(to, "\n"+wording.Wrap("      ", "      ", in.Description))
		if in.Deprecated != "" {
			fmt.Fprint(to, wording.Wrap("      ", "      ", "Deprecated. "+in.Deprecated))
		}
	}
}

// flagSet returns an empty set of flags for the command.
func (c command) flagSet() *flag.FlagSet { return flag.NewFlagSet(c.Name, flag.ContinueOnError) }

// parseFlags reads the arguments of a command that takes flags and a limited
// number of words. It reports whether the command is over, because help was
// asked for or something is wrong, and with which exit code.
func (c command) parseFlags(p Process, flags *flag.FlagSet, args []string, words int) (code int, over bool) {
	if p.flags != nil {
		p.flags(flags)
		return exitOK, true
	}
	flags.SetOutput(io.Discard) // the package would repeat an argument that may be a secret
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(p.Stdout, "usage: valetkey %s [flags]\n\n%s\n%s", c.Name, wording.Wrap("  ", "  ", c.Summary), describeFlags(flags))
		return exitOK, true
	case err != nil:
		return misuse(p, c.Name+": "+wrongFlag(err), "valetkey "+c.Name+" -h lists its flags"), true
	case emptyFlag(flags) != "":
		problem := c.Name + ": -" + emptyFlag(flags) + " is given, and empty"
		return misuse(p, problem, "give it a value, or leave it out for its default"), true
	case flags.NArg() > words:
		problem := c.Name + " takes only flags, and " + actions.Quote(flags.Arg(words)) + " is not one"
		return misuse(p, problem, "valetkey "+c.Name+" -h lists its flags"), true
	}
	return exitOK, false
}

// describeFlags returns the help on flags, as wide as a terminal.
func describeFlags(flags *flag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *flag.Flag) {
		value, help := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "false" {
			help += " (default " + f.DefValue + ")"
		}
		b.WriteString(strings.TrimRight("  -"+f.Name+" "+value, " ") + "\n" + wording.Wrap("      ", "      ", help))
	})
	return b.String()
}

// emptyFlag returns the name of a flag that was given without a value, as
// happens with a shell variable that is not set.
func emptyFlag(flags *flag.FlagSet) (name string) {
	flags.Visit(func(f *flag.Flag) {
		if name == "" && strings.TrimSpace(f.Value.String()) == "" {
			name = f.Name
		}
	})
	return name
}

// wrongFlag returns the problem that the flag package found, without any
// argument that may be a secret.
func wrongFlag(err error) string {
	for _, problem := range []string{"flag provided but not defined: ", "flag needs an argument: ", "bad flag syntax: "} {
		if name, ok := strings.CutPrefix(err.Error(), problem); ok {
			return problem + actions.Quote(name)
		}
	}
	return "the value of a flag is wrong"
}

// misuse reports what is wrong with a command line, on standard error because
// standard output may be data. It returns the exit code.
func misuse(p Process, problem, hint string) int {
	p.plain().Fail(fault.New(problem, hint))
	return exitUsage
}

func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }
