package pat

import (
	"errors"
	"fmt"
	"slices"

	"github.com/valetkey/valetkey/internal/manifest"
)

// Policy is the policy of a manifest, ready to decide. [Compile] makes it.
type Policy struct {
	organizations []string
	enforce       bool
	protection    Protection
	rules         map[Kind][]rule
}

// may lists what the rules about each kind may do.
var may = map[Kind][]Action{
	Request:       {Approve, Deny, Wait},
	Grant:         {Notice, Revoke, Keep},
	Authorization: {Notice, Withdraw, Keep},
}

// Compile prepares a policy. A rule that it does not understand to the last
// word is an error, even where the parser of manifests ought to have found it:
// a rule that is misread ends somebody's access.
func Compile(source *manifest.PATs) (*Policy, error) {
	p := &Policy{
		organizations: source.Organizations, enforce: source.Enforce,
		protection: Protection{Policy: source.Protect}, rules: map[Kind][]rule{},
	}
	// Requests come first, since rules for grants may ask theirs.
	for _, list := range []struct {
		kind  Kind
		key   string
		rules []manifest.PATRule
	}{{Request, "requests", source.Requests}, {Grant, "grants", source.Grants}, {Authorization, "sso", source.Authorizations}} {
		for i := range list.rules {
			r, err := p.compile(list.kind, &list.rules[i])
			if err != nil {
				return nil, fmt.Errorf("rule %d of %s: %w", i+1, list.key, err)
			}
			p.rules[list.kind] = append(p.rules[list.kind], r)
		}
	}
	return p, nil
}

func (p *Policy) compile(kind Kind, source *manifest.PATRule) (rule, error) {
	r := rule{name: source.Name, action: Action(source.Do), audit: source.Audit, reason: source.Reason, notice: source.Notice}
	var err error
	r.conditions, err = conditions(kind, &source.If, p.rules[Request])
	switch {
	case r.name == "":
		err = errors.New("it has no name")
	case !slices.Contains(may[kind], r.action):
		err = fmt.Errorf("do: %q is none of %s", source.Do, may[kind])
	case err == nil && len(r.conditions) == 0:
		err = fmt.Errorf("if: without a condition, it would match every %s", kind)
	}
	return r, err
}

// covers reports whether the policy is about an organization.
func (p *Policy) covers(organization string) bool { return containsFold(p.organizations, organization) }
