package fakegithub

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// auth is what a route asks for.
type auth int

const (
	public            auth = iota // anyone; a credential that is sent must still be good
	appJWT                        // the JWT of an App
	installationToken             // an installation token
	personalToken                 // a token of a person
)

// nobody is the rate limit bucket of callers without a good credential, one per address.
const nobody = "ip"

// caller is who asks, as far as the credential proves it.
type caller struct {
	app   *App
	token *token
	who   string // kind of rate limit bucket: "app", "installation", "user" or nobody

	personalToken *PersonalToken
	bucket        *bucket
}

// identify reads the Authorization header. A refusal is only returned, not acted upon: the rate limit comes first.
func (c *call) identify() (caller, *answer) {
	who := caller{who: nobody}
	header := c.r.Header.Get("Authorization")
	if header == "" {
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
		return caller{app: app, who: "app"}, nil
	}
	if strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "token") {
		if t := c.liveToken(value); t != nil {
			return caller{token: t, who: "installation"}, nil
		}
		if t, ok := c.personal[value]; ok && (t.ExpiresAt.IsZero() || c.now.Before(t.ExpiresAt)) {
			return caller{personalToken: &t, who: "user"}, nil
		}
	}
	return who, c.badCredentials()
}

// authorize checks that the caller is of the kind the route wants, and that its token works by now.
func (c *call) authorize() *answer {
	switch {
	case c.route.auth == personalToken && c.token != nil:
		return refuse(c.fail(http.StatusForbidden, "Resource not accessible by integration"))
	case c.route.auth == personalToken && c.personalToken != nil:
		return nil
	case c.route.auth != public && c.app == nil && c.token == nil:
		return refuse(c.fail(http.StatusUnauthorized, "Requires authentication"))
	case c.route.auth == installationToken && c.token == nil:
		return c.badCredentials() // a JWT where a token is needed; text unconfirmed
	case c.token == nil:
		return nil
	case !c.token.installation.suspendedAt.IsZero():
		return refuse(c.suspended()) // for tokens that were minted before; unconfirmed
	case c.route.pattern != revokePattern && c.token.tooNew():
		return refuse(c.fail(c.token.lagStatus(), lagMessages[c.token.lagStatus()]))
	}
	return nil
}

func (c *call) badCredentials() *answer {
	return refuse(c.failDoc(http.StatusUnauthorized, "Bad credentials", ""))
}

func (c *call) suspended() answer {
	return c.failDoc(http.StatusForbidden, "This installation has been suspended",
		"/reference/apps#create-an-installation-access-token-for-an-app")
}

// mayRead tells whether a repository exists as far as the caller can see.
func (c *call) mayRead(repo *repository) bool {
	return !repo.Private || (c.token != nil && c.token.covers(repo))
}

// lacks is the 403 for a token that sees the thing but holds too low a level of the permission.
func (c *call) lacks(key, level string) *answer {
	if c.token == nil || allows(c.token.permissions, key, level) {
		return nil
	}
	a := c.fail(http.StatusForbidden, "Resource not accessible by integration")
	a.header = map[string]string{"X-Accepted-GitHub-Permissions": fmt.Sprintf("%s=%s", key, level)}
	return &a
}

// tooNew uses up one call of the replication lag.
func (t *token) tooNew() bool {
	if t.lag == 0 {
		return false
	}
	t.lag--
	t.lagged++
	return true
}

// lagStatus cycles through what has been seen of tokens that had not arrived everywhere yet.
func (t *token) lagStatus() int {
	return []int{http.StatusNotFound, http.StatusForbidden, http.StatusUnauthorized}[(t.lagged-1)%3]
}

var lagMessages = map[int]string{
	http.StatusNotFound:     "Not Found",
	http.StatusForbidden:    "Resource not accessible by integration",
	http.StatusUnauthorized: "Bad credentials",
}

// address is the caller's, without the port.
func (c *call) address() string {
	host, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	return host
}
