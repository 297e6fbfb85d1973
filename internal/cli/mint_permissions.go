package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/permission"
)

// permissionRequest is what a step asks for, in whichever words, and the
// permissions that it adds up to.
type permissionRequest struct {
	All         bool              // whatever the installation has, on purpose
	Explicit    permission.Set    // by name
	Needs       []permission.Need // by scope and by operation
	Permissions permission.Set    // the sum
	Broad       []string          // what the scopes really are, where that is far more than a job, and how to ask for less
	Notices     []string          // each once
}

// parsePermissions reads every input that says what the token may do.
func parsePermissions(in *actions.Inputs) (asked permissionRequest, warnings []string) {
	single := parseSingle(in)
	asked, faults := combine(in.String("permissions"), single, in.String("scopes"), in.String("operations"))
	for _, err := range faults {
		var f actions.Fault
		if errors.As(err, &f) {
			in.Fault(f.Input, f.Problem, f.Hint)
		}
	}
	strict := in.Choice("permission-check", "warn", "strict") == "strict"
	if more := asked.excess(); len(more) > 0 {
		problem := "asks for more than the scopes and operations take: " + strings.Join(more, ", ")
		if strict {
			in.Fault("permissions", problem, "leave it out, or name the operation that takes it")
		} else {
			warnings = append(warnings, "permissions "+problem)
		}
	}
	return asked, append(warnings, permission.Unknown(asked.Permissions)...)
}

// parseSingle reads the inputs of single permissions. It reads every one that
// the step has, even if action.yml does not declare it: GitHub has new
// permissions before this release knows them, and a token would get all
// permissions if a misspelt one were ignored.
func parseSingle(in *actions.Inputs) permission.Set {
	const prefix = "permission-"
	single := permission.Set{}
	for _, given := range in.Prefixed(prefix, "permission-check") {
		name := given.Name[len(prefix):]
		err := permission.Check(name, given.Value)
		one := permission.Set{permission.Name(name): strings.ToLower(given.Value)}
		if err == nil {
			var clash []error
			if single, clash = permission.Merge(single, one); len(clash) > 0 {
				err = clash[0]
			}
		}
		if err != nil {
			in.Fault(actions.DisplayName(given.Name, prefix+"…"), err.Error(), fault.Hint(err))
		}
	}
	return single
}

// everyPermission is the word with which permissions asks for all on purpose.
const everyPermission = "all"

// combine adds up permissions by name (from two sources), scopes and
// operations. Two levels for one name are a fault if both are given by name; a
// scope or an operation raises a level. Each fault names its input.
func combine(permissions string, single permission.Set, scopes, operations string) (permissionRequest, []error) {
	var faults []error
	note := func(input string, errs []error) {
		for _, err := range errs {
			faults = append(faults, actions.Fault{Input: input, Problem: err.Error(), Hint: fault.Hint(err)})
		}
	}
	// An input that is given must name something: without permissions, a token
	// gets all of them.
	given := func(input, text string, named int, errs []error, hint string) {
		if note(input, errs); text != "" && named == 0 && len(errs) == 0 {
			faults = append(faults, actions.Fault{Input: input, Problem: "is given, but names nothing", Hint: hint})
		}
	}
	if strings.EqualFold(strings.TrimSpace(permissions), everyPermission) {
		if len(single)+len(scopes)+len(operations) > 0 {
			faults = append(faults, actions.Fault{
				Input: "permissions", Problem: "can't be all together with scopes, operations or permission-…",
				Hint: "name what the job needs, or leave the others out",
			})
		}
		return permissionRequest{All: true}, faults
	}
	set, errs := permission.Parse(permissions)
	given("permissions", permissions, len(set), errs, "write one permission a line, such as contents: read; "+
		"permissions: all takes everything that the installation has")
	explicit, errs := permission.Merge(set, single)
	note("permissions", errs)
	w := permissionRequest{Explicit: explicit}
	byScope, errs := permission.Scopes(scopes)
	given("scopes", scopes, len(byScope), errs, "write scopes as on a personal access token, such as repo, read:org")
	covered := permission.Cover(append(byScope, permission.Need{Permissions: explicit}))
	byOperation, errs := permission.Operations(operations, covered)
	given("operations", operations, len(byOperation), errs,
		"write one operation a line, such as GET /repos/{owner}/{repo}/issues or git clone")
	w.Needs = slices.Concat(byScope, byOperation)
	for _, n := range w.Needs {
		if text := broad(n); text != "" {
			w.Broad = append(w.Broad, text)
		}
		if n.Notice != "" && !slices.Contains(w.Notices, n.Notice) {
			w.Notices = append(w.Notices, n.Notice)
		}
	}
	w.Permissions = permission.Cover(append(slices.Clone(w.Needs), permission.Need{Permissions: explicit}))
	return w, faults
}

// broad says what a scope really is if that is more than a job takes, and how
// to ask for less. It returns "" for a need that is not broad.
func broad(n permission.Need) string {
	parts := strings.Join(n.Narrower, ", ")
	switch {
	case n.Administers() && parts != "":
		return n.From + " is an administrator: say what the job does, in operations such as git push, or take a part of it: " + parts
	case n.Administers():
		return n.From + " is an administrator: say what the job does, in operations such as git push"
	case parts != "":
		return n.From + " has parts, each for one job: " + parts
	}
	return ""
}

// excess returns the permissions that are asked for by name and needed by no
// scope or operation. It returns none if there are no scopes and operations to
// compare with.
func (w permissionRequest) excess() []string {
	if len(w.Needs) == 0 || len(w.Explicit) == 0 {
		return nil
	}
	return permission.Excess(w.Explicit, w.Needs)
}
