package pat

import (
	"slices"

	"github.com/valetkey/valetkey/internal/manifest"
)

// Need is a permission that a run needs at a place: of an organization, or of a
// repository. Level is read or write.
type Need struct{ Owner, Repository, Permission, Level string }

// Needs returns the permissions that a run needs: to write only where it may
// change something.
func Needs(policy *manifest.PATs, sections Sections, enforce bool) []Need {
	var needs []Need
	enforce = enforce && policy.Enforce
	kinds := kindsOf(policy, sections)
	leaks := sections.Leaks && policy.Leaks != nil
	for _, o := range policy.Organizations {
		for _, kind := range kinds {
			write := enforce && slices.ContainsFunc(rulesOf(policy, kind), changes)
			needs = append(needs, Need{o, "", sources[kind].permission, level(write)})
		}
		if asksForPeople(policy, kinds) {
			needs = append(needs, Need{o, "", "members", "read"})
		}
		if leaks {
			needs = append(needs, Need{o, "", "secret_scanning_alerts", level(enforce && policy.Leaks.Revoke && policy.Leaks.Resolve)})
		}
	}
	if n := policy.Notices; n != nil && givesNotice(policy, sections, true) {
		needs = append(needs, Need{n.Owner, n.Repository, "issues", level(enforce && givesNotice(policy, sections, false))})
	}
	return needs
}

// OwnerNeeds returns the permissions that [Engine.EndOwner] needs.
func OwnerNeeds(policy *manifest.PATs, enforce bool) []Need {
	var needs []Need
	for _, o := range policy.Organizations {
		for _, kind := range []Kind{Request, Grant, Authorization} {
			needs = append(needs, Need{o, "", sources[kind].permission, level(enforce)})
		}
	}
	return needs
}

func level(write bool) string {
	if write {
		return "write"
	}
	return "read"
}

// changes reports whether a rule changes something at GitHub besides issues.
func changes(r manifest.PATRule) bool {
	d := Decision{Action: Action(r.Do)}
	return !r.Audit && d.changes()
}

// givesNotice reports whether a rule of these sections tells owners something;
// audited, whether one would if it was enforced.
func givesNotice(policy *manifest.PATs, sections Sections, audited bool) bool {
	return slices.ContainsFunc(kindsOf(policy, sections), func(kind Kind) bool {
		return kind != Request && slices.ContainsFunc(rulesOf(policy, kind), func(r manifest.PATRule) bool {
			return (audited || !r.Audit) && (Action(r.Do) == Notice || r.Notice > 0)
		})
	})
}

// asksForPeople reports whether a rule asks for a member of the organization or
// a team. A rule about grants may do so through the rules for requests.
func asksForPeople(policy *manifest.PATs, kinds []Kind) bool {
	asks := func(r manifest.PATRule) bool { return r.If.Team != "" || r.If.Membership != "" }
	return slices.ContainsFunc(kinds, func(kind Kind) bool {
		return slices.ContainsFunc(rulesOf(policy, kind), func(r manifest.PATRule) bool {
			return asks(r) || r.If.WouldBe != "" && slices.ContainsFunc(policy.Requests, asks)
		})
	})
}
