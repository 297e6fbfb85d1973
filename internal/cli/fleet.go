package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// fleet is every owner that a manifest reaches. For each job there it has a token
// of its own, which opens what was announced with need and nothing else.
type fleet struct {
	r      *actions.Runner
	api    *githubapp.API
	sign   func(*githubapp.API) (*githubapp.App, error) // nil with token
	token  redact.String
	points int             // a minute, for each installation
	shared *githubapp.Pace // with token, whose limits are its own whomever it reaches

	mu     sync.Mutex // of the maps; never held during a request
	owners map[string]*fleetOwner
	grants map[grantKey]*grant
	ids    map[string]int64 // of repositories that a token was made for, by lower-case owner/name
}

// fleetOwner is one owner: an installation, with limits of its own.
type fleetOwner struct {
	name string
	pace *githubapp.Pace
	api  *githubapp.API // with the pace
	app  *githubapp.App // nil with token
	once lock

	installation *githubapp.Installation
	reached      atomic.Pointer[manifest.Index] // the repositories; nil: not listed yet
	err          error                          // for good
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

// fleet gives the owners that these credentials reach.
func (p Process) fleet(r *actions.Runner, c credentials, points int) (*fleet, error) {
	api, err := p.connect(r, c.Host)
	if err != nil {
		return nil, err
	}
	f := &fleet{r: r, api: api, token: c.Token, points: points, owners: map[string]*fleetOwner{}, grants: map[grantKey]*grant{}, ids: map[string]int64{}}
	if c.Key == nil {
		f.shared = f.pace("the token")
		return f, nil
	}
	f.sign = func(api *githubapp.API) (*githubapp.App, error) { return api.App(c.Issuer, c.Key) }
	_, err = f.sign(api)
	return f, err
}

// pace is for whoever has limits of its own.
func (f *fleet) pace(whose string) *githubapp.Pace {
	return githubapp.NewPace(f.points, func(format string, args ...any) {
		f.r.Info("%s: "+format, append([]any{whose}, args...)...)
	})
}

func (f *fleet) owner(name string) *fleetOwner {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := strings.ToLower(name)
	if o := f.owners[key]; o != nil {
		return o
	}
	pace := f.shared
	if pace == nil {
		pace = f.pace(name)
	}
	o := &fleetOwner{name: name, once: newLock(), pace: pace, api: f.api.Paced(pace)}
	if f.sign != nil {
		o.app, _ = f.sign(o.api) // it went well once
	}
	f.owners[key] = o
	return o
}

// need announces that requests at a repository, or without one at the settings of
// the organization, will take permissions. All is announced before the first request.
func (f *fleet) need(owner, repository string, permissions ...string) {
	for _, permission := range permissions {
		kind, level := kindOf(repository, permission)
		g := f.grant(owner, kind)
		g.permissions[permission] = level
		if repository != "" {
			g.repositories[strings.ToLower(repository)] = repository
		}
	}
}

// call is an [apicall.Func].
func (f *fleet) call(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
	kind, _ := kindOf(req.Repository, req.Permission)
	g := f.grant(req.Owner, kind)
	_, err := f.lend(ctx, g, renewBefore) // before its turn, and to know what is absent
	if f.isAbsent(g, req.Repository) {
		return apicall.Answer{Status: http.StatusNotFound}, unreached(req.Owner+"/"+req.Repository, f.renamed(g, req.Repository))
	}
	if level := f.lacked(g, req.Permission); level != "" {
		return apicall.Answer{Status: http.StatusForbidden}, lacks(*g.owner.installation, map[string]string{req.Permission: level})
	}
	if err != nil {
		return apicall.Answer{}, err
	}
	answer, err := g.session.Call(ctx, req)
	return answer, lacking(err, answer.Status, req)
}

// repository returns what is known of a repository without asking: from a list of
// the installation's, or else its id from the token that was made for it.
func (f *fleet) repository(owner, name string) (secret.Repository, bool) {
	if reached := f.owner(owner).reached.Load(); reached != nil {
		if r, ok := reached.Find(name); ok {
			return secret.Repository{ID: r.ID, Archived: r.Archived, Disabled: r.Disabled}, true
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return secret.Repository{ID: f.ids[strings.ToLower(owner+"/"+name)]}, false
}

func unreached(repository, hint string) error {
	return &fault.Error{
		Problem: "the App does not reach " + repository + ", or there is none of that name",
		Hint:    cmp.Or(hint, "check the name, and in the installation's settings that the repository is selected"),
	}
}

// lacking says which permission a refused request takes.
func lacking(err error, status int, req apicall.Request) error {
	var e *githubapp.Error
	if !errors.As(err, &e) || e.Hint != "" {
		return err
	}
	_, level := kindOf(req.Repository, req.Permission)
	switch status {
	case http.StatusForbidden:
		return &fault.Error{Hint: fmt.Sprintf("give the App %s: %s, and see that the repository is not archived", req.Permission, level), Err: err}
	case http.StatusNotFound:
		return &fault.Error{Hint: fmt.Sprintf("see that it is there, and give the App %s: %s", req.Permission, level), Err: err}
	}
	return err
}

// installation finds an owner's installation once.
func (f *fleet) installation(ctx context.Context, o *fleetOwner) (*githubapp.Installation, error) {
	if err := o.once.take(ctx); err != nil {
		return nil, err
	}
	defer o.once.release()
	if o.installation == nil && o.err == nil {
		found, err := o.app.Installation(ctx, githubapp.Target{Owner: o.name})
		if err != nil {
			if ctx.Err() == nil && final(err) {
				o.err = err
			}
			return nil, err
		}
		o.installation = &found
	}
	return o.installation, o.err
}

// repositories lists once what an owner's installation reaches.
func (f *fleet) repositories(ctx context.Context, name string) (*manifest.Index, error) {
	o := f.owner(name)
	if f.sign == nil {
		return f.listed(ctx, o, func() ([]githubapp.Repository, error) { return o.api.Repositories(ctx, f.token) })
	}
	installation, err := f.installation(ctx, o)
	if err != nil {
		return nil, err
	}
	return f.listed(ctx, o, func() ([]githubapp.Repository, error) { return o.app.Repositories(ctx, *installation) })
}

func (f *fleet) listed(ctx context.Context, o *fleetOwner, list func() ([]githubapp.Repository, error)) (*manifest.Index, error) {
	if err := o.once.take(ctx); err != nil {
		return nil, err
	}
	defer o.once.release()
	if reached := o.reached.Load(); reached != nil || o.err != nil {
		return reached, o.err
	}
	all, err := list()
	if err != nil {
		if ctx.Err() == nil && final(err) {
			o.err = err
		}
		return nil, err
	}
	var theirs []manifest.Repository
	for _, r := range all { // a token may reach several owners
		if of, _, ok := strings.Cut(r.FullName, "/"); ok && strings.EqualFold(of, o.name) {
			theirs = append(theirs, manifest.Repository{ID: r.ID, Name: r.Name, Topics: r.Topics, Archived: r.Archived, Disabled: r.Disabled})
		}
	}
	reached := manifest.NewIndex(o.name, theirs)
	o.reached.Store(reached)
	return reached, nil
}
