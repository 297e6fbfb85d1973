package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/pat"
)

// runExplainPAT is the command pats explain TOKEN_ID. It takes the inputs of the
// action, and says which rule decides about one token.
func runExplainPAT(ctx context.Context, p Process, c command, args []string) int {
	switch {
	case len(args) == 1 && isHelp(args[0]):
		fmt.Fprint(p.Stdout, "usage: valetkey pats explain TOKEN_ID\n\n  say which rule decides about a token, and why\n\n"+
			"It takes the inputs of pats as variables; valetkey pats -h lists them.\n")
		return exitOK
	case len(args) != 1:
		return misuse(p, "pats explain takes the id of one token", "give token_id of the report file: valetkey pats explain 98716")
	}
	id, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil || id <= 0 {
		return misuse(p, actions.Quote(args[0])+" is not the id of a token", "give token_id of the report file, a number")
	}
	r := p.runner()
	return exitCode(r, explainPAT(ctx, p, r, p.inputs(r, *c.Action), id))
}

// explainPAT prints how the policy judges one token. It changes nothing.
func explainPAT(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs, id int64) error {
	req, err := parsePATs(ctx, p, r, in)
	defer closeKey(ctx, r, req.Credentials.Key)
	if err != nil {
		return err
	}
	if req.RevokeOwner != "" || req.ClassicReport || in.String("leaked") != "" {
		return fault.New("pats explain asks the policy, and another thing was asked for as well",
			"take out leaked, revoke-owner and classic-report")
	}
	req.DryRun = true
	api, err := p.connect(r, req.Credentials.Host)
	if err != nil {
		return err
	}
	f, err := newFleet(r, api, req.Credentials, req.Points)
	if err != nil {
		return err
	}
	defer f.Close(ctx)
	decisions, err := newPATEngine(ctx, r, f, api, req).Explain(ctx, id)
	for i := range decisions {
		r.Info("%s", judgement(&decisions[i]))
	}
	return err
}

// judgement tells how the policy judges a token: what it decides, and how each
// rule that it asked came out.
func judgement(d *pat.Decision) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d of %s in %s: %s", d.Token.Kind, d.Token.ID, actions.Quote(d.Token.Owner), d.Token.Organization, d.Action)
	if why := d.Why(); why != "" {
		b.WriteString(", " + why)
	}
	if d.Audit {
		b.WriteString(" (audit: nothing is changed)")
	}
	for _, step := range d.Steps {
		fmt.Fprintf(&b, "\n  %s: %s", step.Rule, verdict(step.Answer))
		for _, part := range step.Parts {
			fmt.Fprintf(&b, "\n    %s: %s, %s", part.Text, verdict(part.Answer), part.Why)
		}
	}
	return b.String()
}

func verdict(a pat.Answer) string {
	switch a {
	case pat.Yes:
		return "yes"
	case pat.No:
		return "no"
	}
	return "not known"
}
