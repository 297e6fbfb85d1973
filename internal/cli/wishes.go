package cli

import (
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/permission"
)

// wishes is what a step asks for, in whichever words, and what that comes to.
type wishes struct {
	Explicit    permission.Set    // by name
	Needs       []permission.Need // by scope and by operation
	Permissions permission.Set    // the sum
	Notices     []string
}

// combine adds up permissions by name (two sources), scopes and operations. Of
// the sources by name, two levels for one name are a fault; a scope or an
// operation raises a level. Each fault names its input.
func combine(permissions string, single permission.Set, scopes, operations string) (wishes, []error) {
	var faults []error
	note := func(input string, errs []error) {
		for _, err := range errs {
			problem, cure, _ := strings.Cut(err.Error(), "; hint: ")
			faults = append(faults, actions.Fault{Input: input, Problem: problem, Cure: cure})
		}
	}
	set, errs := permission.Parse(permissions)
	note("permissions", errs)
	explicit, errs := permission.Merge(set, single)
	note("permissions", errs)
	w := wishes{Explicit: explicit}
	byScope, errs := permission.Scopes(scopes)
	note("scopes", errs)
	given := permission.Cover(append(byScope, permission.Need{Permissions: explicit}))
	byOperation, errs := permission.Operations(operations, given)
	note("operations", errs)
	w.Needs = slices.Concat(byScope, byOperation)
	for _, n := range w.Needs {
		if n.Notice != "" {
			w.Notices = append(w.Notices, n.Notice)
		}
	}
	w.Permissions = permission.Cover(append(slices.Clone(w.Needs), permission.Need{Permissions: explicit}))
	return w, faults
}

// excess names what is asked for by name and needed by nothing else. Without
// scopes and operations there is nothing to hold it against.
func (w wishes) excess() []string {
	if len(w.Needs) == 0 || len(w.Explicit) == 0 {
		return nil
	}
	return permission.Excess(w.Explicit, w.Needs)
}
