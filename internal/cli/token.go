package cli

import (
	"context"
	"io"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// runToken prints the job's token, after minting another one if the last is
// about to expire.
//
// Its caller may print the token, so the runner is told of one that it does not
// know yet: once, and only if standard error may be the log of the step. Nobody
// reads such a command in a file or a device, and the token would stay there.
func runToken(ctx context.Context, p Process, _ command, _ []string) int {
	r := p.plain()
	d, ok := ownRefreshDir()
	if !ok {
		return exitCode(r, &fault.Error{
			Problem: "there is no token to print here",
			Hint: "run it from where a step with refresh: true put it: " +
				`"$RUNNER_TEMP/${{ steps.ID.outputs.refresh-directory }}/valetkey" token`,
		})
	}
	var announce func(redact.String)
	if p.StderrPiped {
		announce = func(token redact.String) { actions.New(p.Stderr, p.Getenv).Mask(actions.Encodings(token)...) }
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
