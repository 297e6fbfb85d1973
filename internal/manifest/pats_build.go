package manifest

import (
	"slices"
	"strings"
	"time"
)

// buildPATs makes a policy of the values, and checks what the table can't say.
func (p *parser) buildPATs(v *value) *PATs {
	if v == nil {
		return nil
	}
	policy := &PATs{
		Position:      v.at,
		Organizations: textsOf(v.get("organizations")),
		Enforce:       v.get("mode").textOrEmpty() == "enforce",
		Leaks:         buildLeaks(v.get("leaks")),
		Protect:       buildProtection(v.get("protect")),
		Limits:        buildLimits(v.get("limits")),
		Notices:       buildNotices(v.get("notices")),
	}
	policy.Requests = p.buildRules(v, "requests", policy.Organizations)
	policy.Grants = p.buildRules(v, "grants", policy.Organizations)
	policy.Authorizations = p.buildRules(v, "sso", policy.Organizations)
	return policy
}

// buildRules makes the rules of one list of a policy.
func (p *parser) buildRules(policy *value, list string, organizations []string) []PATRule {
	var rules []PATRule
	names := map[string]bool{}
	for _, v := range policy.get(list).list() {
		r := PATRule{
			Position: v.at,
			Name:     v.get("name").textOrEmpty(),
			If:       p.buildCondition(v.get("if"), organizations),
			Do:       v.get("do").textOrEmpty(),
			Audit:    v.get("mode") != nil,
			Reason:   strings.TrimSpace(v.get("reason").textOrEmpty()),
			Notice:   timeOf(v.get("notice")),
		}
		rules = append(rules, r)
		p.checkRule(policy, v)
		key := strings.ToLower(r.Name)
		if key != "" && names[key] {
			p.add(v.get("name").at, "another rule of "+list+" has this name", "give each a name of its own; reports go by it")
		}
		names[key] = true
	}
	return rules
}

func (p *parser) buildCondition(v *value, organizations []string) PATCondition {
	if v == nil {
		return PATCondition{}
	}
	c := PATCondition{
		Position:        v.at,
		Owner:           v.get("owner").textOrEmpty(),
		Team:            v.get("team").textOrEmpty(),
		Membership:      v.get("membership").textOrEmpty(),
		Repositories:    p.buildRepositories(v.get("repositories"), organizations),
		AnyRepository:   p.buildRepositories(v.get("any-repository"), organizations),
		RepositoryScope: v.get("selection").textOrEmpty(),
		AnyOf:           buildPermissions(v.get("any-of")),
		AtMost:          buildPermissions(v.get("at-most")),
		ExpiresWithin:   timeOf(v.get("expires-within")),
		NeverExpires:    v.get("never-expires") != nil,
		LifetimeOver:    timeOf(v.get("lifetime-over")),
		UnusedFor:       timeOf(v.get("unused-for")),
		GrantedFor:      timeOf(v.get("granted-for")),
		WaitingFor:      timeOf(v.get("waiting-for")),
		Reason:          v.get("reason").textOrEmpty(),
		TokenName:       v.get("token-name").textOrEmpty(),
		WouldBe:         v.get("would-be").textOrEmpty(),
		Kind:            v.get("kind").textOrEmpty(),
		Scopes:          textsOf(v.get("scopes")),
	}
	p.checkCondition(v)
	return c
}

// buildRepositories makes a Selection of a list without topics, of repositories
// of the policy's organizations.
func (p *parser) buildRepositories(list *value, organizations []string) Selection {
	s := p.selection(list, "")
	for _, e := range s.entries {
		if len(organizations) > 0 && !containsFold(organizations, e.owner) {
			p.add(e.Position, "a repository of none of the organizations", "correct its owner, or add that to organizations:")
		}
	}
	p.checkRepositories(s)
	return s
}

func buildPermissions(v *value) *PATPermissions {
	if v == nil {
		return nil
	}
	return &PATPermissions{
		Organization: levelsOf(v.get("organization")), Repository: levelsOf(v.get("repository")), Other: levelsOf(v.get("other")),
	}
}

func buildLeaks(v *value) *PATLeaks {
	if v == nil {
		return nil
	}
	l := &PATLeaks{Position: v.at, Revoke: v.get("do").textOrEmpty() == "revoke", Kinds: textsOf(v.get("kinds"))}
	if len(l.Kinds) == 0 {
		l.Kinds = slices.Clone(leakKinds)
	}
	if resolve := v.get("resolve"); resolve != nil {
		l.Resolve = resolve.isTrue
	}
	return l
}

func buildProtection(v *value) PATProtection {
	protect := PATProtection{Owners: textsOf(v.get("owners"))}
	for _, id := range v.get("token-ids").list() {
		protect.TokenIDs = append(protect.TokenIDs, id.number)
	}
	return protect
}

func buildLimits(v *value) PATLimits {
	limits := PATLimits{Approve: 100, Deny: 100, Revoke: 20, Withdraw: 10, Share: 10}
	for key, limit := range map[string]*int{
		"approve": &limits.Approve, "deny": &limits.Deny, "revoke": &limits.Revoke, "withdraw": &limits.Withdraw, "share": &limits.Share,
	} {
		if given := v.get(key); given != nil {
			*limit = int(given.number)
		}
	}
	return limits
}

func buildNotices(v *value) *PATNotices {
	if v == nil {
		return nil
	}
	n := &PATNotices{Position: v.at, Mention: v.get("mention").textOrEmpty() == "owner"}
	n.Owner, n.Repository, _ = strings.Cut(v.get("repository").textOrEmpty(), "/")
	return n
}

// timeOf returns a time in the form that the table checked, or zero.
func timeOf(v *value) time.Duration {
	if v == nil || !v.valid {
		return 0
	}
	return parseInterval(v.text)
}
