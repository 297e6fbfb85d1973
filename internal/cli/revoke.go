package cli

import (
	"context"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/redact"
)

// runRevoke is the revoke action: it revokes a token now.
func runRevoke(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs) error {
	token := redact.New(in.String("token"))
	r.Mask(actions.Encodings(token)...)
	line, h := in.String("encrypted-token"), parseHost(r, in)
	allowed := parseAllowed(in, h)
	var identities []envelope.Identity
	switch {
	case token.Empty() && line == "":
		in.Fault("token", "is empty, and so is encrypted-token",
			"give one of them; where there may be no token, ask first: if: always() && needs.mint.outputs.encrypted-token != ''")
	case !token.Empty() && line != "":
		in.Fault("token", "can't be used with encrypted-token", "give one of them")
	case token.Empty():
		identities = parseIdentities(r, in)
	}
	kind, problem, hint := endable(token.Reveal())
	if !token.Empty() && problem != "" {
		in.Fault("token", problem, hint)
	}
	if err := in.Err(); err != nil {
		return err
	}
	opened := envelope.Payload{Token: token}
	if token.Empty() {
		var err error
		if opened, err = openToken(r, in, line, identities); err != nil {
			return err
		}
	}
	h, err := tokenHost(h, allowed, opened)
	if err != nil {
		return err
	}
	api, err := p.connect(r, h)
	if err != nil {
		return err
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	var outcome string
	if kind.IsPersonal() {
		r.Info("revoking %s: it ends for its owner too, everywhere and for good", kind.WithArticle())
		outcome, err = endPersonal(ctx, api, opened.Token, kind)
	} else {
		outcome, err = endToken(ctx, api, opened.Token, opened.ExpiresAt)
	}
	if err == nil {
		r.Info("%s", outcome)
	}
	return err
}

// openToken opens an envelope that has to hold an installation token. Anybody
// may have put something else in, such as a token of a person, whose end is
// final.
func openToken(r *actions.Runner, in *actions.Inputs, line string, identities []envelope.Identity) (envelope.Payload, error) {
	opened, err := open(r, in, line, identities)
	if err != nil {
		return opened, err
	}
	if opened.Token.Empty() {
		in.Fault("encrypted-token", "holds values and not a token", "pass the output encrypted-token of valetkey")
	} else if kind, problem, _ := endable(opened.Token.Reveal()); kind != redact.InstallationToken {
		if problem == "" {
			problem = "is " + kind.WithArticle() + ", which no mint makes"
		}
		in.Fault("encrypted-token", "holds something that "+problem, "pass the output encrypted-token of valetkey")
	}
	return opened, in.Err()
}
