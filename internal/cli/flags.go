package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
)

// parseFlags reads a command's flags and reports whether they are understood. Package
// flag repeats an argument that it does not know, which may be a key in the wrong
// place; here such a one is only counted.
func (p Process) parseFlags(flags *flag.FlagSet, args []string) bool {
	flags.SetOutput(io.Discard)
	usage := flags.Usage
	flags.Usage = func() {}
	err := flags.Parse(args)
	flags.Usage = usage
	flags.SetOutput(p.Stderr)
	switch what, argument, _ := strings.Cut(fmt.Sprint(err), ": "); {
	case err == nil:
		return true
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(p.Stdout)
	default:
		fmt.Fprintf(p.Stderr, "%s: %s\n", what, actions.Quote(argument))
	}
	flags.Usage()
	return false
}
