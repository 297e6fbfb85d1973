package fleet

import (
	"context"
	"errors"
	"time"

	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// Mint makes a token that is stored for others, with a scope of the manifest.
// Close leaves it alive; revoke ends it if it could not be stored.
func (f *Fleet) Mint(ctx context.Context, file *manifest.File, s *manifest.Scope) (
	value redact.String, revoke func(context.Context) error, err error,
) {
	token, err := f.mintStored(ctx, file, s)
	revoke = func(ctx context.Context) error {
		_, err := f.ownerOf(s).api.Revoke(ctx, token.Value)
		return err
	}
	return token.Value, revoke, err
}

func (f *Fleet) mintStored(ctx context.Context, file *manifest.File, s *manifest.Scope) (githubapp.Token, error) {
	if f.byToken() {
		return githubapp.Token{}, errors.New("only an App can mint, and the fleet has a token instead")
	}
	scope, err := f.scopeOf(ctx, file, s)
	if err != nil {
		return githubapp.Token{}, err
	}
	o := f.ownerOf(s)
	installation, err := o.findInstallation(ctx)
	if err != nil {
		return githubapp.Token{}, err
	}
	return o.app.Mint(ctx, *installation, scope)
}

// ownerOf returns the one owner of a scope.
func (f *Fleet) ownerOf(s *manifest.Scope) *owner { return f.owner(s.Repositories.Owners()[0]) }

// freshFor is how long a token must still live when it is stored. A fleet may
// take hours, and a token that was made at its start would be dead on arrival.
const freshFor = 50 * time.Minute

// storedToken is the value of a secret that comes from a mint: a token that is
// made when the first target is written, and again when it has grown old.
type storedToken struct {
	fleet *Fleet
	file  *manifest.File
	scope *manifest.Scope

	mu     ctxMutex // guards the fields below
	minted []githubapp.Token
	ends   time.Time // of the last one, by our clock
	err    error
}

// token is the ValueFunc of a [secret.Wanted].
func (t *storedToken) token(ctx context.Context) (redact.String, error) {
	if err := t.mu.lock(ctx); err != nil {
		return redact.String{}, err
	}
	defer t.mu.unlock()
	if t.err == nil && time.Until(t.ends) < freshFor {
		token, err := t.fleet.mintStored(ctx, t.file, t.scope)
		if err != nil {
			if ctx.Err() == nil {
				t.err = err
			}
			return redact.String{}, err
		}
		t.minted = append(t.minted, token)
		t.ends = t.fleet.config.API.Local(token.ExpiresAt)
	}
	if t.err != nil {
		return redact.String{}, t.err
	}
	return t.minted[len(t.minted)-1].Value, nil
}

// RevokeUnused revokes the minted tokens that, by these results, no target took.
func (v *Resolution) RevokeUnused(ctx context.Context, results []secret.Result) {
	took := map[int]bool{}
	for i := range results {
		if from, wanted := v.seen[keyOf(results[i].Place, results[i].Name)]; wanted && results[i].Err == nil {
			took[from.entry] = true
		}
	}
	for i, stored := range v.stored {
		if took[i] {
			continue
		}
		for _, token := range stored.minted {
			v.fleet.discard(ctx, v.fleet.ownerOf(stored.scope), token)
		}
	}
}
