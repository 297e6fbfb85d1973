// Package pat governs the personal access tokens that people still make by
// hand: it decides by a policy who gets access, which access ends, and who is
// told before. [Decide] is the pure core: policy and facts in, decision out.
//
// It never reads the environment or a clock, and holds no value of a token but
// those of leaks that are being revoked. It sends nothing but the calls of the
// [apicall.Func] that it is given.
package pat

import "time"

// Kind is what a token is judged as.
type Kind string

// The kinds. Fine-grained tokens ask and are granted; classic ones and SSH keys
// show up only where an organization has SAML single sign-on.
const (
	Request       Kind = "request"
	Grant         Kind = "grant"
	Authorization Kind = "authorization"
)

// Token is one request, grant or authorization as GitHub lists it.
type Token struct {
	Kind         Kind
	Organization string
	ID           int64  // of the request, grant or authorization, for calls about it
	TokenID      int64  // of the token or key itself, the same in all lists; zero: GitHub does not say
	Name         string // as its owner named it
	Owner        string // login
	OwnerID      int64  // zero for an authorization, of which GitHub tells the login alone

	Permissions Permissions // of a fine-grained token
	Selection   string      // its repositories, in GitHub's words: none, all or subset
	Reason      string      // of a request

	Credential string   // of an authorization, in GitHub's words, such as "personal access token"
	Scopes     []string // of a classic token; nil: GitHub does not say, empty: none

	Since    time.Time // when it was requested, granted or authorized
	Expires  time.Time // zero: never
	Expired  bool
	LastUsed time.Time // zero: never
}

// Permissions are permissions with their levels, by GitHub's families. A family
// that GitHub's answer lacks is nil; if it lacks all of them, nobody knows what
// the token may do.
type Permissions struct {
	Organization map[string]string `json:"organization,omitempty"`
	Repository   map[string]string `json:"repository,omitempty"`
	Other        map[string]string `json:"other,omitempty"`
}

// Facts is what is known about the tokens of one organization besides the
// lists. What was not asked for yet is missing, and what could not be found out
// is in Failed.
type Facts struct {
	Members      map[string]bool            // login in lower case → belongs to the organization
	Teams        map[string]map[string]bool // slug → logins of its members, in lower case
	Repositories map[Listed][]string        // OWNER/NAME of all that the request or grant opens
	Failed       map[Fact]string            // why it is not known
}

// Fact names one thing to find out. Exactly one field is set.
type Fact struct {
	Member       string // login in lower case: does it belong to the organization?
	Team         string // slug in lower case: who belongs to it?
	Repositories Listed // a request or grant whose selection is subset: which ones?
}

// Listed is one request or grant of an organization. Requests and grants are
// counted apart, so that the id alone may mean one of each.
type Listed struct {
	Kind Kind
	ID   int64
}
