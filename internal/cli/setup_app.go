//go:build !nodemo

package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
	"github.com/valetkey/valetkey/internal/setup"
)

// newApp is an App on its way from a code to a token.
type newApp struct {
	api         *githubapp.API
	runner      *actions.Runner
	host        string         // of the website
	permissions permission.Set // asked for

	app          *githubapp.App // from register on
	installation githubapp.Installation
}

// register takes the App over, and hides its key before anything else.
func (n *newApp) register(ctx context.Context, code redact.String) (setup.App, error) {
	n.runner.Mask(code)
	ctx, cancel := inTime(ctx)
	defer cancel()
	made, err := n.api.Register(ctx, code)
	if err != nil {
		return setup.App{}, err
	}
	n.runner.Mask(actions.LongLines(made.Key)...)
	if !speaksID(made.ClientID) {
		return setup.App{}, fault.New("the App that GitHub made has no client id", "check github-api-url")
	}
	key, err := githubapp.ParseKey(made.Key)
	if err == nil {
		n.app, err = n.api.App(made.ClientID, key)
	}
	if err != nil {
		return setup.App{}, fmt.Errorf("the key of the App that GitHub made %w", err)
	}
	return setup.App(made), nil
}

// isInstalled asks GitHub whether the App is installed on its owner.
func (n *newApp) isInstalled(ctx context.Context, made setup.App) (found bool, err error) {
	ctx, cancel := inTime(ctx)
	defer cancel()
	n.installation, found, err = n.app.FindInstallation(ctx, githubapp.Target{Owner: made.Owner})
	return found, err
}

// mint mints for the new installation, which GitHub may not know everywhere
// yet.
func (n *newApp) mint(ctx context.Context, scope githubapp.Scope) (githubapp.Token, error) {
	const tries, pause = 4, 2 * time.Second
	for try := 1; ; try++ {
		token, err := n.app.Mint(ctx, n.installation, scope)
		var refused *githubapp.Error
		if !errors.As(err, &refused) || !refused.Final() || try == tries {
			return token, err
		}
		select {
		case <-ctx.Done():
			return token, err
		case <-time.After(pause):
		}
	}
}

// check mints a token with all that was asked for, compares, and revokes it.
func (n *newApp) check(ctx context.Context, _ setup.App) error {
	ctx, cancel := inTime(ctx)
	defer cancel()
	token, err := n.mint(ctx, githubapp.Scope{AllRepositories: true, Permissions: n.permissions})
	if err != nil {
		return err
	}
	if err := n.api.Discard(ctx, token.Value); err != nil {
		return fmt.Errorf("the token that was minted to try the App lives until %s: %w", token.ExpiresAt.Format(time.RFC3339), err)
	}
	if missing, extra := permission.Compare(n.permissions, token.Permissions); len(missing)+len(extra) > 0 {
		return fault.New("GitHub granted other permissions than were asked for: "+strings.Join(append(missing, extra...), ", "),
			"look at the App's settings page")
	}
	n.runner.Info("A token was minted with exactly these permissions, and revoked: the App works.")
	return nil
}

// inApp keeps the key as a secret that the App writes itself, once it is
// installed. The key is sealed in memory.
func (n *newApp) inApp(s store) keeper {
	return keeper{
		Goes: "the secret " + s.Secret + " of " + s.At.String() + ", which the App writes itself", Late: true,
		Check: func(context.Context) error { return nil },
		Keep:  func(ctx context.Context, app setup.App) ([]setup.Kept, error) { return n.keep(ctx, s, app) },
	}
}

func (n *newApp) keep(ctx context.Context, s store, app setup.App) (kept []setup.Kept, err error) {
	if !strings.EqualFold(app.Owner, s.At.Owner) {
		return nil, fault.New("the App belongs to "+app.Owner+", and can't write secrets of "+s.At.Owner, "sign gh in, or use -key-file")
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	token, err := n.mint(ctx, s.scope())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.api.Discard(ctx, token.Value)) }()
	if err := n.api.Verify(ctx, token.Value); err != nil { // from here on a 404 means that nothing is there
		return nil, err
	}
	call := n.api.Session(func(context.Context) (redact.String, error) { return token.Value, nil }).Call
	if err := checkFree(s, func(path string) (bool, error) { return found(ctx, call, path) }); err != nil {
		return nil, err
	}
	writer, _, err := secret.NewWriter(ctx, call, s.At)
	if err != nil {
		return nil, err
	}
	var access *secret.Access
	ids := slices.Sorted(maps.Values(token.IDs))
	if s.At.IsOrganization() {
		access = &secret.Access{Visibility: s.Visibility, Repositories: ids}
	}
	key, id := s.kept(n.host)
	if _, err := writer.Write(ctx, s.Secret, app.Key, access); err != nil {
		key.What = "perhaps " + key.What
		return []setup.Kept{key}, err
	}
	if _, err := call(ctx, apicall.Request{
		Op: "create the variable " + s.Variable + " of " + s.At.String(), Method: http.MethodPost, Path: s.variablesPath(),
		Body: s.variableBody(app.ClientID, ids),
	}); err != nil {
		return []setup.Kept{key}, err
	}
	return []setup.Kept{key, id}, nil
}

// found reports whether the API has something at a path.
func found(ctx context.Context, call apicall.Func, path string) (bool, error) {
	answer, err := call(ctx, apicall.Request{Op: "look at " + path, Method: http.MethodGet, Path: path})
	if answer.Status == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}
