package fleet

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// renewBefore is how long before its end a token is replaced, and useBefore how
// long before its end it may still be sent. Between the two a request waits for
// its turn; one that waited for longer replaces the token itself.
const (
	renewBefore = 5 * time.Minute
	useBefore   = time.Minute
)

// retryAfter is how long a lease without a token waits before it asks for one
// again, so that during an outage not every call asks.
const retryAfter = time.Minute

// leaseKey distinguishes the leases of one owner. A token for an organization's
// settings does not open repositories, and the other way round. The token with
// administration: write, which allows a lot, is limited to the repositories that
// need it.
type leaseKey struct {
	owner string // lower-case
	kind  string
}

// The kinds of work.
const (
	ofRepositories  = "repositories"
	ofOrganization  = "organization"
	ofAdministrator = "administration"
	ofManifest      = "manifest" // opens the name and the id of the repository that keeps it, and nothing more
	ofAlerts        = "alerts"   // of secret scanning, in all repositories
)

// kindOf returns which kind of work a call is.
func kindOf(repository, permission string) string {
	switch {
	case permission == "secret_scanning_alerts":
		return ofAlerts
	case repository == "":
		return ofOrganization
	case permission == "administration", permission == "actions": // to look at environments goes with making them
		return ofAdministrator
	case permission == "metadata":
		return ofManifest
	}
	return ofRepositories
}

// opensAll reports whether the token for a kind of work is not limited to some
// repositories: it is about the organization, or about whatever repository an
// alert is in.
func opensAll(kind string) bool { return kind == ofOrganization || kind == ofAlerts }

// usualLevel returns the level of a permission that most calls take.
func usualLevel(permission string) string {
	if permission == "actions" || permission == "metadata" || permission == "members" {
		return "read"
	}
	return "write"
}

// lease is the token for one owner and one kind of work: what it has to open,
// the one that is current, and those that it replaced.
type lease struct {
	owner        *owner
	kind         string
	permissions  map[string]string // that were announced, with their levels
	repositories map[string]string // that were announced: lower-case name → name
	session      *githubapp.Session

	mu       ctxMutex // guards the fields below
	current  githubapp.Token
	ends     time.Time // of the current token, by our clock
	replaced []githubapp.Token
	err      error     // why there is no token
	again    time.Time // when to try again; zero: never

	// Guarded by the fleet's mu:
	absent  map[string]string // lower-case names of repositories that the App does not reach → the hint, if known
	lacking map[string]string // permissions that the installation does not have → the level that was announced
}

func (f *Fleet) lease(owner, kind string) *lease {
	o := f.owner(owner)
	f.mu.Lock()
	defer f.mu.Unlock()
	key := leaseKey{strings.ToLower(owner), kind}
	l := f.leases[key]
	if l == nil {
		l = &lease{
			owner: o, kind: kind, mu: newCtxMutex(), permissions: map[string]string{}, repositories: map[string]string{},
			absent: map[string]string{}, lacking: map[string]string{},
		}
		l.session = o.api.Session(func(ctx context.Context) (redact.String, error) { return f.token(ctx, l, useBefore) })
		f.leases[key] = l
	}
	return l
}

// token returns the current token of a lease, and first makes a new one if that
// has less than left to live.
func (f *Fleet) token(ctx context.Context, l *lease, left time.Duration) (redact.String, error) {
	if f.byToken() {
		return f.config.Token, nil
	}
	if err := l.mu.lock(ctx); err != nil {
		return redact.String{}, err
	}
	defer l.mu.unlock()
	if l.err != nil && (l.again.IsZero() || time.Now().Before(l.again)) {
		return redact.String{}, l.err
	}
	if time.Until(l.ends) >= left {
		return l.current.Value, nil
	}
	token, err := f.mint(ctx, l)
	l.err, l.again = nil, time.Time{}
	switch {
	case err == nil:
		if time.Now().Before(l.ends) {
			l.replaced = append(l.replaced, l.current) // requests that are under way may still use it
		}
		l.current, l.ends = token, f.config.API.Local(token.ExpiresAt)
		f.remember(token)
	case time.Until(l.ends) >= useBefore:
		err = nil // the old one still works, and GitHub may have recovered by the next call
	case ctx.Err() == nil:
		if l.err = err; !isFinal(err) {
			l.again = time.Now().Add(retryAfter)
		}
	}
	return l.current.Value, err
}

// remember keeps the ids of the repositories that a token names.
func (f *Fleet) remember(token githubapp.Token) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, id := range token.IDs {
		f.ids[strings.ToLower(name)] = id
	}
}

// mint makes the token of a lease. GitHub refuses a token that names a repository
// the App does not reach, so such repositories are found and left out. Another
// one may vanish meanwhile, so this is tried three times.
func (f *Fleet) mint(ctx context.Context, l *lease) (githubapp.Token, error) {
	installation, err := l.owner.findInstallation(ctx)
	if err != nil {
		return githubapp.Token{}, err
	}
	if f.noteLacking(l, *installation); len(l.lacking) == len(l.permissions) {
		return githubapp.Token{}, errLacks(*installation, l.lacking)
	}
	var token githubapp.Token
	for range 3 {
		token, err = l.owner.app.Mint(ctx, *installation, f.scope(l))
		if statusOf(err) != http.StatusUnprocessableEntity || opensAll(l.kind) {
			break
		}
		have, listErr := l.owner.app.Repositories(ctx, *installation)
		if listErr != nil || !f.leaveOut(l, have) {
			break
		}
		f.findRenamed(ctx, l, *installation)
	}
	if err != nil {
		return token, err
	}
	// A replica may not know the token yet. The calls that follow show any
	// other obstacle.
	err = l.owner.api.Verify(ctx, token.Value)
	if status := statusOf(err); status == http.StatusUnauthorized || status == http.StatusNotFound {
		f.discard(ctx, l.owner, token)
		return githubapp.Token{}, err
	}
	return token, nil
}

// statusOf returns the status that GitHub answered with, or zero if it did not.
func statusOf(err error) int {
	var e *githubapp.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}
