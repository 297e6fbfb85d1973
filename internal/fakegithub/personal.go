package fakegithub

import (
	"strings"
	"time"
)

// PersonalToken is a person's token, as far as `GET /user` shows it.
type PersonalToken struct {
	Value     string
	Login     string    // added as a user when unknown
	Classic   bool      // only classic tokens have scopes and show them
	Scopes    []string  // of a classic one
	ExpiresAt time.Time // zero: never
	SSO       string    // the X-GitHub-SSO header, when it lacks an authorization
}

// AddPersonalToken makes a token known.
func (s *Server) AddPersonalToken(t PersonalToken) {
	s.AddAccount(Account{Login: t.Login, Type: "User"})
	s.mu.Lock()
	defer s.mu.Unlock()
	added := &personal{PersonalToken: t}
	if known := s.personal[t.Value]; known != nil {
		added.fineGrained = known.fineGrained
	}
	s.personal[t.Value] = added
}

// personal is a person's token in use. Tokens of OAuth apps and of users of an
// App are here as well: they also act for a person.
type personal struct {
	PersonalToken
	fineGrained *fineGrained // nil for the others
	revoked     bool
}

// works reports whether the token is accepted at a time.
func (p *personal) works(now time.Time) bool {
	return !p.revoked && (p.ExpiresAt.IsZero() || now.Before(p.ExpiresAt))
}

// describe sets the headers that answers to a personal token carry (github-api:
// error bodies, single sign-on).
func (t PersonalToken) describe(header map[string]string) {
	if t.Classic {
		header["X-OAuth-Scopes"] = strings.Join(t.Scopes, ", ")
		header["X-Accepted-OAuth-Scopes"] = ""
	}
	if !t.ExpiresAt.IsZero() {
		header["GitHub-Authentication-Token-Expiration"] = t.ExpiresAt.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	if t.SSO != "" {
		header["X-GitHub-SSO"] = t.SSO
	}
}

// getAuthenticatedUser is GET /user, which returns the owner of a personal
// token.
func getAuthenticatedUser(c *call) answer {
	c.params = map[string]string{"account": c.personalToken.Login}
	a := getUser(c)
	a.header = map[string]string{}
	c.personalToken.describe(a.header)
	return a
}
