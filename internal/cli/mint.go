package cli

import (
	"context"
	"path/filepath"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/wording"
)

// runMint is the main stage of the root action: it mints one token, masks it
// and hands it to later steps.
func runMint(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs) error {
	ctx, cancel := inTime(ctx)
	defer cancel()
	req, err := parseMint(ctx, p, r, in)
	if err != nil {
		return err
	}
	defer closeKey(ctx, r, req.Key)
	if req.Skip {
		r.Notice("no token: there is no key to sign with, and on-missing-key is skip. " +
			"Pull requests from forks get no secrets and no OIDC token, and Dependabot gets only its own secrets")
		r.Info("nothing is minted")
		return nil
	}
	return mint(ctx, p, r, req)
}

// mint mints what a request asks for. A token that could not be handed over is
// taken back.
func mint(ctx context.Context, p Process, r *actions.Runner, req mintRequest) error {
	if err := r.CheckFiles(); err != nil {
		return err
	}
	for _, text := range req.Warnings {
		r.Warning("%s", text)
	}
	for _, text := range req.Notices {
		r.Notice("%s", text)
	}
	if len(req.Recipients) == 0 {
		r.Notice("encrypted-token is empty: a key that only signs opens nothing. For another job, " + nameRecipients)
	}
	api, err := p.connect(r, req.Host)
	if err != nil {
		return err
	}
	m, err := obtain(ctx, r, api, req)
	if err != nil {
		return err
	}
	handed := false
	defer func() { // after a panic too
		if !handed {
			takeBack(ctx, r, api, m.Token)
		}
	}()
	err = handOver(ctx, p, r, api, m)
	handed = err == nil
	return err
}

// obtain finds the installation and mints. It turns patterns of repositories
// into names.
func obtain(ctx context.Context, r *actions.Runner, api *githubapp.API, req mintRequest) (m minted, err error) {
	m = minted{mintRequest: req, Installation: githubapp.Installation{ID: req.InstallationID}}
	app, err := api.App(req.Issuer, req.Key)
	if err != nil {
		return m, err
	}
	switch {
	case m.Installation.ID == 0:
		m.Installation, err = app.Installation(ctx, req.Target)
	case req.Scope.AllRepositories: // GitHub names neither a repository of such a token nor its owner
		m.Installation, err = app.InstallationByID(ctx, req.InstallationID)
	}
	if err != nil {
		return m, err
	}
	if len(req.Patterns.Include) > 0 {
		if m.Scope.Repositories, err = matching(ctx, r, app, m); err != nil {
			return m, err
		}
	}
	if m.Installation.AppSlug == "" && req.JobEnv.wantsBot() {
		if m.Installation.AppSlug, err = app.Slug(ctx); err != nil {
			return m, err
		}
	}
	m.Token, err = app.Mint(ctx, m.Installation, m.Scope)
	return m, err
}

// mintAlone mints what a request asks for, where no step follows that could be
// set up. It leaves it to the caller to hand the token out.
func mintAlone(ctx context.Context, p Process, r *actions.Runner, req mintRequest) (minted, *githubapp.API, error) {
	api, err := p.connect(r, req.Host)
	if err != nil {
		return minted{}, nil, err
	}
	m, err := obtain(ctx, r, api, req)
	if err != nil {
		return minted{}, nil, err
	}
	handed := false
	defer func() { // after a panic too
		if !handed {
			takeBack(ctx, r, api, m.Token)
		}
	}()
	if m, err = m.located(ctx, r, api); err == nil {
		err = m.sameScope()
	}
	if err == nil && m.Verify {
		err = api.Verify(ctx, m.Token.Value)
	}
	if err == nil {
		err = stopped(ctx)
	}
	handed = err == nil
	return m, api, err
}

// matching returns the repositories that match the request's patterns.
func matching(ctx context.Context, r *actions.Runner, app *githubapp.App, m minted) ([]string, error) {
	have, err := app.Repositories(ctx, m.Installation)
	if err != nil {
		return nil, err
	}
	names, err := m.Patterns.expand(have, m.Archived)
	if err == nil {
		r.Info("the patterns match %d of %d repositories: %s", len(names), len(have), wording.Names(names))
	}
	return names, err
}

// handOver gives a token to the steps that follow. It saves the state first, so
// that the post stage revokes the token whatever happens next.
func handOver(ctx context.Context, p Process, r *actions.Runner, api *githubapp.API, m minted) error {
	m.Host.Skew = api.Skew()
	if r.HasState() { // the post stage decides whether the token is kept
		if err := saveToken(r, m.payload(), m.Host); err != nil {
			return err
		}
	}
	m, err := m.located(ctx, r, api)
	if err != nil {
		return err
	}
	if err := m.sameScope(); err != nil {
		return err
	}
	opened := m.payload()
	if m.Verify {
		if err := api.Verify(ctx, m.Token.Value); err != nil {
			return err
		}
	}
	if err := stopped(ctx); err != nil {
		return err
	}
	bot, err := m.JobEnv.identify(ctx, r, api, opened)
	if err != nil {
		return err
	}
	lent, err := setUpMinted(ctx, p, r, api, m, bot)
	if err != nil {
		return err
	}
	sealed := ""
	if len(m.Recipients) > 0 {
		if sealed, err = envelope.Seal(opened, m.Recipients, append(r.Masked(), m.NoMask...)); err != nil {
			return err
		}
	}
	pairs := append(tokenOutputs(opened), actions.Pair{Name: "encrypted-token", Value: sealed})
	pairs = append(pairs, lent...)
	if m.Encrypted {
		pairs = without(pairs, "token")
	}
	if err := r.Output(pairs...); err != nil {
		return err
	}
	if len(m.Scope.Permissions) == 0 && !m.Asked.All {
		r.Warning("%s", m.inherited())
	}
	m.describe(r)
	return nil
}

// setUpMinted sets up later steps. If the job may outlive the token, they get a
// credential helper in its place.
func setUpMinted(
	ctx context.Context, p Process, r *actions.Runner, api *githubapp.API, m minted, bot *gitauth.Bot,
) ([]actions.Pair, error) {
	w := m.reach()
	if m.JobEnv.Git && w.All && m.Token.Selected {
		var err error
		if w, err = w.selected(ctx, api, m.Token.Value); err != nil {
			return nil, err
		}
	}
	if !m.Refresh {
		return m.JobEnv.export(r, m.Token.Value, w, bot, "")
	}
	d, env, err := startRefresh(r, p.Getenv("RUNNER_TEMP"), m, w)
	if err != nil {
		return nil, err
	}
	lent, err := m.JobEnv.export(r, m.Token.Value, w, bot, d.helper())
	if err == nil {
		err = r.Env(env...)
	}
	if err != nil {
		d.remove()
	}
	return append(lent, actions.Pair{Name: "refresh-directory", Value: filepath.Base(d.path)}), err
}
