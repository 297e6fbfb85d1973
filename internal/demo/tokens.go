package demo

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

const day = 24 * time.Hour

// personalToken is a token that somebody of the account made by hand.
type personalToken struct {
	owner, name string
	id          int64
}

// The tokens of the account's people, and the policy that judges them.
var (
	reader  = personalToken{"mona", "reader", 501}      // asked for, and harmless
	manager = personalToken{"mona", "manager", 502}     // asked for, and too much
	nightly = personalToken{"hubot", "nightly", 503}    // not used for long
	laptop  = personalToken{"octocat", "laptop", 504}   // a classic one, which is in a commit
	people  = []personalToken{reader, manager, nightly} // fine-grained ones
	policy  = `pats:
  organizations: [` + account + `]
  mode: enforce
  requests:
    - name: readers
      if: {at-most: {repository: {contents: read}}, expires-within: 30d}
      do: approve
    - name: too much
      if: {any-of: {repository: {administration: write}}}
      do: deny
      reason: "{permissions} on {repositories} is for an App."
  grants:
    - {name: unused, if: {unused-for: 90d}, do: revoke, notice: 14d}
  leaks: {do: revoke, resolve: true}
  limits: {share: 50}
  notices: {repository: ` + account + "/" + other + `, mention: owner}
`
)

// addTokens adds people and their tokens.
func (b *sandbox) addTokens() {
	now := time.Now()
	token := func(t personalToken, permission, level string) fakegithub.FineGrainedToken {
		return fakegithub.FineGrainedToken{
			ID: t.id, Owner: t.owner, Name: t.name, Repositories: []string{selected}, ExpiresAt: now.Add(30 * day),
			Permissions: map[string]map[string]string{"repository": {"metadata": "read", permission: level}},
		}
	}
	b.github.RequestAccess(account, token(reader, "contents", "read"))
	b.github.RequestAccess(account, token(manager, "administration", "write"))
	unused := token(nightly, "contents", "write")
	unused.Since, unused.LastUsedAt, unused.ExpiresAt = now.Add(-300*day), now.Add(-200*day), time.Time{}
	b.github.GrantAccess(account, unused)

	b.github.SetSingleSignOn(account, true)
	b.github.AuthorizeCredential(account, fakegithub.Credential{Login: laptop.owner, Note: laptop.name, Scopes: []string{"repo"}})
	b.leaked = b.github.Authorizations(account)[0].Value
	b.github.AddAlert(account, selected, fakegithub.Alert{Secret: b.leaked})
}

// showTokens writes what became of each token, and of what is around them.
func (b *sandbox) showTokens(out io.Writer) {
	for _, t := range people {
		fmt.Fprintf(out, "%s's %s: %s\n", t.owner, t.name, b.stateOf(t))
	}
	for _, alert := range b.github.Alerts(account, selected) {
		fmt.Fprintf(out, "%s's %s, which leaked: %s, alert %s: %s\n", laptop.owner, laptop.name, alert.Validity, alert.State, b.leaked)
	}
	for _, issue := range b.github.Issues(account, other) {
		fmt.Fprintf(out, "issue %d of %s/%s: %s, %s\n", issue.Number, account, other, issue.Title, issue.State)
	}
}

// stateOf says what became of a fine-grained token.
func (b *sandbox) stateOf(t personalToken) string {
	for _, review := range slices.Backward(b.github.Reviews(account)) {
		switch {
		case review.TokenID != t.id:
		case review.Action == "deny":
			return "denied: " + review.Reason
		default:
			return review.Action + "d" // approved, revoked
		}
	}
	for _, request := range b.github.AccessRequests(account) {
		if request.ID == t.id {
			return "asked for"
		}
	}
	return "granted"
}
