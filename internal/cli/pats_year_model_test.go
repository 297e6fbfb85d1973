//go:build !race

package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// patPolicy is the policy of the year, as a person understands it who reads it.
// It shares no code with the one that the action has.
type patPolicy struct {
	enforce          bool
	idle, idleNotice time.Duration
	limit, share     int // of what is revoked, and as much of what is withdrawn
}

func (p patPolicy) manifest() string {
	mode, notice := "audit", ""
	if p.enforce {
		mode = "enforce"
	}
	if p.idleNotice > 0 {
		notice = fmt.Sprintf(", notice: %dd", p.idleNotice/day)
	}
	return fmt.Sprintf(`
pats:
  organizations: [fleet]
  mode: %s
  requests:
    - name: readers
      if:
        team: platform
        repositories: [fleet/ci-*]
        at-most: {repository: {contents: read, actions: read}}
        expires-within: 40d
        reason: "[A-Z]+-[0-9]+"
      do: approve
    - name: too much
      if: {any-of: {repository: {administration: write, secrets: write}, organization: {members: write}}}
      do: deny
      reason: "{permissions} is for an App"
    - {name: everywhere, if: {selection: all}, do: deny, mode: audit}
    - {name: forgotten, if: {waiting-for: 14d}, do: deny, reason: "Nobody took it up; ask again."}
  grants:
    - {name: left, if: {membership: not-a-member}, do: revoke}
    - {name: unused, if: {unused-for: %dd, granted-for: 30d}, do: revoke%s}
    - {name: no end, if: {never-expires: true}, do: revoke, notice: 30d}
    - {name: tried out, if: {any-repository: [fleet/infra], any-of: {repository: {contents: write}}}, do: revoke, mode: audit}
    - {name: ending, if: {expires-within: 7d}, do: notice}
    - {name: would not get it today, if: {would-be: deny}, do: notice}
  sso:
    - {name: left, if: {membership: not-a-member}, do: withdraw}
    - {name: broad, if: {kind: classic, scopes: [admin:org, delete_repo]}, do: withdraw, notice: 14d}
    - {name: unused, if: {kind: classic, unused-for: 180d}, do: notice}
  leaks: {do: revoke, resolve: true}
  protect: {owners: [release-bot], token-ids: [%d]}
  limits: {revoke: %d, withdraw: %d, share: %d}
  notices: {repository: fleet/desk, mention: owner}
`, mode, p.idle/day, notice, protectedID, p.limit, p.limit, p.share)
}

const protectedID = 98716

// ruling is what a policy makes of a token.
type ruling struct {
	rule, action string // action is empty for nothing, and for what is only tried out
	notice       time.Duration
}

// ofRequest judges a request of somebody.
func (p patPolicy) ofRequest(t *fakegithub.FineGrainedToken, who *employee, now time.Time) ruling {
	switch {
	case who.exempt || t.ID == protectedID:
		return ruling{}
	case who.platform && opensOnlyCI(t) && readsOnly(t) && endsWithin(t, 40*day, now) && ticket.MatchString(t.Reason):
		return ruling{rule: "readers", action: "approve"}
	case isTooMuch(t):
		return ruling{rule: "too much", action: "deny"}
	case t.Selection == "all": // tried out
		return ruling{}
	case now.Sub(t.Since) >= 14*day:
		return ruling{rule: "forgotten", action: "deny"}
	}
	return ruling{}
}

var ticket = regexp.MustCompile(`[A-Z]+-[0-9]+`)

func opensOnlyCI(t *fakegithub.FineGrainedToken) bool {
	isOther := func(name string) bool { return !strings.HasPrefix(name, "ci-") }
	return t.Selection == "subset" && len(t.Repositories) > 0 && !slices.ContainsFunc(t.Repositories, isOther)
}

func opensInfra(t *fakegithub.FineGrainedToken) bool {
	return t.Selection == "all" || slices.Contains(t.Repositories, "infra")
}

func readsOnly(t *fakegithub.FineGrainedToken) bool {
	for name, level := range t.Permissions["repository"] {
		if level != "read" || name != "contents" && name != "actions" && name != "metadata" {
			return false
		}
	}
	return len(t.Permissions["organization"]) == 0
}

func isTooMuch(t *fakegithub.FineGrainedToken) bool {
	repository, organization := t.Permissions["repository"], t.Permissions["organization"]
	return repository["administration"] == "write" || repository["secrets"] == "write" || organization["members"] == "write"
}

func endsWithin(t *fakegithub.FineGrainedToken, d time.Duration, now time.Time) bool {
	return !t.ExpiresAt.IsZero() && t.ExpiresAt.Sub(now) <= d
}

// ofGrant judges a grant of somebody.
func (p patPolicy) ofGrant(t *fakegithub.FineGrainedToken, who *employee, now time.Time) ruling {
	used := t.Since
	if t.LastUsedAt.After(used) {
		used = t.LastUsedAt
	}
	switch {
	case who.exempt || t.ID == protectedID, who.invited: // nobody knows whether who was invited belongs to it
		return ruling{}
	case !who.member:
		return ruling{rule: "left", action: "revoke"}
	case now.Sub(used) >= p.idle && now.Sub(t.Since) >= 30*day:
		return ruling{rule: "unused", action: "revoke", notice: p.idleNotice}
	case t.ExpiresAt.IsZero():
		return ruling{rule: "no end", action: "revoke", notice: 30 * day}
	case t.Permissions["repository"]["contents"] == "write" && opensInfra(t): // tried out
		return ruling{}
	case endsWithin(t, 7*day, now):
		return ruling{rule: "ending", action: "notice"}
	case isTooMuch(t), t.Selection == "all":
		return ruling{rule: "would not get it today", action: "notice"}
	}
	return ruling{}
}

// ofCredential judges an authorization for single sign-on.
func (p patPolicy) ofCredential(c *fakegithub.Credential, who *employee, now time.Time) ruling {
	isBroad := func(scope string) bool { return scope == "admin:org" || scope == "delete_repo" }
	switch {
	case who.exempt || c.CredentialID == protectedID, who.invited:
		return ruling{}
	case !who.member:
		return ruling{rule: "left", action: "withdraw"}
	case c.Type == fakegithub.ClassicToken && slices.ContainsFunc(c.Scopes, isBroad):
		return ruling{rule: "broad", action: "withdraw", notice: 14 * day}
	case c.Type == fakegithub.ClassicToken && now.Sub(c.AuthorizedAt) >= 180*day && now.Sub(c.AccessedAt) >= 180*day:
		return ruling{rule: "unused", action: "notice"}
	}
	return ruling{}
}
