package manifest

import "time"

// PATs is the policy for the personal access tokens of some organizations. Of
// each list of rules the first that matches decides; where none does, a person
// has to.
type PATs struct {
	Position
	Organizations  []string
	Enforce        bool // mode: enforce; otherwise nothing is changed
	Requests       []PATRule
	Grants         []PATRule
	Authorizations []PATRule // for single sign-on; key sso
	Leaks          *PATLeaks
	Protect        PATProtection
	Limits         PATLimits
	Notices        *PATNotices // nil: no notice is given
}

// PATRule is one rule. What it may do depends on its list: approve, deny or
// wait for requests; notice, revoke or keep for grants; notice, withdraw or keep
// for authorizations.
type PATRule struct {
	Position
	Name   string
	If     PATCondition
	Do     string
	Audit  bool          // mode: audit of the rule alone
	Reason string        // what the owner is told: a template; empty for none
	Notice time.Duration // how long before a revoke or withdrawal the owner is told; zero: not at all
}

// PATCondition matches a token that meets all of its parts. Parts with a zero
// value are not asked for; at least one is.
type PATCondition struct {
	Position
	Owner           string    // a login or a pattern
	Team            string    // the slug of a team of the organization
	Membership      string    // member or not-a-member
	Repositories    Selection // the token opens repositories, and all of them are these
	AnyRepository   Selection // at least one of the repositories that it opens is one of these
	RepositoryScope string    // GitHub's repository_selection: none, all or subset; key selection
	AnyOf           *PATPermissions
	AtMost          *PATPermissions
	ExpiresWithin   time.Duration
	NeverExpires    bool
	LifetimeOver    time.Duration
	UnusedFor       time.Duration // grants and authorizations
	GrantedFor      time.Duration // grants and authorizations: how long ago
	WaitingFor      time.Duration // requests
	Reason          string        // requests: a regular expression that the owner's reason contains
	TokenName       string        // a pattern
	WouldBe         string        // grants: what the rules for requests would do: approve or deny
	Kind            string        // authorizations: classic, fine-grained, ssh-key, oauth-app or github-app
	Scopes          []string      // authorizations: at least one of these scopes
}

// PATPermissions are permissions by GitHub's families: family → name → level.
// The same name means another thing in another family.
type PATPermissions struct{ Organization, Repository, Other map[string]string }

// PATLeaks is what is done about tokens that secret scanning found and that
// still work.
type PATLeaks struct {
	Position
	Revoke  bool     // otherwise they are only reported
	Kinds   []string // prefixes without their underscore: ghp, github_pat, gho, ghu, ghr
	Resolve bool     // close the alert afterwards
}

// PATProtection names what no rule touches.
type PATProtection struct {
	Owners   []string
	TokenIDs []int64
}

// PATLimits is how many of each one run may do in each organization; with more,
// nothing is done at all. Share is in percent of the organization's grants or
// authorizations, above which ending them has to be confirmed.
type PATLimits struct{ Approve, Deny, Revoke, Withdraw, Share int }

// PATNotices says where owners are told.
type PATNotices struct {
	Position
	Owner, Repository string
	Mention           bool // write @OWNER, so that GitHub tells them
}
