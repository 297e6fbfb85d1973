package cli

import (
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/permission"
)

// wishes is what a step asks for, in whichever words, and what that comes to.
type wishes struct {
	All         bool              // whatever the installation has, said on purpose
	Explicit    permission.Set    // by name
	Needs       []permission.Need // by scope and by operation
	Permissions permission.Set    // the sum
	Notices     []string
}

// everyPermission is how permissions says all on purpose.
const everyPermission = "all"

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
	// Nothing that is given may come to nothing: no permissions are all of them.
	given := func(input, text string, named int, errs []error, cure string) {
		if note(input, errs); text != "" && named == 0 && len(errs) == 0 {
			faults = append(faults, actions.Fault{Input: input, Problem: "is given, but names nothing", Cure: cure})
		}
	}
	if strings.EqualFold(strings.TrimSpace(permissions), everyPermission) {
		if len(single)+len(scopes)+len(operations) > 0 {
			faults = append(faults, actions.Fault{
				Input: "permissions", Problem: "can't be all with scopes, operations or permission-… beside it",
				Cure: "name what the job needs, or leave the others out",
			})
		}
		return wishes{All: true}, faults
	}
	set, errs := permission.Parse(permissions)
	given("permissions", permissions, len(set), errs, "write one permission a line, such as contents: read; "+
		"permissions: all says that it is to be whatever the installation has")
	explicit, errs := permission.Merge(set, single)
	note("permissions", errs)
	w := wishes{Explicit: explicit}
	byScope, errs := permission.Scopes(scopes)
	given("scopes", scopes, len(byScope), errs, "write scopes as on a personal access token, such as repo, read:org")
	covered := permission.Cover(append(byScope, permission.Need{Permissions: explicit}))
	byOperation, errs := permission.Operations(operations, covered)
	given("operations", operations, len(byOperation), errs,
		"write one operation a line, such as GET /repos/{owner}/{repo}/issues or git clone")
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
