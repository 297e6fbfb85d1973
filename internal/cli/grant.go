package cli

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// renewBefore is how long before its end a token is replaced, and useBefore how long
// before its end it may still be sent. Between the two a request waits for its turn;
// one that waited for longer replaces the token itself.
const (
	renewBefore = 5 * time.Minute
	useBefore   = time.Minute
)

// grantKey tells the tokens of one owner apart. What reaches an organization's
// settings does not reach into repositories, and the other way round; and what
// administers repositories, which is much, opens only those that need it.
type grantKey struct {
	owner string // lower-case
	kind  string
}

const (
	ofRepositories  = "repositories"
	ofOrganization  = "organization"
	ofAdministrator = "administration"
)

// grant is one token and all that it has to open.
type grant struct {
	owner        *fleetOwner
	kind         string
	permissions  map[string]string
	repositories map[string]string // lower-case name → name
	session      *githubapp.Session
	once         lock
	token        githubapp.Token
	ends         time.Time // of the token, by our clock
	replaced     []githubapp.Token
	absent       map[string]bool // lower-case names of repositories that the App does not reach; guarded by fleet.mu
	err          error           // for good
}

// kindOf tells which token a request takes, and with which level of the permission.
func kindOf(at secret.Place, permission string) (kind, level string) {
	switch {
	case at.IsOrganization():
		return ofOrganization, "write"
	case permission == "administration":
		return ofAdministrator, "write"
	case permission == "actions": // to look at environments, which goes with making them
		return ofAdministrator, "read"
	}
	return ofRepositories, "write"
}

func (f *fleet) grant(at secret.Place, kind string) *grant {
	o := f.owner(at.Owner)
	f.mu.Lock()
	defer f.mu.Unlock()
	key := grantKey{strings.ToLower(at.Owner), kind}
	g := f.grants[key]
	if g == nil {
		g = &grant{owner: o, kind: kind, permissions: map[string]string{}, repositories: map[string]string{}, once: newLock(), absent: map[string]bool{}}
		g.session = o.api.Session(func(ctx context.Context) (redact.String, error) { return f.lend(ctx, g, useBefore) })
		f.grants[key] = g
	}
	return g
}

// lend gives the token of the moment, a new one where the old one has no more than
// left to live.
func (f *fleet) lend(ctx context.Context, g *grant, left time.Duration) (redact.String, error) {
	if f.sign == nil {
		return f.token, nil
	}
	if err := g.once.take(ctx); err != nil {
		return redact.String{}, err
	}
	defer g.once.release()
	if g.err == nil && time.Until(g.ends) < left {
		token, err := f.mint(ctx, g)
		if err != nil && ctx.Err() != nil {
			return redact.String{}, err
		}
		if err == nil {
			if time.Now().Before(g.ends) {
				g.replaced = append(g.replaced, g.token) // requests that are under way may still use it
			}
			g.token, g.ends = token, time.Now().Add(token.ExpiresAt.Sub(f.api.Now()))
		}
		g.err = err
	}
	return g.token.Value, g.err
}

// mint makes the token of a grant. A token that names one repository the App does
// not reach is refused whole, so those are found and left out then. One may vanish
// meanwhile, so it is tried again; not for ever.
func (f *fleet) mint(ctx context.Context, g *grant) (githubapp.Token, error) {
	installation, err := f.installation(ctx, g.owner)
	if err != nil {
		return githubapp.Token{}, err
	}
	var token githubapp.Token
	for range 3 {
		token, err = g.owner.app.Mint(ctx, *installation, f.scope(g))
		var e *githubapp.Error
		if !errors.As(err, &e) || e.Status != http.StatusUnprocessableEntity || g.kind == ofOrganization {
			break
		}
		have, listErr := g.owner.app.Repositories(ctx, *installation)
		if listErr != nil || !f.leaveOut(g, have) {
			break
		}
	}
	if err != nil {
		return token, notGranted(err, g.permissions)
	}
	// A replica may not know the token yet. Whatever else is in the way, the calls
	// that follow will tell.
	var e *githubapp.Error
	if err = g.owner.api.Verify(ctx, token.Value); errors.As(err, &e) && (e.Status == http.StatusUnauthorized || e.Status == http.StatusNotFound) {
		takeBack(ctx, f.r, g.owner.api, token)
		return githubapp.Token{}, err
	}
	return token, nil
}

// leaveOut notes what the App does not reach, and tells whether that helps.
func (f *fleet) leaveOut(g *grant, have []githubapp.Repository) bool {
	known := map[string]bool{}
	for _, r := range have {
		known[strings.ToLower(r.Name)] = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	before := len(g.absent)
	for key := range g.repositories {
		if !known[key] {
			g.absent[key] = true
		}
	}
	return len(g.absent) > before && len(g.absent) < len(g.repositories)
}

func (f *fleet) isAbsent(g *grant, repository string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return g.absent[strings.ToLower(repository)]
}

func (f *fleet) scope(g *grant) githubapp.Scope {
	scope := githubapp.Scope{Permissions: g.permissions}
	for _, name := range slices.Sorted(maps.Values(g.repositories)) {
		if !f.isAbsent(g, name) {
			scope.Repositories = append(scope.Repositories, name)
		}
	}
	if g.kind == ofOrganization {
		return githubapp.Scope{AllRepositories: true, Permissions: g.permissions} // it opens their names
	}
	if n := len(scope.Repositories); n > githubapp.MaxRepositories {
		f.r.Info("%s: %d repositories are more than the %d that a token can name, so it opens all of the installation, with %s", g.owner.name, n, githubapp.MaxRepositories, joined(levels(g.permissions)))
		return githubapp.Scope{AllRepositories: true, Permissions: g.permissions}
	}
	return scope
}

// close revokes every token that was minted, also when the step is being
// cancelled.
func (f *fleet) close(ctx context.Context) {
	limit := postTime
	if ctx.Err() != nil {
		limit = takeBackTime
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	var all sync.WaitGroup
	for _, g := range f.grants {
		for _, token := range append(g.replaced, g.token) {
			if token.Value.Empty() {
				continue
			}
			all.Go(func() {
				if _, err := g.owner.api.Revoke(ctx, token.Value); err != nil { // one that expired is no error
					f.r.Warning("a token for %s is not revoked; it lives until %s: %v", g.owner.name, clockTime(token.ExpiresAt), err)
				}
			})
		}
	}
	all.Wait()
}
