package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
)

const (
	// mintTime is all a mint may take, waits included.
	mintTime = 60 * time.Second

	// takeBackTime is all that undoing a mint may take. With the grace of a mint
	// in flight it stays under the five seconds that a cancelled step has.
	takeBackTime = 2 * time.Second
)

// State that main leaves to post.
const (
	stateToken   = "token"
	stateExpires = "expires-at"
	stateHost    = "github-api-url"

	stateRefresh  = "refresh-directory"
	stateIdentity = "refresh-identity"
)

// mint is the main stage of the root action: one token, minted, masked and
// handed to later steps.
func (p Process) mint(ctx context.Context) int {
	r := p.runner()
	req, err := p.parseMint(r, r.Inputs(p.schema("")))
	if err != nil {
		return exitCode(r, err)
	}
	if req.Skip {
		r.Notice("no token: private-key is empty and on-missing-key is skip. Secrets are not available to pull requests from forks, nor to Dependabot but for its own")
		return exitOK
	}
	return exitCode(r, p.mintFor(ctx, r, req))
}

func (p Process) mintFor(ctx context.Context, r *actions.Runner, req mintRequest) error {
	if err := r.Ready(); err != nil {
		return err
	}
	for _, text := range req.Warnings {
		r.Warning("%s", text)
	}
	for _, text := range req.Notices {
		r.Notice("%s", text)
	}
	api, err := p.connect(r, req.Host)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, mintTime)
	defer cancel()

	installation, token, err := p.obtain(ctx, r, api, &req)
	if err != nil {
		return err
	}
	if err := p.handOver(ctx, r, api, req, installation, token); err != nil {
		takeBack(ctx, r, api, token)
		return err
	}
	return nil
}

// obtain finds the installation and mints. The request's patterns become names.
func (p Process) obtain(ctx context.Context, r *actions.Runner, api *githubapp.API, req *mintRequest) (githubapp.Installation, githubapp.Token, error) {
	app, err := api.App(req.Issuer, req.Key)
	if err != nil {
		return githubapp.Installation{}, githubapp.Token{}, err
	}
	installation := githubapp.Installation{ID: req.InstallationID}
	if installation.ID == 0 {
		if installation, err = app.Installation(ctx, req.Target); err != nil {
			return installation, githubapp.Token{}, err
		}
	}
	if len(req.Patterns.Include) > 0 {
		if req.Scope.Repositories, err = matching(ctx, r, app, installation, *req); err != nil {
			return installation, githubapp.Token{}, err
		}
	}
	if installation.AppSlug == "" && req.Loan.wantsBot() {
		if installation.AppSlug, err = app.Slug(ctx); err != nil {
			return installation, githubapp.Token{}, err
		}
	}
	token, err := app.Mint(ctx, installation, req.Scope)
	if err != nil {
		return installation, token, notGranted(err, *req)
	}
	return installation, token, nil
}

// matching gives the repositories that the request's patterns mean.
func matching(ctx context.Context, r *actions.Runner, app *githubapp.App, installation githubapp.Installation, req mintRequest) ([]string, error) {
	have, err := app.Repositories(ctx, installation)
	if err != nil {
		return nil, err
	}
	names, err := req.Patterns.expand(have, req.Archived)
	if err == nil {
		r.Info("the patterns match %d of %d repositories: %s", len(names), len(have), strings.Join(shortened(names), ", "))
	}
	return names, err
}

// handOver gives a token to the steps that follow. State comes first: whatever
// happens after it, the post stage revokes.
func (p Process) handOver(ctx context.Context, r *actions.Runner, api *githubapp.API, req mintRequest, installation githubapp.Installation, token githubapp.Token) error {
	if !req.KeepToken && r.HasState() {
		if err := saveToken(r, payload(req, installation, token), req.Host); err != nil {
			return err
		}
	}
	if err := sameScope(req, token); err != nil {
		return err
	}
	if req.Verify {
		if err := api.Verify(ctx, token.Value); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("the step was cancelled")
	}
	opened := payload(req, installation, token)
	bot, err := req.Loan.identify(ctx, r, api, opened)
	if err != nil {
		return err
	}
	lent, err := p.lendMinted(r, req, installation, token, bot)
	if err != nil {
		return err
	}
	sealed, err := envelope.Seal(opened, req.Recipients, append(r.Masked(), req.NoMask...))
	if err != nil {
		return err
	}
	pairs := append(tokenOutputs(opened), actions.Pair{Name: "encrypted-token", Value: sealed})
	pairs = append(pairs, lent...)
	if req.Encrypted {
		pairs = without(pairs, "token")
	}
	if err := r.Output(pairs...); err != nil {
		return err
	}
	if len(req.Scope.Permissions) == 0 {
		r.Warning("%s", inherited(token))
	}
	describe(r, req, installation, token)
	return nil
}

