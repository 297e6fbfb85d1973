package cli

import (
	"context"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/redact"
)

// postTime is all that the post stage may take.
const postTime = 15 * time.Second

// post is the stage after the job's last step: it revokes what main left in its
// state. It never fails a job: a token that can't be revoked expires.
func (p Process) post(ctx context.Context) int {
	r := p.runner()
	token := redact.New(r.State(stateToken))
	if token.Empty() {
		r.Info("there is no token to revoke")
		return exitOK
	}
	r.Mask(actions.Forms(token)...)
	for _, t := range p.endRefresh(r) {
		if t.Value != token.Reveal() {
			r.Mask(actions.Forms(redact.New(t.Value))...)
			p.revokeLast(ctx, r, t)
		}
	}
	expires, err := time.Parse(time.RFC3339, r.State(stateExpires))
	if err == nil && time.Now().After(expires) {
		r.Info("the token expired at %s: there is nothing to revoke", clockTime(expires))
		return exitOK
	}
	api, err := p.connect(r, host{URL: r.State(stateHost), Roots: []byte(r.Inputs(p.schema("")).String("ca-bundle"))})
	if err != nil {
		r.Warning("the token is not revoked%s: github-api-url in the saved state %v", livesUntil(expires), err)
		return exitOK
	}
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	gone, err := api.Revoke(ctx, token)
	switch {
	case err != nil:
		r.Warning("the token is not revoked%s: %s", livesUntil(expires), actions.Text(err))
	case gone:
		r.Info("the token was gone already")
	default:
		r.Info("the token is revoked")
	}
	return exitOK
}

// revokeLast ends a token that refresh minted.
func (p Process) revokeLast(ctx context.Context, r *actions.Runner, t liveToken) {
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	api, err := p.connect(r, host{URL: r.State(stateHost), Roots: []byte(r.Inputs(p.schema("")).String("ca-bundle"))})
	if err == nil {
		_, err = api.Revoke(ctx, redact.New(t.Value))
	}
	if err != nil {
		r.Warning("a refreshed token is not revoked%s: %s", livesUntil(t.Expires), actions.Text(err))
		return
	}
	r.Info("a refreshed token is revoked")
}

func livesUntil(expires time.Time) string {
	if expires.IsZero() {
		return ""
	}
	return " and lives until " + clockTime(expires)
}
