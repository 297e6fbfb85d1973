package cli

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/nearest"
	"github.com/valetkey/valetkey/internal/permission"
)

// checkPolicy looks for misspelt permissions in the rules for personal access
// tokens: such a rule matches nothing, and what it should deny would pass.
func checkPolicy(r *actions.Runner, file *manifest.File) error {
	if file.PATs == nil {
		return nil
	}
	var faults []error
	check := func(at manifest.Position, family string, levels map[string]string) {
		for _, name := range slices.Sorted(maps.Keys(levels)) {
			switch near, known := policyPermission(family, name); {
			case known:
			case near != "":
				faults = append(faults, file.Fault(at, family+": "+name+": no permission of that name", "did you mean "+near+"?"))
			default:
				r.Warning("%v: %s: %s is not a permission of that family that this release knows", at, family, name)
			}
		}
	}
	for _, rule := range slices.Concat(file.PATs.Requests, file.PATs.Grants) {
		for _, set := range []*manifest.PATPermissions{rule.If.AnyOf, rule.If.AtMost} {
			if set != nil {
				check(rule.If.Position, "repository", set.Repository)
				check(rule.If.Position, "organization", set.Organization)
				check(rule.If.Position, "other", set.Other)
			}
		}
	}
	return errors.Join(faults...)
}

// policyPermission reports whether a permission of a family is known, and
// otherwise returns the one that it is a misspelling of. Apps have the same
// permissions; the names of some begin with the family there.
func policyPermission(family, name string) (near string, known bool) {
	var names []string
	for _, p := range permission.All() {
		short := strings.TrimPrefix(p.Name, family+"_")
		known = known || (name == p.Name || name == short) && strings.Replace(p.Scope, "account", "other", 1) == family
		names = append(names, p.Name, short)
	}
	if slices.Contains(names, name) { // of this family, or of another one
		return "", known
	}
	return nearest.Word(name, names, min(2, len(name)/4)), false
}