// lendMinted sets later steps up, with a helper instead of the token where the job
// may outlive it.
func (p Process) lendMinted(r *actions.Runner, req mintRequest, installation githubapp.Installation, token githubapp.Token, bot *gitauth.Bot) ([]actions.Pair, error) {
	opened := payload(req, installation, token)
	if !req.Refresh {
		return req.Loan.give(r, opened, bot, "")
	}
	d, env, err := p.refreshing(r, req, installation, token)
	if err != nil {
		return nil, err
	}
	lent, err := req.Loan.give(r, opened, bot, d.helper())
	if err == nil {
		err = r.Env(env...)
	}
	if err != nil {
		d.remove()
	}
	return append(lent, actions.Pair{Name: "refresh-directory", Value: filepath.Base(d.path)}), err
}

// sameScope holds what was granted against what was asked for.
func sameScope(req mintRequest, token githubapp.Token) error {
	missing, extra := token.Differs(req.Target.Owner, req.Scope)
	if len(req.Scope.Permissions) > 0 {
		less, more := permission.Compare(req.Scope.Permissions, token.Permissions)
		missing, extra = append(missing, less...), append(extra, more...)
	}
	var parts []string
	if len(missing) > 0 {
		parts = append(parts, "it lacks "+strings.Join(missing, ", "))
	}
	if len(extra) > 0 {
		parts = append(parts, "it goes beyond with "+strings.Join(extra, ", "))
	}
	if len(parts) == 0 {
		return nil
	}
	return actions.Fault{
		Problem: "GitHub granted another scope than was asked for: " + strings.Join(parts, "; "),
		Cure:    "the token was not handed out; check github-api-url, and whether a repository was renamed",
	}
}

// notGranted says which of the permissions asked for the installation lacks.
func notGranted(err error, req mintRequest) error {
	var e *githubapp.Error
	if !errors.As(err, &e) || e.Installation == nil {
		return err
	}
	if missing, _ := permission.Compare(req.Scope.Permissions, e.Installation.Permissions); len(missing) > 0 {
		e.Cure = fmt.Sprintf("the installation lacks %s. Add it in the App's settings, have an owner accept it at %s, or ask for less", strings.Join(missing, ", "), e.Installation.Page)
	}
	return err
}

// takeBack revokes a token that was not handed out, also when the step is being
// cancelled.
func takeBack(ctx context.Context, r *actions.Runner, api *githubapp.API, token githubapp.Token) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTime)
	defer cancel()
	if _, err := api.Revoke(ctx, token.Value); err != nil {
		r.Warning("the token that was minted is still alive, until %s: %v", clockTime(token.ExpiresAt), err)
		return
	}
	r.Info("the token that was minted is revoked")
}

// payload is what travels encrypted: the token and all that is known about it.
func payload(req mintRequest, installation githubapp.Installation, token githubapp.Token) envelope.Payload {
	return envelope.Payload{
		Token: token.Value, ExpiresAt: token.ExpiresAt, APIURL: req.Host.URL, InstallationID: installation.ID, AppSlug: installation.AppSlug,
		Permissions: token.Permissions, Repositories: repositories(req, token),
	}
}

// repositories lists what a token opens. GitHub names none of them when it is
// all of an owner's; an enterprise has none of its own.
func repositories(req mintRequest, token githubapp.Token) []string {
	switch {
	case !token.AllRepositories:
		return append([]string{}, token.Repositories...)
	case req.Target.Owner == "":
		return []string{}
	}
	return []string{req.Target.Owner + "/*"}
}

// clockTime is a time as people read it in a log.
func clockTime(t time.Time) string { return t.UTC().Format("15:04 UTC") }
