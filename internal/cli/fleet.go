package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// renewBefore is how long before its end a token is replaced: longer than any
// request with its retries takes.
const renewBefore = 5 * time.Minute

// fleet is every owner that a manifest reaches. For each job there it has a token
// of its own, which opens what was announced with need and nothing else.
type fleet struct {
	r      *actions.Runner
	api    *githubapp.API
	app    *githubapp.App // nil with token
	token  redact.String
	points int // a minute, for each installation

	mu     sync.Mutex // of the maps; never held during a request
	owners map[string]*fleetOwner
	grants map[grantKey]*grant
}

// fleetOwner is one owner: an installation, with limits of its own.
type fleetOwner struct {
	name string
	pace *githubapp.Pace
	once lock

	installation *githubapp.Installation
	repositories []githubapp.Repository
	listed       bool
	err          error // for good
}

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
	repositories map[string]bool // names
	session      *githubapp.Session
	once         lock
	token        githubapp.Token
	absent       map[string]bool // lower-case names of repositories that the App does not reach
	err          error           // for good
}

// lock is a mutex whose wait ends with a context. (It also lets the clock of a
// synctest bubble go on.)
type lock chan struct{}

func newLock() lock { return make(lock, 1) }

func (l lock) take(ctx context.Context) error {
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l lock) release() { <-l }

func newFleet(r *actions.Runner, api *githubapp.API, app *githubapp.App, token redact.String, points int) *fleet {
	return &fleet{r: r, api: api, app: app, token: token, points: points, owners: map[string]*fleetOwner{}, grants: map[grantKey]*grant{}}
}

