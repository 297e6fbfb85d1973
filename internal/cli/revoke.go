package cli

import (
	"context"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// revoke is the revoke action: end a token now. That it is over already is as
// good.
func (p Process) revoke(ctx context.Context) int {
	r := p.runner()
	in := p.inputs(r, "revoke")
	token := redact.New(in.String("token"))
	r.Mask(actions.Forms(token)...)
	req := decryptRequest{Line: in.String("encrypted-token"), Host: parseHost(r, in)}
	req.Allowed = parseAllowed(in, req.Host)
	plain := envelope.Payload{Token: token}
	switch {
	case token.Empty() && req.Line == "":
		in.Fault("token", "is empty, and so is encrypted-token", "give one of them; where there may be no token, ask first: if: always() && needs.mint.outputs.encrypted-token != ''")
	case !token.Empty() && req.Line != "":
		in.Fault("token", "can't be used with encrypted-token", "give one of them")
	case token.Empty():
		req.Identities = parseIdentities(r, in)
	}
	if problem, cure := notRevocable(token.Reveal()); !token.Empty() && problem != "" {
		in.Fault("token", problem, cure)
	}
	if err := in.Err(); err != nil {
		return exitCode(r, err)
	}
	if token.Empty() {
		var err error
		if plain, err = open(r, in, req); err != nil {
			return exitCode(r, err)
		}
		if plain.Token.Empty() {
			in.Fault("encrypted-token", "holds values, and no token", "pass the output encrypted-token of valetkey")
			return exitCode(r, in.Err())
		}
		if problem, _ := notRevocable(plain.Token.Reveal()); problem != "" {
			in.Fault("encrypted-token", "holds what "+problem, "pass the output encrypted-token of valetkey")
			return exitCode(r, in.Err())
		}
	}
	return exitCode(r, p.end(ctx, r, plain, req))
}

// end revokes a token at the step's GitHub, whatever any clock says of it.
func (p Process) end(ctx context.Context, r *actions.Runner, token envelope.Payload, req decryptRequest) error {
	h, err := req.peer(token)
	if err != nil {
		return err
	}
	api, err := p.connect(r, h)
	if err != nil {
		return err
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	gone, err := api.Revoke(ctx, token.Token)
	if err == nil {
		r.Info("%s", ended(api, gone, token.ExpiresAt))
	}
	return err
}

// ended says what came of a revocation.
func ended(api *githubapp.API, gone bool, expires time.Time) string {
	switch {
	case !gone:
		return "the token is revoked"
	case !expires.IsZero() && api.Now().After(expires):
		return "the token was gone already: it expired at " + clockTime(expires)
	}
	return "the token was gone already"
}
