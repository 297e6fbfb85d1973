package fakegithub

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// auth is the credential that a route asks for.
type auth int

const (
	public            auth = iota // anyone; a credential that is sent must still be good
	appJWT                        // the JWT of an App
	installationToken             // an installation token
	personalToken                 // a token of a person
	noCredential                  // none at all: one that is sent is refused unseen
	website                       // a page for people, not of the API: no credential, no rate limit
)

// anonymous is the rate limit bucket of callers without a good credential, one
// per address.
const anonymous = "ip"

// caller is who makes the call, as far as the credential proves it.
type caller struct {
	app        *App
	token      *token
	bucketKind string // of the rate limit: "app", "installation", "user" or anonymous

	personalToken *personal
	bucket        *bucket
}

// identify reads the Authorization header. It only returns a refusal, for the
// caller to act on: the rate limit comes first.
func (c *call) identify() (caller, *answer) {
	who := caller{bucketKind: anonymous}
	header := c.r.Header.Get("Authorization")
	if header == "" || c.route.auth == noCredential {
		return who, nil
	}
	scheme, value, _ := strings.Cut(header, " ")
	value = strings.TrimSpace(value)
	if c.route.auth == appJWT || isJWT(value) {
		if !strings.EqualFold(scheme, "bearer") { // "token" works for tokens only
			return who, c.refuseJWT(jwtUndecodable)
		}
		app, refusal := c.verifyJWT(value)
		if refusal != "" {
			return who, c.refuseJWT(refusal)
		}
		return caller{app: app, bucketKind: "app"}, nil
	}
	if strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "token") {
		if t := c.liveToken(value); t != nil {
			return caller{token: t, bucketKind: "installation"}, nil
		}
		if t := c.personal[value]; t != nil && t.works(c.now) {
			if t.fineGrained != nil {
				t.fineGrained.lastUsedAt = c.now
			}
			return caller{personalToken: t, bucketKind: "user"}, nil
		}
	}
	return who, c.badCredentials()
}

// authorize checks that the caller is of the kind that the route asks for, and
// that its token works by now.
func (c *call) authorize() *answer {
	switch {
	case c.route.auth == noCredential && c.r.Header.Get("Authorization") != "":
		return refuse(c.fail(http.StatusForbidden, "This endpoint must be called without authentication.")) // text unconfirmed
	case c.route.auth == noCredential:
		return nil
	case c.route.auth == installationToken && c.personalToken != nil:
		return refuse(c.fail(http.StatusForbidden, "Resource not accessible by personal access token"))
	case c.route.auth == personalToken && c.token != nil:
		return refuse(c.notAccessible())
	case c.route.auth == personalToken && c.personalToken != nil:
		return nil
	case c.route.auth == website:
		return nil
	case c.route.auth != public && c.app == nil && c.token == nil:
		return refuse(c.fail(http.StatusUnauthorized, "Requires authentication"))
	case c.route.auth == installationToken && c.token == nil:
		return c.badCredentials() // a JWT where a token is needed; text unconfirmed
	case c.token == nil:
		return nil
	case !c.token.installation.suspendedAt.IsZero():
		return refuse(c.suspended()) // for tokens that were minted before; unconfirmed
	case c.route.pattern != revokePattern && c.token.takeLag():
		return refuse(c.fail(c.token.lagStatus(), lagMessages[c.token.lagStatus()]))
	}
	return nil
}

const textNotAccessible = "Resource not accessible by integration"

func (c *call) notAccessible() answer { return c.fail(http.StatusForbidden, textNotAccessible) }

func (c *call) badCredentials() *answer {
	return refuse(c.failDoc(http.StatusUnauthorized, "Bad credentials", ""))
}

func (c *call) suspended() answer {
	return c.failDoc(http.StatusForbidden, "This installation has been suspended",
		"/reference/apps#create-an-installation-access-token-for-an-app")
}

// mayRead reports whether the caller can see a repository.
func (c *call) mayRead(repo *repository) bool {
	return !repo.Private || (c.token != nil && c.token.covers(repo))
}

// require returns a 403 for a token that sees the thing but holds too low a
// level of the permission.
func (c *call) require(key, level string) *answer {
	if c.token == nil || allows(c.token.permissions, key, level) {
		return nil
	}
	a := c.notAccessible()
	a.header = map[string]string{"X-Accepted-GitHub-Permissions": fmt.Sprintf("%s=%s", key, level)}
	return &a
}

// takeLag uses up one call of the replication lag, and reports whether there
// was one left.
func (t *token) takeLag() bool {
	if t.lag == 0 {
		return false
	}
	t.lag--
	t.lagged++
	return true
}

// lagStatus cycles through the statuses that have been seen for tokens that had
// not arrived everywhere yet.
func (t *token) lagStatus() int {
	return []int{http.StatusNotFound, http.StatusForbidden, http.StatusUnauthorized}[(t.lagged-1)%3]
}

var lagMessages = map[int]string{
	http.StatusNotFound:     "Not Found",
	http.StatusForbidden:    textNotAccessible,
	http.StatusUnauthorized: "Bad credentials",
}

// address returns the caller's address without the port.
func (c *call) address() string {
	host, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	return host
}
