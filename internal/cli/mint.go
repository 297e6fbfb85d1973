package cli

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/githubapp"
)

const (
	// mintTime is all a step may take that waits for GitHub, and the end of it is for
	// what comes last: the grace of a mint in flight, and taking back what it made.
	mintTime = 60 * time.Second
	lastTime = 5 * time.Second

	// takeBackTime is all that undoing a mint may take in a step that is being
	// cancelled. With the grace of a mint in flight it stays under the five seconds
	// that such a step has.
	takeBackTime = 2 * time.Second
)

// errMinute is why a step that took too long came to its end.
var errMinute = errors.New("the minute that this step waits for GitHub is over")

// inTime bounds what a step does, so that it ends within the minute that it promises.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, mintTime-lastTime, errMinute)
}

// stopped tells why a step may not go on: its time is up, or somebody cancelled it.
func stopped(ctx context.Context) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return actions.Fault{Problem: context.Cause(ctx).Error() + ", and the token that it brought is not handed out", Cure: "run the job again"}
	}
	return errors.New("the step was cancelled")
}

// State that main leaves to post.
const (
	stateToken   = "token"
	stateExpires = "expires-at"
	stateHost    = "github-api-url"
	stateSkew    = "clock-difference" // how far GitHub's clock is ahead of this machine's

	stateInsecure = "insecure-http"

	stateRefresh  = "refresh-directory"
	stateIdentity = "refresh-identity"
)

// mint is the main stage of the root action: one token, minted, masked and
// handed to later steps.
func (p Process) mint(ctx context.Context) int {
	r := p.runner()
	req, err := p.parseMint(r, p.inputs(r, ""))
	if err != nil {
		return exitCode(r, err)
	}
	if req.Skip {
		r.Notice("no token: private-key is empty and on-missing-key is skip. " +
			"Secrets are not available to pull requests from forks, nor to Dependabot but for its own")
		r.Info("nothing is minted")
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
	ctx, cancel := inTime(ctx)
	defer cancel()

	m, err := p.obtain(ctx, r, api, req)
	if err != nil {
		return err
	}
	handed := false
	defer func() { // also when the program fails itself
		if !handed {
			takeBack(ctx, r, api, m.Token)
		}
	}()
	err = p.handOver(ctx, r, api, m)
	handed = err == nil
	return err
}

// minted is a request that was met.
type minted struct {
	mintRequest
	Installation githubapp.Installation
	Token        githubapp.Token
}

// obtain finds the installation and mints. Patterns of repositories become names.
func (p Process) obtain(ctx context.Context, r *actions.Runner, api *githubapp.API, req mintRequest) (m minted, err error) {
	m = minted{mintRequest: req, Installation: githubapp.Installation{ID: req.InstallationID}}
	app, err := api.App(req.Issuer, req.Key)
	if err != nil {
		return m, err
	}
	switch {
	case m.Installation.ID == 0:
		m.Installation, err = app.Installation(ctx, req.Target)
	case req.Scope.AllRepositories: // GitHub names no repository of such a token, and so no owner
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
	if m.Installation.AppSlug == "" && req.Loan.wantsBot() {
		if m.Installation.AppSlug, err = app.Slug(ctx); err != nil {
			return m, err
		}
	}
	m.Token, err = app.Mint(ctx, m.Installation, m.Scope)
	return m, notGranted(err, m.Scope.Permissions)
}

// matching gives the repositories that the request's patterns mean.
func matching(ctx context.Context, r *actions.Runner, app *githubapp.App, m minted) ([]string, error) {
	have, err := app.Repositories(ctx, m.Installation)
	if err != nil {
		return nil, err
	}
	names, err := m.Patterns.expand(have, m.Archived)
	if err == nil {
		r.Info("the patterns match %d of %d repositories: %s", len(names), len(have), joined(names))
	}
	return names, err
}

// handOver gives a token to the steps that follow. State comes first: whatever
// happens after it, the post stage revokes.
func (p Process) handOver(ctx context.Context, r *actions.Runner, api *githubapp.API, m minted) error {
	m.Host.Skew = api.Skew()
	if r.HasState() { // post decides whether it is kept
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
	bot, err := m.Loan.identify(ctx, r, api, opened)
	if err != nil {
		return err
	}
	lent, err := p.lendMinted(ctx, r, api, m, bot)
	if err != nil {
		return err
	}
	sealed, err := envelope.Seal(opened, m.Recipients, append(r.Masked(), m.NoMask...))
	if err != nil {
		return err
	}
	pairs := append(tokenOutputs(opened), actions.Pair{Name: "encrypted-token", Value: sealed})
	pairs = append(pairs, lent...)
	if m.Encrypted {
		pairs = without(pairs, "token")
	}
	if err := r.Output(pairs...); err != nil {
		return err
	}
	if len(m.Scope.Permissions) == 0 && !m.Wishes.All {
		r.Warning("%s", m.inherited())
	}
	m.describe(r)
	return nil
}

// lendMinted sets later steps up, with a helper instead of the token where the job
// may outlive it.
func (p Process) lendMinted(
	ctx context.Context, r *actions.Runner, api *githubapp.API, m minted, bot *gitauth.Bot,
) ([]actions.Pair, error) {
	w := m.reach()
	if m.Loan.Git && w.All && m.Token.Selected {
		var err error
		if w, err = w.selected(ctx, api, m.Token.Value); err != nil {
			return nil, err
		}
	}
	if !m.Refresh {
		return m.Loan.give(r, m.Token.Value, w, bot, "")
	}
	d, env, err := p.refreshing(r, m, w)
	if err != nil {
		return nil, err
	}
	lent, err := m.Loan.give(r, m.Token.Value, w, bot, d.helper())
	if err == nil {
		err = r.Env(env...)
	}
	if err != nil {
		d.remove()
	}
	return append(lent, actions.Pair{Name: "refresh-directory", Value: filepath.Base(d.path)}), err
}

// payload is what travels encrypted: the token and all that is known about it.
func (m minted) payload() envelope.Payload {
	return envelope.Payload{
		Token: m.Token.Value, ExpiresAt: m.Token.ExpiresAt, APIURL: m.Host.URL,
		InstallationID: m.Installation.ID, AppSlug: m.Installation.AppSlug,
		Permissions: m.Token.Permissions, Repositories: m.repositories(),
	}
}

// repositories lists what the token opens. GitHub names none of them when it is
// all of an owner's; an enterprise has none of its own.
func (m minted) repositories() []string {
	switch {
	case !m.Token.AllRepositories:
		return append([]string{}, m.Token.Repositories...)
	case m.Target.Owner == "":
		return []string{}
	}
	return []string{m.owner() + "/*"}
}

// clockTime is a time as people read it in a log.
func clockTime(t time.Time) string { return t.UTC().Format("15:04 UTC") }
