package cli

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/wording"
)

// runPost is the stage after the job's last step. It revokes what the main
// stage left in the state. It never fails a job, because a token that cannot be
// revoked expires. It reads files last, since they may have been tampered with.
func runPost(ctx context.Context, p Process) int {
	r := p.runner()
	defer r.Finish()
	token := redact.New(r.State(stateToken))
	r.Mask(actions.Encodings(token)...)
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

// keepsToken reads skip-token-revoke as it is now: the runner evaluates the
// inputs again for the post stage, so a later step may have decided. A value
// that is not understood keeps no token. The decrypt action has no such input:
// its main stage only leaves a token that is to be revoked.
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

// connectSaved returns the API of the GitHub that the state names.
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

// endRefresh revokes the tokens that refresh minted besides that of the state,
// unless they are to be kept. It also removes the directory, in which the App's
// key lies. The api is nil if the state does not lead to GitHub.
func endRefresh(ctx context.Context, p Process, r *actions.Runner, api *githubapp.API, keep bool) {
	name := r.State(stateRefresh)
	if !strings.HasPrefix(name, refreshPrefix) || name != filepath.Base(name) {
		return
	}
	temp := p.Getenv("RUNNER_TEMP")
	if temp == "" { // without it, the path would be one in the workspace
		r.Warning("the files of refresh are left behind, and the tokens that it minted are not revoked: RUNNER_TEMP is not set")
		return
	}
	d := refreshDir{filepath.Join(temp, name)}
	defer d.remove()
	switch {
	case keep:
		return
	case api == nil:
		r.Warning("the tokens that refresh minted are not revoked, and live until they expire: " +
			"the saved state does not say at which github-api-url they were minted")
		return
	}
	s, err := d.load(redact.New(r.State(stateIdentity)))
	if err != nil {
		r.Warning("the tokens that refresh minted are not known, and live until they expire: %v", err)
		return
	}
	others := slices.DeleteFunc(s.Tokens, func(t liveToken) bool { return t.Value.Reveal() == r.State(stateToken) })
	endTokens(ctx, r, api, others...)
}

// endTokens revokes tokens, all at once, and logs what came of each.
func endTokens(ctx context.Context, r *actions.Runner, api *githubapp.API, tokens ...liveToken) {
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	outcomes, errs := make([]string, len(tokens)), make([]error, len(tokens))
	var all apicall.Group
	for i, t := range tokens {
		r.Mask(actions.Encodings(t.Value.String)...)
		all.Go(func() { outcomes[i], errs[i] = endToken(ctx, api, t.Value.String, t.Expires) })
	}
	all.Wait()
	for i, t := range tokens {
		switch err := errs[i]; {
		case err == nil:
			r.Info("%s", outcomes[i])
		case !t.Expires.IsZero() && api.Now().After(t.Expires):
			r.Info("the token could not be revoked, and expired at %s by itself: %s", wording.Clock(t.Expires), fault.Text(err))
		default:
			r.Warning("the token is not revoked%s: %s", livesUntil(t.Expires), fault.Text(err))
		}
	}
}

// livesUntil completes a sentence about a token that is not revoked.
func livesUntil(expires time.Time) string {
	if expires.IsZero() {
		return ""
	}
	return " and lives" + until(expires)
}

// until completes a sentence about a token that stays alive.
func until(expires time.Time) string {
	if expires.IsZero() {
		return ""
	}
	return " until " + wording.Clock(expires)
}
