package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
)

// help prints the usage, or what one command takes.
func (p Process) help(ctx context.Context, args []string) int {
	switch {
	case len(args) == 0 || len(args) == 1 && isHelp(args[0]):
		fmt.Fprint(p.Stdout, usage())
		return exitOK
	case len(args) > 1:
		return p.misuse("help takes one command, and "+actions.Quote(args[1])+" is one more", "valetkey help COMMAND")
	}
	c, ok := find(args[0])
	switch {
	case !ok:
		return p.unknown(args[0])
	case c.Name == "help":
		fmt.Fprint(p.Stdout, usage())
		return exitOK
	case c.Flags:
		return c.Run(p, ctx, []string{"-h"})
	}
	fmt.Fprint(p.Stdout, p.describe(c))
	return exitOK
}

// describe tells what a command without flags takes: of an action, its inputs as its
// action.yml has them.
func (p Process) describe(c command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: valetkey %s\n\n  %s\n", c.Name, c.Summary)
	if c.Action == nil {
		b.WriteString("\nIt takes no arguments.\n")
		return b.String()
	}
	b.WriteString("\nIt takes no arguments. Each input is a variable, INPUT_ and the name in capitals with its dashes;\n" +
		"a shell sets one with env: env 'INPUT_NAME=VALUE' valetkey " + c.Name + "\n\n")
	for _, in := range schemaOf(*c.Action).Inputs {
		b.WriteString("  " + in.Name)
		if in.Default != "" {
			b.WriteString(" (default " + in.Default + ")")
		}
		b.WriteString("\n      " + in.Description + "\n")
		if in.Deprecated != "" {
			b.WriteString("      Deprecated. " + in.Deprecated + "\n")
		}
	}
	return b.String()
}

// parseFlags reads the arguments of a command that takes flags and at most a number
// of words. It tells whether the command is over, and with which exit code: help was
// asked for, or something is wrong.
func (p Process) parseFlags(flags *flag.FlagSet, args []string, words int) (code int, over bool) {
	flags.SetOutput(io.Discard) // the package would repeat what may be a secret
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(p.Stdout)
		c, _ := find(flags.Name())
		fmt.Fprintf(p.Stdout, "usage: valetkey %s [flags]\n\n  %s\n\n", c.Name, c.Summary)
		flags.PrintDefaults()
		return exitOK, true
	case err != nil:
		return p.misuse(flags.Name()+": "+wrongFlag(err), "valetkey "+flags.Name()+" -h lists its flags"), true
	case emptyFlag(flags) != "":
		problem := flags.Name() + ": -" + emptyFlag(flags) + " is given, and empty"
		return p.misuse(problem, "give it a value, or leave it out: only what is left out has a default"), true
	case flags.NArg() > words:
		problem := flags.Name() + " takes flags, and " + actions.Quote(flags.Arg(words)) + " is none"
		return p.misuse(problem, "valetkey "+flags.Name()+" -h lists its flags"), true
	}
	return exitOK, false
}

// emptyFlag names a flag that was given without a value, as by a variable of a shell
// that is not set.
func emptyFlag(flags *flag.FlagSet) (name string) {
	flags.Visit(func(f *flag.Flag) {
		if name == "" && strings.TrimSpace(f.Value.String()) == "" {
			name = f.Name
		}
	})
	return name
}

// wrongFlag is what the flag package found wrong, without what may be a secret.
func wrongFlag(err error) string {
	for _, problem := range []string{"flag provided but not defined: ", "flag needs an argument: ", "bad flag syntax: "} {
		if name, ok := strings.CutPrefix(err.Error(), problem); ok {
			return problem + actions.Quote(name)
		}
	}
	return "the value of a flag is wrong"
}
