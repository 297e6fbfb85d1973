package cli

import (
	"context"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// postTime is all that the post stage may take.
const postTime = 15 * time.Second

// post is the stage after the job's last step: it revokes what main left in its
// state. It never fails a job: a token that can't be revoked expires.
func (p Process) post(ctx context.Context) int {
	r := p.runner()
	defer r.Finish()
	// Also where nothing is to be revoked: the App's key lies there.
	refreshed := p.endRefresh(r)
	token := redact.New(r.State(stateToken))
	if token.Empty() {
		r.Info("there is no token to revoke")
		return exitOK
	}
	expires, err := time.Parse(time.RFC3339, r.State(stateExpires))
	if err != nil {
		expires = time.Time{}
	}
	tokens := []liveToken{{Value: storedSecret{token}, Expires: expires}}
	for _, t := range refreshed {
		if t.Value.Reveal() != token.Reveal() {
			tokens = append(tokens, t)
		}
	}
	for _, t := range tokens {
		r.Mask(actions.Forms(t.Value.String)...)
	}
	api, err := p.connect(r, host{URL: r.State(stateHost), Roots: []byte(r.Inputs(p.schema(""), nil).String("ca-bundle"))})
	if err != nil {
		r.Warning("the token is not revoked%s: github-api-url in the saved state %v", livesUntil(expires), err)
		return exitOK
	}
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	for _, t := range tokens {
		endToken(ctx, r, api, t)
	}
	return exitOK
}

// endToken revokes one token, or says why there is no need to or no way.
func endToken(ctx context.Context, r *actions.Runner, api *githubapp.API, t liveToken) {
	if !t.Expires.IsZero() && time.Now().After(t.Expires) {
		r.Info("the token expired at %s: there is nothing to revoke", clockTime(t.Expires))
		return
	}
	gone, err := api.Revoke(ctx, t.Value.String)
	switch {
	case err != nil:
		r.Warning("the token is not revoked%s: %s", livesUntil(t.Expires), actions.Text(err))
	case gone:
		r.Info("the token was gone already")
	default:
		r.Info("the token is revoked")
	}
}

func livesUntil(expires time.Time) string {
	if expires.IsZero() {
		return ""
	}
	return " and lives until " + clockTime(expires)
}
