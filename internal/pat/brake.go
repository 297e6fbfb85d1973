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
	limit, of := 0, "requests"
	ends, total := false, 0
	switch action {
	case Approve:
		limit = b.Limits.Approve
	case Deny:
		limit = b.Limits.Deny
	case Revoke:
		limit, of, ends, total = b.Limits.Revoke, "grants", true, b.Totals[organization].Grants
	case Withdraw:
		limit, of, ends, total = b.Limits.Withdraw, "authorizations", true, b.Totals[organization].Authorizations
	default:
		return nil
	}
	n := len(acts)
	would := fmt.Sprintf("nothing is done: this run would %s %s %s of %s (%s)", action, wording.Number(n), of, organization, byRule(acts))
	switch {
	case n > limit:
		return fault.New(fmt.Sprintf("%s, and limits allow %s", would, wording.Number(limit)),
			fmt.Sprintf("check these rules; if this is what they are for, set limits: {%s: %d} until it is done", action, n))
	case ends && n*100 > b.Limits.Share*total && !containsFold(b.Confirmed, organization):
		return fault.New(fmt.Sprintf("%s out of %s, and limits allow %d%% without being confirmed", would, wording.Number(total), b.Limits.Share),
			fmt.Sprintf("check these rules; if this is what they are for, run once with confirm: %s", organization))
	}
	return nil
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
