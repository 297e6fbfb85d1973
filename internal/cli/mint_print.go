package cli

import (
	"context"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/wording"
)

// runMintPrint is mint for the shell of a person: the token is all that it
// writes to standard output. It keeps nothing, so nobody revokes the token.
//
// In a step of a workflow, standard output is the log, or a variable whose
// value no mask hides in it. There it mints nothing.
func runMintPrint(ctx context.Context, p Process, _ command, args []string) int {
	if len(args) > 0 {
		return misuse(p, "mint "+printFlag+" takes no further arguments, and "+actions.Quote(args[0])+" is one: nothing is done",
			"its inputs are variables, such as INPUT_CLIENT-ID; valetkey mint -h lists them")
	}
	r := p.plain()
	if value := r.Variable("GITHUB_ACTIONS"); value != "" && !strings.EqualFold(value, "false") {
		return exitCode(r, &fault.Error{
			Problem: "mint " + printFlag + " is for a shell, and GITHUB_ACTIONS says that this is a step of a workflow: nothing is minted",
			Hint: "use valetkey/valetkey as a step: its output token is masked, and revoked when the job ends; " +
				"at a shell, unset GITHUB_ACTIONS",
		})
	}
	return exitCode(r, printMinted(ctx, p, r))
}

// printMinted mints what the inputs ask for and prints the token. One that
// could not be printed is taken back.
func printMinted(ctx context.Context, p Process, r *actions.Runner) error {
	ctx, cancel := inTime(ctx)
	defer cancel()
	in := p.inputs(r, "")
	refuseSetUp(p, in)
	req, err := parseMint(ctx, p, r, in)
	if err != nil {
		return err
	}
	defer closeKey(ctx, r, req.Key)
	for _, text := range req.Warnings {
		r.Warning("%s", text)
	}
	for _, text := range req.Notices {
		r.Notice("%s", text)
	}
	m, api, err := mintAlone(ctx, p, r, req)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGPIPE) // a reader that is gone is an error like any other, and does not end this program
	if _, err := io.WriteString(p.Stdout, m.Token.Value.Reveal()+"\n"); err != nil {
		takeBack(ctx, r, api, m.Token)
		return fault.New("the token can't be printed: "+err.Error(), "")
	}
	if len(m.Scope.Permissions) == 0 && !m.Asked.All {
		r.Warning("%s", m.inherited())
	}
	r.Info("%s", m.line())
	r.Info("nothing revokes it: it works until %s. To end it sooner: INPUT_TOKEN=\"$TOKEN\" valetkey revoke",
		wording.Clock(m.Token.ExpiresAt))
	return nil
}

// refuseSetUp notes a fault for each input about what follows a mint in a job:
// other steps, other jobs and the end of it. Nothing follows here.
func refuseSetUp(p Process, in *actions.Inputs) {
	for _, name := range []string{
		"git", "gh", "export-env", "bot-identity", "refresh", "recipients", "passphrase", "plaintext-output", "skip-token-revoke",
		"on-missing-key", "summary",
	} {
		if p.Getenv("INPUT_"+strings.ToUpper(name)) != "" {
			in.Fault(name, "is not for mint "+printFlag+", which prints a token and does nothing else", "leave it out")
		}
	}
}
