package fleet

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/manifest"
)

// owner is one owner: an installation, with limits of its own.
type owner struct {
	name    string
	limiter *githubapp.RateLimiter
	api     *githubapp.API // with the limiter
	app     *githubapp.App // nil with a token

	mu           ctxMutex // guards the fields below
	installation *githubapp.Installation
	reached      atomic.Pointer[manifest.Index] // the repositories; nil: not listed yet
	err          error                          // which will not change
}

func (f *Fleet) owner(name string) *owner {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := strings.ToLower(name)
	if o := f.owners[key]; o != nil {
		return o
	}
	limiter := f.shared
	if limiter == nil {
		limiter = f.limiter(name)
	}
	o := &owner{name: name, mu: newCtxMutex(), limiter: limiter, api: f.config.API.WithLimiter(limiter)}
	if !f.byToken() {
		o.app = f.app.WithLimiter(limiter)
	}
	f.owners[key] = o
	return o
}

// findInstallation returns the installation, and asks GitHub for it once.
func (o *owner) findInstallation(ctx context.Context) (*githubapp.Installation, error) {
	if err := o.mu.lock(ctx); err != nil {
		return nil, err
	}
	defer o.mu.unlock()
	if o.installation == nil && o.err == nil {
		found, err := o.app.Installation(ctx, githubapp.Target{Owner: o.name})
		if err != nil {
			return nil, o.note(err)
		}
		o.installation = &found
	}
	return o.installation, o.err
}

// Bot returns the login that GitHub shows as the author of what the App writes
// for an owner.
func (f *Fleet) Bot(ctx context.Context, owner string) (login string, err error) {
	if f.byToken() {
		return "", errors.New("a token does not say which App it is from")
	}
	installation, err := f.owner(owner).findInstallation(ctx)
	switch {
	case err != nil:
		return "", err
	case installation.AppSlug == "":
		return "", errors.New("the installation on " + owner + " does not say which App it is of")
	}
	return installation.AppSlug + "[bot]", nil
}

// note returns an error, and keeps it if it would be the same again.
func (o *owner) note(err error) error {
	if isFinal(err) {
		o.err = err
	}
	return err
}

// isFinal reports whether an answer would be the same again.
func isFinal(err error) bool {
	var e *githubapp.Error
	return !errors.As(err, &e) || e.Final()
}

// repositories lists the repositories that an owner's installation reaches, once.
func (f *Fleet) repositories(ctx context.Context, name string) (*manifest.Index, error) {
	o := f.owner(name)
	if f.byToken() {
		return o.list(ctx, func() ([]githubapp.Repository, error) { return o.api.Repositories(ctx, f.config.Token) })
	}
	installation, err := o.findInstallation(ctx)
	if err != nil {
		return nil, err
	}
	return o.list(ctx, func() ([]githubapp.Repository, error) { return o.app.Repositories(ctx, *installation) })
}

func (o *owner) list(ctx context.Context, list func() ([]githubapp.Repository, error)) (*manifest.Index, error) {
	if err := o.mu.lock(ctx); err != nil {
		return nil, err
	}
	defer o.mu.unlock()
	if reached := o.reached.Load(); reached != nil || o.err != nil {
		return reached, o.err
	}
	all, err := list()
	if err != nil {
		return nil, o.note(err)
	}
	var theirs []manifest.Repository
	for _, r := range all { // a token may reach several owners
		if of, _, ok := strings.Cut(r.FullName, "/"); ok && strings.EqualFold(of, o.name) {
			theirs = append(theirs, manifest.Repository{
				ID: r.ID, Name: r.Name, Topics: r.Topics, Archived: r.Archived, Disabled: r.Disabled,
			})
		}
	}
	reached := manifest.NewIndex(o.name, theirs)
	o.reached.Store(reached)
	return reached, nil
}
