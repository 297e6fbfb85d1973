package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
)

// sameScope holds what was granted against what was asked for.
func (m minted) sameScope() error {
	missing, extra := m.Token.Differs(m.owner(), m.Scope)
	if len(m.Scope.Permissions) > 0 {
		less, more := permission.Compare(m.Scope.Permissions, m.Token.Permissions)
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

// cured is an error that this step knows a better cure for than whoever made it.
type cured struct {
	error
	cure string
}

// Hint is the cure, printed on a line of its own.
func (e cured) Hint() string  { return e.cure }
func (e cured) Unwrap() error { return e.error }

// notGranted says which of the permissions asked for the installation lacks. A name
// that is not known may be none at all, and then nobody can add it anywhere.
func notGranted(err error, asked permission.Set) error {
	var e *githubapp.Error
	if !errors.As(err, &e) || e.Installation == nil {
		return err
	}
	known, unknown := permission.Set{}, permission.Set{}
	for name, level := range asked {
		if _, ok := permission.Lookup(name); ok {
			known[name] = level
		} else {
			unknown[name] = level
		}
	}
	missing, _ := permission.Compare(known, e.Installation.Permissions)
	strange, _ := permission.Compare(unknown, e.Installation.Permissions)
	var cures []string
	if len(strange) > 0 {
		cures = append(cures, fmt.Sprintf("this release knows no permission of this name: %s. Check it against docs/permissions.md; "+
			"one that is newer than this release the App has to have first", strings.Join(strange, ", ")))
	}
	if len(missing) > 0 {
		cures = append(cures, fmt.Sprintf("the installation lacks %s. Add it in the App's settings, have an owner accept it at %s, "+
			"or ask for less", strings.Join(missing, ", "), e.Installation.Page))
	}
	if len(cures) > 0 {
		return cured{err, strings.Join(cures, "; ")}
	}
	return err
}

// takeBack revokes a token that was not handed out, also when the step is being
// cancelled.
func takeBack(ctx context.Context, r *actions.Runner, api *githubapp.API, token githubapp.Token) {
	limit := postTime
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)+lastTime)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		limit = takeBackTime
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(limit, takeBackTime))
	defer cancel()
	if _, err := api.Revoke(ctx, token.Value); err != nil {
		r.Warning("the token that was minted is still alive, until %s: %s", clockTime(token.ExpiresAt), actions.Text(err))
		return
	}
	r.Info("the token that was minted is revoked")
}
