package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/nearest"
	"github.com/valetkey/valetkey/internal/wording"
)

// table is a list of commands.
type table []command

// find returns the command of a name.
func (t table) find(name string) (command, bool) {
	i := slices.IndexFunc(t, func(c command) bool { return c.Name == name })
	if i < 0 {
		return command{}, false
	}
	return t[i], true
}

// unknown reports that no command has the name, and returns the exit code.
func (t table) unknown(p Process, name string) int {
	var names []string
	for _, c := range t {
		names = append(names, c.Name)
	}
	hint := "valetkey help lists the commands"
	if near := nearest.Word(strings.ToLower(name), names, 2); near != "" {
		hint = "did you mean " + near + "? valetkey help lists the commands"
	}
	return misuse(p, actions.Quote(name)+" is not a command", hint)
}

// usage returns the list of commands.
func (t table) usage() string {
	var b strings.Builder
	b.WriteString("usage: valetkey COMMAND\n\n" +
		"Actions, which read inputs from variables INPUT_…; COMMAND -h lists them\n\n")
	rows := func(actions bool) {
		for _, c := range t {
			if (c.Action != nil) == actions {
				b.WriteString(wording.Wrap(fmt.Sprintf("  %-15s  ", c.Name), strings.Repeat(" ", 19), c.Summary))
			}
		}
	}
	rows(true)
	b.WriteString("\nOthers\n\n")
	rows(false)
	b.WriteString("\nUnder the name \"post\" the program is the post stage of the actions.\n")
	return b.String()
}

// help prints the usage, or the help on one command.
func (t table) help(ctx context.Context, p Process, args []string) int {
	switch {
	case len(args) == 0 || len(args) == 1 && (isHelp(args[0]) || args[0] == "help"):
		fmt.Fprint(p.Stdout, t.usage())
		return exitOK
	case len(args) > 1:
		return misuse(p, "help takes one command, and "+actions.Quote(args[1])+" is a second one", "valetkey help COMMAND")
	}
	c, ok := t.find(args[0])
	if !ok {
		return t.unknown(p, args[0])
	}
	return c.run(ctx, p, []string{"-h"})
}
