package cli

import (
	"context"
	"io"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/redact"
)

// runToken prints the job's token, freshly minted where the old one nears its end.
//
// Whoever takes it may print it, so the runner is told of one that it has not been
// told of: once, and only where standard error can be the log of the step. In a file
// or a device nobody reads the command, and the token would stay there.
func runToken(ctx context.Context, p Process, _ command, _ []string) int {
	r := p.plain()
	d, ok := ownRefreshDir()
	if !ok {
		return exitCode(r, actions.Fault{
			Problem: "there is no token to print here",
			Cure:    `run it from where a step with refresh: true put it: "$RUNNER_TEMP/${{ steps.ID.outputs.refresh-directory }}/valetkey" token`,
		})
	}
	var announce func(redact.String)
	if p.StderrPiped {
		announce = func(token redact.String) { actions.New(p.Stderr, p.Getenv).Mask(actions.Forms(token)...) }
	}
	token, err := currentToken(ctx, p, r, d, announce)
	if err != nil {
		return exitCode(r, err)
	}
	if _, err := io.WriteString(p.Stdout, token.Value.Reveal()+"\n"); err != nil {
		return exitCode(r, err)
	}
	return exitOK
}
