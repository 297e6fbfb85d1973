package pat

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/wording"
)

// Total is how many grants and authorizations an organization has.
type Total struct{ Grants, Authorizations int }

// Brake keeps a run from doing more than anybody meant it to.
type Brake struct {
	Limits    manifest.PATLimits
	Totals    map[string]Total // by organization in lower case
	Confirmed []string         // organizations whose share may be exceeded
}

// Check returns an error for each organization and action of which more would
// be done than a run may do; nothing at all is to be done then. The decisions
// are those of all organizations that would be carried out now: without those
// whose notice is still running. It leaves out what is in audit mode.
func (b *Brake) Check(due []Decision) error {
	type key struct {
		organization string
		action       Action
	}
	acts := map[key][]*Decision{}
	for i := range due {
		if d := &due[i]; !d.Audit && len(d.Missing) == 0 {
			k := key{strings.ToLower(d.Token.Organization), d.Action}
			acts[k] = append(acts[k], d)
		}
	}
	var errs []error
	for _, k := range slices.SortedFunc(maps.Keys(acts), func(a, b key) int {
		return cmp.Or(strings.Compare(a.organization, b.organization), strings.Compare(string(a.action), string(b.action)))
	}) {
		errs = append(errs, b.check(k.organization, k.action, acts[k]))
	}
	return errors.Join(errs...)
}

func (b *Brake) check(organization string, action Action, acts []*Decision) error {
	at, counted := b.bound(organization, action)
	n, rules := len(acts), byRule(acts)
	const check = "check these rules; if this is what they are for, "
	switch {
	case !counted:
	case n > at.limit:
		return fault.New(fmt.Sprintf("nothing is done: this run would %s %s %s of %s, more than the %s that limits allow (%s)",
			action, wording.Number(n), at.of, organization, wording.Number(at.limit), rules),
			fmt.Sprintf("%sset limits: {%s: %d} in the manifest until it is done", check, action, n))
	case at.ends && n*100 > b.Limits.Share*at.total && !containsFold(b.Confirmed, organization):
		return fault.New(fmt.Sprintf("nothing is done: this run would %s %s of the %s %s of %s, "+
			"more than the %d%% that need no confirmation (%s)",
			action, wording.Number(n), wording.Number(at.total), at.of, organization, b.Limits.Share, rules),
			fmt.Sprintf("%srun once with confirm: %s", check, organization))
	}
	return nil
}

// bound is how many of one action a run may do. One that ends access is also
// bound by its share of all that there are.
type bound struct {
	limit, total int
	ends         bool
	of           string
}

// bound returns the bound of an action. What changes nothing has none.
func (b *Brake) bound(organization string, action Action) (bound, bool) {
	total := b.Totals[organization]
	switch action {
	case Approve:
		return bound{limit: b.Limits.Approve, of: "requests"}, true
	case Deny:
		return bound{limit: b.Limits.Deny, of: "requests"}, true
	case Revoke:
		return bound{limit: b.Limits.Revoke, total: total.Grants, ends: true, of: "grants"}, true
	case Withdraw:
		return bound{limit: b.Limits.Withdraw, total: total.Authorizations, ends: true, of: "authorizations"}, true
	}
	return bound{}, false
}

// byRule lists how many decisions each rule made, those with the most first.
func byRule(decisions []*Decision) string {
	counts := map[string]int{}
	for _, d := range decisions {
		counts[d.Rule]++
	}
	rules := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	for i, rule := range rules {
		rules[i] = fmt.Sprintf("%s by rule %q", wording.Number(counts[rule]), rule)
	}
	return wording.Names(rules)
}
