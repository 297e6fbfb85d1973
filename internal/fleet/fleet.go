// Package fleet sends calls to many owners, each with a token of the App's
// installation there. There is one token for each owner and each kind of work.
// It opens what was announced and nothing else; it is minted when the first
// call needs it, replaced before it ends, and revoked when the fleet is closed.
// The package also finds out what the places of a manifest mean today: patterns
// become repositories, and names of variables become values.
//
// It knows no runner: notes and warnings go to the functions of a [Config]. It
// never reads the environment or a file and prints nothing. Callers do not see
// the tokens of calls: they describe a call, and the fleet sends it.
//
// Start at [New]. Announce with [Fleet.Need] what the calls will take, then
// send them with [Fleet.Call], which is the [apicall.Func] of the packages that
// know what to ask. [Fleet.Resolve] is for a manifest's secrets, and
// [Fleet.Close] for the end.
package fleet

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
	"github.com/valetkey/valetkey/internal/wording"
)

// Config is what a fleet works with. API must be set, and one of Key and Token.
type Config struct {
	API    *githubapp.API
	Issuer string        // the client id or the App id, with Key
	Key    crypto.Signer // the App's; nil with Token
	Token  redact.String // an installation token instead of the App, for all owners that it opens
	Points int           // of GitHub's limits that each owner's calls may spend in a minute; 0: any number

	Info    func(format string, args ...any) // gets each wait, and each token that is wider than what was announced
	Warning func(error)                      // gets errors that fail nothing
}

// Fleet is every owner that a job reaches. Several goroutines may call its
// methods at once, except [Fleet.Need], which comes before all calls, and
// [Fleet.Close], which comes after them.
type Fleet struct {
	config Config
	app    *githubapp.App         // nil with a token; all owners share its JWT
	shared *githubapp.RateLimiter // with a token: its limits hold for all owners together

	mu     sync.Mutex // guards the fields below; never held during a request
	owners map[string]*owner
	leases map[leaseKey]*lease
	ids    map[string]int64 // of repositories that a token was made for, by lower-case owner/name
}

// New checks the configuration. It sends nothing.
func New(c Config) (*Fleet, error) {
	if (c.Key == nil) == c.Token.Empty() {
		return nil, errors.New("a fleet needs either the key of an App or a token")
	}
	if c.Info == nil {
		c.Info = func(string, ...any) {}
	}
	if c.Warning == nil {
		c.Warning = func(error) {}
	}
	f := &Fleet{config: c, owners: map[string]*owner{}, leases: map[leaseKey]*lease{}, ids: map[string]int64{}}
	if f.byToken() {
		f.shared = f.limiter("the token")
		return f, nil
	}
	var err error
	f.app, err = c.API.App(c.Issuer, c.Key)
	return f, err
}

// byToken reports whether all calls go with one token that the fleet was given:
// it mints none, and has one installation's limits.
func (f *Fleet) byToken() bool { return f.config.Key == nil }

// limiter returns a new rate limiter, for calls that share a limit.
func (f *Fleet) limiter(whose string) *githubapp.RateLimiter {
	return githubapp.NewRateLimiter(f.config.Points, func(format string, args ...any) {
		f.config.Info("%s: "+format, append([]any{whose}, args...)...)
	})
}

// Need announces which permissions calls will take, by GitHub's keys:
// "secrets", "organization_secrets". The calls are about a repository, or about
// the settings of the organization where repository is empty. All must be
// announced before the first call: a token opens nothing that was announced
// after it was made.
func (f *Fleet) Need(owner, repository string, permissions ...string) {
	for _, permission := range permissions {
		f.NeedLevel(owner, repository, permission, usualLevel(permission))
	}
}

// NeedLevel is [Fleet.Need] for calls that take another level of the permission
// than most: read, or write. Of two levels the higher counts.
func (f *Fleet) NeedLevel(owner, repository, permission, level string) {
	l := f.lease(owner, kindOf(repository, permission))
	if l.permissions[permission] != "write" {
		l.permissions[permission] = level
	}
	if repository != "" {
		l.repositories[strings.ToLower(repository)] = repository
	}
}

// Call sends a request that was announced; it is an [apicall.Func]. A
// repository that the App does not reach is answered with 404, and a permission
// that the installation lacks with 403, both without another request. The error
// says what is missing, and its hint what to do. What GitHub itself refuses is
// a [githubapp.Error].
func (f *Fleet) Call(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
	l := f.lease(req.Owner, kindOf(req.Repository, req.Permission))
	level := cmp.Or(req.Level, usualLevel(req.Permission))
	if announced := l.permissions[req.Permission]; announced != level && announced != "write" && !f.byToken() {
		return apicall.Answer{}, fmt.Errorf("%s: it was not announced that a call takes %s: %s", req.Op, req.Permission, level)
	}
	_, err := f.token(ctx, l, renewBefore) // before its turn, and to know what is absent
	if hint, absent := f.absent(l, req.Repository); absent {
		return apicall.Answer{Status: http.StatusNotFound}, errUnreached(req.Owner+"/"+req.Repository, hint)
	}
	if level := f.missingLevel(l, req.Permission); level != "" {
		return apicall.Answer{Status: http.StatusForbidden}, errLacks(*l.owner.installation, map[string]string{req.Permission: level})
	}
	if err != nil {
		return apicall.Answer{}, err
	}
	answer, err := l.session.Call(ctx, req)
	return answer, explainRefusal(err, answer.Status, req)
}

// Repository returns what is known of a repository without a request. It
// reports whether that is all there is to know, which takes a list of the
// installation's repositories. Otherwise it returns the id alone, from a token
// that was made for the repository, or zero.
func (f *Fleet) Repository(owner, name string) (r secret.Repository, ok bool) {
	if reached := f.owner(owner).reached.Load(); reached != nil {
		if r, ok := reached.Find(name); ok {
			return secret.Repository{ID: r.ID, Archived: r.Archived, Disabled: r.Disabled}, true
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return secret.Repository{ID: f.ids[strings.ToLower(owner+"/"+name)]}, false
}

// Close revokes every token that calls were sent with, even if ctx is over,
// and warns of each that it could not revoke. A token that the fleet was given stays
// alive, and so does one that was stored.
func (f *Fleet) Close(ctx context.Context) {
	var all apicall.Group
	for _, l := range f.leases {
		for _, token := range append(l.replaced, l.current) {
			if token.Value.Empty() {
				continue
			}
			all.Go(func() {
				if err := l.owner.api.Discard(ctx, token.Value); err != nil { // an expired token is not an error
					f.config.Warning(fmt.Errorf("a token for %s is not revoked; it lives until %s: %w",
						l.owner.name, wording.Clock(token.ExpiresAt), err))
				}
			})
		}
	}
	all.Wait()
}

// discard revokes a token that is of no use, and reports how that went.
func (f *Fleet) discard(ctx context.Context, o *owner, token githubapp.Token) {
	if err := o.api.Discard(ctx, token.Value); err != nil {
		f.config.Warning(fmt.Errorf("the token that was minted is still alive, until %s: %w", wording.Clock(token.ExpiresAt), err))
		return
	}
	f.config.Info("the token that was minted is revoked")
}
