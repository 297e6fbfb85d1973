package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/safefile"
)

// parseNumber reads a whole number within limits.
func parseNumber(in *actions.Inputs, name string, least, most int) int {
	text := in.String(name)
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		in.Fault(name, fmt.Sprintf("%s is not a number from %d to %d", actions.Quote(text), least, most),
			"leave it out for the default")
	}
	return n
}

// parsePoints reads the points a minute that requests may cost; 0 means no
// limit.
func parsePoints(in *actions.Inputs) int {
	const name = "points-per-minute"
	points := parseNumber(in, name, 0, 1_000_000)
	if points > 0 && points < githubapp.Points("PUT") {
		in.Fault(name, "is less than one write costs, which is 5", "give 5 or more; 0 is no limit")
	}
	return points
}

// maxManifest bounds the manifest. One that lists 10,000 repositories by name
// takes a third of it.
const maxManifest = 1 << 20

// readManifest reads and checks the manifest.
func readManifest(r *actions.Runner, path string) (*manifest.File, error) {
	text, err := safefile.Read(path, maxManifest)
	if err != nil {
		return nil, fileFault("manifest", path, "can't be read", err,
			"check out the repository first (actions/checkout); the path starts at its root")
	}
	file, err := manifest.Parse(path, text)
	if err == nil {
		err = errors.Join(checkPermissions(r, file), checkPolicy(r, file))
	}
	return file, err
}

// missingSection adds a fault for a manifest without the section that an action
// is for. The hint names the actions that are for what it has.
func missingSection(in *actions.Inputs, path string, file *manifest.File, problem, section string) {
	hint := "add " + section + ": to it; docs/manifest.md says how"
	for _, other := range []struct {
		there        bool
		name, action string
	}{
		{len(file.Secrets) > 0, "secrets:", "sync"},
		{len(file.Rotations) > 0, "rotations:", "rotate"},
		{file.PATs != nil, "pats:", "pats"},
	} {
		if other.there {
			hint += "; its " + other.name + " are for the action " + other.action
		}
	}
	in.Fault("manifest", actions.Quote(path)+problem, hint)
}

// checkPermissions applies the checks of the mint's inputs to the permissions
// of a manifest's tokens.
func checkPermissions(r *actions.Runner, file *manifest.File) error {
	var scopes []*manifest.Scope
	for i := range file.Secrets {
		scopes = append(scopes, file.Secrets[i].Mint)
	}
	for i := range file.Rotations {
		scopes = append(scopes, file.Rotations[i].InstallationToken)
	}
	var faults []error
	for _, scope := range scopes {
		if scope == nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(scope.Permissions)) {
			if err := permission.Check(name, scope.Permissions[name]); err != nil {
				faults = append(faults, file.Fault(scope.Position, "permissions: "+err.Error(), fault.Hint(err)))
			}
		}
		for _, warning := range permission.Unknown(scope.Permissions) {
			r.Warning("%v: %s", scope.Position, warning)
		}
	}
	return errors.Join(faults...)
}
