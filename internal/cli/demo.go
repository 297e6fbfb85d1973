//go:build !nodemo

package cli

import (
	"context"

	"github.com/valetkey/valetkey/internal/demo"
)

// runDemo shows the product on this machine.
func runDemo(ctx context.Context, p Process, c command, args []string) int {
	flags := c.flagSet()
	o := demo.Options{Path: p.Getenv("PATH"), Out: p.Stdout}
	flags.BoolVar(&o.Serve, "serve", false, "keep the embedded GitHub running, and print the inputs to try it with")
	flags.StringVar(&o.Listen, "listen", "127.0.0.1:0", "the loopback `address` of the embedded GitHub")
	flags.StringVar(&o.Dir, "dir", "", "an existing `directory` for the key and the repositories; default: a temporary one")
	if code, over := c.parseFlags(p, flags, args, 0); over {
		return code
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
