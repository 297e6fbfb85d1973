//go:build !nodemo

package cli

import (
	"context"
	"flag"

	"github.com/valetkey/valetkey/internal/demo"
)

// demo shows the product on this machine.
func (p Process) demo(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	o := demo.Options{Path: p.Getenv("PATH"), Out: p.Stdout}
	flags.BoolVar(&o.Serve, "serve", false, "keep the embedded GitHub up and print the inputs to try it with")
	flags.StringVar(&o.Listen, "listen", "127.0.0.1:0", "the loopback `address` of the embedded GitHub")
	flags.StringVar(&o.Dir, "dir", "", "an existing `directory` for the key and the repositories; default: a temporary one")
	if code, over := p.parseFlags(flags, args, 0); over {
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
