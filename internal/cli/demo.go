//go:build !nodemo

package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/demo"
	"github.com/valetkey/valetkey/internal/wording"
)

// runDemo shows the product on this machine.
func runDemo(ctx context.Context, p Process, c command, args []string) int {
	flags := c.flagSet()
	o := demo.Options{Path: p.Getenv("PATH"), Out: p.Stdout, Paint: wording.Painter(p.Terminal, p.Getenv)}
	flags.BoolVar(&o.Serve, "serve", false, "keep the embedded GitHub running, and print the inputs to try it with")
	flags.StringVar(&o.Listen, "listen", "127.0.0.1:0", "the loopback `address` of the embedded GitHub")
	flags.StringVar(&o.Dir, "dir", "", "an existing `directory` for the key and the repositories; default: a temporary one")
	named := len(args) > 0 && !strings.HasPrefix(args[0], "-")
	if named { // the chapter comes first, and flags after it
		o.Chapter, args = args[0], args[1:]
	}
	if code, over := c.parseFlags(p, flags, args, 0); over {
		return code
	}
	all := strings.Join(demo.Chapters(), ", ")
	switch {
	case named && !slices.Contains(demo.Chapters(), o.Chapter):
		return misuse(p, "demo has no chapter "+actions.Quote(o.Chapter), "one of "+all+"; or none for all of them")
	case named && o.Serve:
		return misuse(p, "demo --serve has no chapters", "leave "+o.Chapter+" out: it prints the commands of all of them")
	}
	held, err := demo.Run(ctx, o)
	switch {
	case err != nil:
		return exitCode(p.runner(), err)
	case !held:
		return exitFailure
	}
	return exitOK
}