func (f *fleet) owner(name string) *fleetOwner {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := strings.ToLower(name)
	if f.owners[key] == nil {
		f.owners[key] = &fleetOwner{name: name, once: newLock(), pace: githubapp.NewPace(f.points, func(format string, args ...any) {
			f.r.Info("%s: "+format, append([]any{name}, args...)...)
		})}
	}
	return f.owners[key]
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

// need announces that requests at a place will take a permission. All is
// announced before the first request.
func (f *fleet) need(at secret.Place, permissions ...string) {
	for _, permission := range permissions {
		kind, level := kindOf(at, permission)
		g := f.grant(at, kind)
		g.permissions[permission] = level
		if !at.IsOrganization() {
			g.repositories[at.Repository] = true
		}
	}
}

func (f *fleet) grant(at secret.Place, kind string) *grant {
	o := f.owner(at.Owner)
	f.mu.Lock()
	defer f.mu.Unlock()
	key := grantKey{strings.ToLower(at.Owner), kind}
	g := f.grants[key]
	if g == nil {
		g = &grant{owner: o, kind: kind, permissions: map[string]string{}, repositories: map[string]bool{}, once: newLock(), absent: map[string]bool{}}
		g.session = f.api.Session(func(ctx context.Context) (redact.String, error) { return f.lend(ctx, g) }, o.pace)
		f.grants[key] = g
	}
	return g
}

// call is a [secret.Call].
func (f *fleet) call(ctx context.Context, req secret.Request) (int, error) {
	kind, _ := kindOf(req.Place, req.Permission)
	g := f.grant(req.Place, kind)
	_, err := f.lend(ctx, g) // to know what is absent
	if g.absent[strings.ToLower(req.Place.Repository)] {
		return http.StatusNotFound, unreached(req.Place.Owner + "/" + req.Place.Repository)
	}
	if err != nil {
		return 0, err
	}
	status, err := g.session.Call(ctx, req.Op, req.Method, req.Path, req.Body, req.Result)
	return status, lacking(err, status, req)
}

func unreached(repository string) error {
	return actions.Fault{
		Problem: "the App does not reach " + repository + ", or there is none of that name",
		Cure:    "check the name, and in the installation's settings that the repository is selected",
	}
}

// lacking says which permission a refused request takes.
func lacking(err error, status int, req secret.Request) error {
	var e *githubapp.Error
	if !errors.As(err, &e) || e.Cure != "" {
		return err
	}
	_, level := kindOf(req.Place, req.Permission)
	switch status {
	case http.StatusForbidden:
		e.Cure = fmt.Sprintf("it takes %s: %s, and a repository that is not archived", req.Permission, level)
	case http.StatusNotFound:
		e.Cure = fmt.Sprintf("it is missing, or the token lacks %s: %s there", req.Permission, level)
	}
	return err
}

// lend gives the token of the moment.
func (f *fleet) lend(ctx context.Context, g *grant) (redact.String, error) {
	if f.app == nil {
		return f.token, nil
	}
	if err := g.once.take(ctx); err != nil {
		return redact.String{}, err
	}
	defer g.once.release()
	if g.err == nil && time.Until(g.token.ExpiresAt) < renewBefore {
		token, err := f.mint(ctx, g)
		if err != nil && ctx.Err() != nil {
			return redact.String{}, err
		}
		if err == nil {
			g.token = token
		}
		g.err = err
	}
	return g.token.Value, g.err
}

// mint makes the token of a grant. A token that names one repository the App does
// not reach is refused whole, so those are found and left out then.
func (f *fleet) mint(ctx context.Context, g *grant) (githubapp.Token, error) {
	installation, err := f.installation(ctx, g.owner)
	if err != nil {
		return githubapp.Token{}, err
	}
	token, err := f.app.Mint(ctx, *installation, f.scope(g))
	var e *githubapp.Error
	if errors.As(err, &e) && e.Status == http.StatusUnprocessableEntity && g.kind != ofOrganization && len(g.absent) == 0 {
		have, listErr := f.repositories(ctx, g.owner.name)
		if listErr != nil {
			return token, err
		}
		if g.leaveOut(have); len(g.absent) == 0 || len(g.absent) == len(g.repositories) {
			return token, err
		}
		token, err = f.app.Mint(ctx, *installation, f.scope(g))
	}
	if err != nil {
		return token, notGranted(err, g.permissions)
	}
	return token, f.api.Verify(ctx, token.Value)
}

func (g *grant) leaveOut(have []githubapp.Repository) {
	known := map[string]bool{}
	for _, r := range have {
		known[strings.ToLower(r.Name)] = true
	}
	for name := range g.repositories {
		if key := strings.ToLower(name); !known[key] {
			g.absent[key] = true
		}
	}
}

func (f *fleet) scope(g *grant) githubapp.Scope {
	scope := githubapp.Scope{Permissions: g.permissions}
	for _, name := range slices.Sorted(maps.Keys(g.repositories)) {
		if !g.absent[strings.ToLower(name)] {
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

// installation finds an owner's installation once.
func (f *fleet) installation(ctx context.Context, o *fleetOwner) (*githubapp.Installation, error) {
	if err := o.once.take(ctx); err != nil {
		return nil, err
	}
	defer o.once.release()
	if o.installation == nil && o.err == nil {
		found, err := f.app.Installation(ctx, githubapp.Target{Owner: o.name})
		if err != nil {
			if ctx.Err() == nil {
				o.err = err
			}
			return nil, err
		}
		o.installation = &found
	}
	return o.installation, o.err
}

// repositories lists once what an owner's installation reaches.
func (f *fleet) repositories(ctx context.Context, name string) ([]githubapp.Repository, error) {
	o := f.owner(name)
	if f.app == nil {
		return f.listed(ctx, o, func() ([]githubapp.Repository, error) { return f.api.Repositories(ctx, f.token) })
	}
	installation, err := f.installation(ctx, o)
	if err != nil {
		return nil, err
	}
	return f.listed(ctx, o, func() ([]githubapp.Repository, error) { return f.app.Repositories(ctx, *installation) })
}

func (f *fleet) listed(ctx context.Context, o *fleetOwner, list func() ([]githubapp.Repository, error)) ([]githubapp.Repository, error) {
	if err := o.once.take(ctx); err != nil {
		return nil, err
	}
	defer o.once.release()
	if o.listed || o.err != nil {
		return o.repositories, o.err
	}
	all, err := list()
	if err != nil {
		if ctx.Err() == nil {
			o.err = err
		}
		return nil, err
	}
	for _, r := range all { // a token may reach several owners
		if of, _, ok := strings.Cut(r.FullName, "/"); ok && strings.EqualFold(of, o.name) {
			o.repositories = append(o.repositories, r)
		}
	}
	o.listed = true
	return o.repositories, nil
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
		if g.token.Value.Empty() || time.Now().After(g.token.ExpiresAt) {
			continue
		}
		all.Go(func() {
			if _, err := f.api.Revoke(ctx, g.token.Value); err != nil {
				f.r.Warning("a token for %s is not revoked; it lives until %s: %v", g.owner.name, clockTime(g.token.ExpiresAt), err)
			}
		})
	}
	all.Wait()
}
