package cli

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/redact"
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
	ofManifest      = "manifest" // opens the name and the id of the repository that keeps it, and nothing more
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
	absent       map[string]string // lower-case names of repositories that the App does not reach → the hint, if known; guarded by fleet.mu
	lacking      map[string]string // permission → level that the installation does not have; guarded by fleet.mu
	err          error             // why there is no token
	again        time.Time         // when to try again; zero: never
}

// kindOf tells which token a request takes, and with which level of the permission.
func kindOf(repository, permission string) (kind, level string) {
	switch {
	case repository == "":
		return ofOrganization, "write"
	case permission == "administration":
		return ofAdministrator, "write"
	case permission == "actions": // to look at environments, which goes with making them
		return ofAdministrator, "read"
	case permission == "metadata":
		return ofManifest, "read"
	}
	return ofRepositories, "write"
}

func (f *fleet) grant(owner, kind string) *grant {
	o := f.owner(owner)
	f.mu.Lock()
	defer f.mu.Unlock()
	key := grantKey{strings.ToLower(owner), kind}
	g := f.grants[key]
	if g == nil {
		g = &grant{owner: o, kind: kind, permissions: map[string]string{}, repositories: map[string]string{}, once: newLock(), absent: map[string]string{}, lacking: map[string]string{}}
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
	if g.err != nil && (g.again.IsZero() || time.Now().Before(g.again)) {
		return redact.String{}, g.err
	}
	if time.Until(g.ends) >= left {
		return g.token.Value, nil
	}
	token, err := f.mint(ctx, g)
	g.err, g.again = nil, time.Time{}
	switch {
	case err == nil:
		if time.Now().Before(g.ends) {
			g.replaced = append(g.replaced, g.token) // requests that are under way may still use it
		}
		g.token, g.ends = token, f.api.Local(token.ExpiresAt)
		f.remember(token)
	case time.Until(g.ends) >= useBefore:
		err = nil // the old one still does, and GitHub may have got over it by the next call
	case ctx.Err() == nil:
		if g.err = err; !final(err) {
			g.again = time.Now().Add(time.Minute) // an outage is not asked about by every target
		}
	}
	return g.token.Value, err
}

// remember keeps the ids of the repositories that a token names.
func (f *fleet) remember(token githubapp.Token) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, id := range token.IDs {
		f.ids[strings.ToLower(name)] = id
	}
}

// final tells whether an answer would be the same again.
func final(err error) bool {
	var e *githubapp.Error
	return !errors.As(err, &e) || e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusRequestTimeout
}

// mint makes the token of a grant. A token that names one repository the App does
// not reach is refused whole, so those are found and left out then. One may vanish
// meanwhile, so it is tried again; not for ever.
func (f *fleet) mint(ctx context.Context, g *grant) (githubapp.Token, error) {
	installation, err := f.installation(ctx, g.owner)
	if err != nil {
		return githubapp.Token{}, err
	}
	if f.granted(g, *installation); len(g.lacking) == len(g.permissions) {
		return githubapp.Token{}, lacks(*installation, g.lacking)
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
		f.findRenamed(ctx, g, *installation)
	}
	if err != nil {
		return token, err
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

// granted notes what the installation does not have. A token that asks for it is
// refused whole; without it, only the calls that take it fail.
func (f *fleet) granted(g *grant, i githubapp.Installation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, level := range g.permissions {
		if missing, _ := permission.Compare(permission.Set{name: level}, i.Permissions); len(missing) > 0 && len(i.Permissions) > 0 {
			g.lacking[name] = level
		}
	}
}

// lacked gives the level of a permission that is not granted; empty if it is.
func (f *fleet) lacked(g *grant, name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return g.lacking[name]
}

func lacks(i githubapp.Installation, permissions map[string]string) error {
	what := joined(permission.Set(permissions).Lines())
	return &fault.Error{
		Problem: "the installation on " + i.Account + " lacks " + what,
		Hint:    "add it in the App's settings, and have an owner accept it at " + i.Page,
	}
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
			g.absent[key] = ""
		}
	}
	return len(g.absent) > before && len(g.absent) < len(g.repositories)
}

func (f *fleet) isAbsent(g *grant, repository string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, absent := g.absent[strings.ToLower(repository)]
	return absent
}

// maxRenamed is how many repositories are asked about, of those that the App does not
// reach, to tell the new name of one.
const maxRenamed = 10

// findRenamed looks which of the absent repositories have another name by now.
func (f *fleet) findRenamed(ctx context.Context, g *grant, i githubapp.Installation) {
	f.mu.Lock()
	absent := slices.Sorted(maps.Keys(g.absent))
	f.mu.Unlock()
	for _, key := range absent[:min(len(absent), maxRenamed)] {
		hint := g.owner.app.Renamed(ctx, i, githubapp.Target{Owner: g.owner.name, Repository: g.repositories[key]})
		f.mu.Lock()
		g.absent[key] = hint
		f.mu.Unlock()
	}
}

// renamed gives the hint for an absent repository that has another name by now.
func (f *fleet) renamed(g *grant, repository string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return g.absent[strings.ToLower(repository)]
}

func (f *fleet) scope(g *grant) githubapp.Scope {
	scope := githubapp.Scope{Permissions: map[string]string{}}
	for name, level := range g.permissions {
		if f.lacked(g, name) == "" {
			scope.Permissions[name] = level
		}
	}
	if scope.AllRepositories = g.kind == ofOrganization; scope.AllRepositories {
		return scope // it opens their names, and nothing in them
	}
	for _, name := range slices.Sorted(maps.Values(g.repositories)) {
		if !f.isAbsent(g, name) {
			scope.Repositories = append(scope.Repositories, name)
		}
	}
	if n := len(scope.Repositories); n > githubapp.MaxRepositories {
		f.r.Info("%s: %d repositories are more than the %d that a token can name, so it opens all of the installation, with %s",
			g.owner.name, n, githubapp.MaxRepositories, joined(permission.Set(scope.Permissions).Lines()))
		scope.AllRepositories, scope.Repositories = true, nil
	}
	return scope
}

// close revokes every token that was minted, also when the step is being
// cancelled.
func (f *fleet) close(ctx context.Context) {
	var all apicall.Group
	for _, g := range f.grants {
		for _, token := range append(g.replaced, g.token) {
			if token.Value.Empty() {
				continue
			}
			all.Go(func() {
				if err := g.owner.api.Discard(ctx, token.Value); err != nil { // one that expired is no error
					f.r.Warning("a token for %s is not revoked; it lives until %s: %s", g.owner.name, clockTime(token.ExpiresAt), fault.Text(err))
				}
			})
		}
	}
	all.Wait()
}
