package cli

import (
	"context"
	"time"

	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// freshFor is what a token that is stored has left to live at least: a fleet may
// take hours, and a token that waited for its turn would be dead on arrival.
const freshFor = 50 * time.Minute

// freshToken is the value of a secret that comes from a mint: a token that is made
// when the first target is written, and again when it has grown old.
type freshToken struct {
	fleet  *fleet
	file   *manifest.File
	scope  *manifest.Scope
	once   lock
	minted []githubapp.Token
	ends   time.Time // of the last one, by our clock
	err    error
}

// token is the ValueFunc of a [secret.Wanted].
func (t *freshToken) token(ctx context.Context) (redact.String, error) {
	if err := t.once.take(ctx); err != nil {
		return redact.String{}, err
	}
	defer t.once.release()
	if t.err == nil && time.Until(t.ends) < freshFor {
		token, err := t.fleet.mintFor(ctx, t.file, t.scope)
		if err != nil {
			if ctx.Err() == nil {
				t.err = err
			}
			return redact.String{}, err
		}
		t.minted = append(t.minted, token)
		t.ends = t.fleet.api.Local(token.ExpiresAt)
	}
	if t.err != nil {
		return redact.String{}, t.err
	}
	return t.minted[len(t.minted)-1].Value, nil
}

// unused revokes the tokens of secrets that no target took: nobody has them.
func (v *resolution) unused(ctx context.Context, results []secret.Result) {
	took := map[int]bool{}
	for i := range results {
		if from, wanted := v.seen[wishOf(results[i].Place, results[i].Name)]; wanted && results[i].Err == nil {
			took[from.entry] = true
		}
	}
	for i, fresh := range v.fresh {
		if took[i] {
			continue
		}
		for _, token := range fresh.minted {
			takeBack(ctx, v.r, v.fleet.ownerOf(fresh.scope).api, token)
		}
	}
}

// ownerOf gives the one owner of a scope.
func (f *fleet) ownerOf(s *manifest.Scope) *fleetOwner { return f.owner(s.Repositories.Owners()[0]) }

// mintFor makes a token that others will use. It is not revoked when this step
// ends.
func (f *fleet) mintFor(ctx context.Context, file *manifest.File, s *manifest.Scope) (githubapp.Token, error) {
	o := f.ownerOf(s)
	scope, err := f.scopeOf(ctx, file, s)
	if err != nil {
		return githubapp.Token{}, err
	}
	installation, err := f.installation(ctx, o)
	if err != nil {
		return githubapp.Token{}, err
	}
	return o.app.Mint(ctx, *installation, scope)
}
