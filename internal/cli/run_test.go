package cli

import (
	"context"
	"fmt"
)

// run runs a command as [Main] does, but without signals and without a guard, and
// returns its exit code. The word post means the post stage.
func run(ctx context.Context, p Process, name string, args ...string) int {
	if name == "post" {
		return runPost(ctx, p)
	}
	c, ok := commands().find(name)
	if !ok {
		panic(fmt.Sprintf("no command is called %s", name))
	}
	return c.run(ctx, p, args)
}
