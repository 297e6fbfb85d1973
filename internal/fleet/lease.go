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
// again: an outage is not asked about by every call.
const retryAfter = time.Minute

// leaseKey tells the leases of one owner apart. What reaches an organization's
// settings does not reach into repositories, and the other way round. A token
// with administration: write, which is much, opens only the repositories that
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
)

// kindOf returns which kind of work a call is, and which level of the
// permission it takes.
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

// lease is the token for one owner and one kind of work: what it has to open,
// the one that is current, and those that it replaced.
type lease struct {
	owner        *owner
	kind         string
	permissions  map[string]string // that were announced, with their levels
	repositories map[string]string // that were announced: lower-case name → name
	session      *githubapp.Session

	mu       ctxMutex // of what follows
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

// token returns the current token of a lease, and makes a new one where that
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
		err = nil // the old one still does, and GitHub may have got over it by the next call
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

// mint makes the token of a lease. A token that names one repository the App
// does not reach is refused whole, so those are found and left out then. One
// may vanish meanwhile, so it is tried again; not for ever.
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
		if statusOf(err) != http.StatusUnprocessableEntity || l.kind == ofOrganization {
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
	// A replica may not know the token yet. Whatever else is in the way, the
	// calls that follow will tell.
	err = l.owner.api.Verify(ctx, token.Value)
	if status := statusOf(err); status == http.StatusUnauthorized || status == http.StatusNotFound {
		f.discard(ctx, l.owner, token)
		return githubapp.Token{}, err
	}
	return token, nil
}

// statusOf is what GitHub answered; zero where it did not.
func statusOf(err error) int {
	var e *githubapp.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}
