package cli

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// runPost is the stage after the job's last step: it revokes what main left in its
// state. It never fails a job: a token that can't be revoked expires. Files come
// after the token: they may have been tampered with since.
func runPost(ctx context.Context, p Process) int {
	r := p.runner()
	defer r.Finish()
	token := redact.New(r.State(stateToken))
	r.Mask(actions.Forms(token)...)
	keep := keepsToken(p, r)
	api, err := connectSaved(p, r)
	t := liveToken{Value: storedSecret{token}, Expires: stateTime(r)}
	switch {
	case token.Empty():
		r.Info("there is no token to revoke")
	case keep:
		r.Info("the token is left alive%s: skip-token-revoke is true", until(t.Expires))
	case err != nil:
		r.Warning("the token is not revoked%s: github-api-url in the saved state %v", livesUntil(t.Expires), err)
	default:
		endTokens(ctx, r, api, t)
	}
	endRefresh(ctx, p, r, api, keep)
	return exitOK
}

// keepsToken reads skip-token-revoke as it is now: the runner evaluates the inputs
// anew for the post stage, so that a later step may have decided. What is not
// understood keeps nothing alive. The decrypt action has no such input: its main
// stage leaves no token that is not to be revoked.
func keepsToken(p Process, r *actions.Runner) bool {
	if len(p.Args) > 1 && p.Args[1] != "mint" {
		return false
	}
	in := r.Inputs(schemaOf(""), nil)
	keep := in.Bool("skip-token-revoke")
	if err := in.Err(); err != nil {
		r.Warning("the token is revoked: %v", err)
		return false
	}
	return keep
}

// connectSaved opens the way to the GitHub of the state.
func connectSaved(p Process, r *actions.Runner) (*githubapp.API, error) {
	skew, err := time.ParseDuration(r.State(stateSkew))
	if err != nil {
		skew = 0 // none was measured
	}
	return p.connect(r, host{
		URL: r.State(stateHost), Roots: []byte(r.Inputs(schemaOf(""), nil).String("ca-bundle")),
		InsecureHTTP: r.State(stateInsecure) == "true", Skew: skew,
	})
}

// endRefresh revokes what refresh made beside the token of the state, unless it is to be
// kept, and removes the directory, in which the App's key lies. Without an api there is
// no way to GitHub.
func endRefresh(ctx context.Context, p Process, r *actions.Runner, api *githubapp.API, keep bool) {
	name := r.State(stateRefresh)
	if !strings.HasPrefix(name, refreshPrefix) || name != filepath.Base(name) {
		return
	}
	temp := p.Getenv("RUNNER_TEMP")
	if temp == "" { // a path without it would be one of the workspace
		r.Warning("the files of refresh are left behind, and what it minted is not revoked: RUNNER_TEMP is not set")
		return
	}
	d := refreshDir{filepath.Join(temp, name)}
	defer d.remove()
	switch {
	case keep:
		return
	case api == nil:
		r.Warning("what refresh minted is not revoked, and lives until it expires: " +
			"the saved state does not say at which github-api-url it was minted")
		return
	}
	s, err := d.load(redact.New(r.State(stateIdentity)))
	if err != nil {
		r.Warning("what refresh minted is not known, and lives until it expires: %v", err)
		return
	}
	others := slices.DeleteFunc(s.Tokens, func(t liveToken) bool { return t.Value.Reveal() == r.State(stateToken) })
	endTokens(ctx, r, api, others...)
}

// endTokens revokes tokens, all at once, and says of each what came of it. Each is
// sent to GitHub, whatever a clock says of it: GitHub says of one that expired that it
// is gone.
func endTokens(ctx context.Context, r *actions.Runner, api *githubapp.API, tokens ...liveToken) {
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	outcomes, errs := make([]string, len(tokens)), make([]error, len(tokens))
	var all apicall.Group
	for i, t := range tokens {
		r.Mask(actions.Forms(t.Value.String)...)
		all.Go(func() { outcomes[i], errs[i] = endToken(ctx, api, t.Value.String, t.Expires) })
	}
	all.Wait()
	for i, t := range tokens {
		switch err := errs[i]; {
		case err == nil:
			r.Info("%s", outcomes[i])
		case !t.Expires.IsZero() && api.Now().After(t.Expires):
			r.Info("the token could not be revoked, and expired at %s by itself: %s", clockTime(t.Expires), actions.Text(err))
		default:
			r.Warning("the token is not revoked%s: %s", livesUntil(t.Expires), actions.Text(err))
		}
	}
}

func livesUntil(expires time.Time) string {
	if expires.IsZero() {
		return ""
	}
	return " and lives" + until(expires)
}

func until(expires time.Time) string {
	if expires.IsZero() {
		return ""
	}
	return " until " + clockTime(expires)
}
