package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
)

// notGranted says which of the permissions asked for the installation lacks. A name
// that is not known may be none at all, and then nobody can add it anywhere.
func notGranted(err error, asked permission.Set) error {
	var e *githubapp.Error
	if !errors.As(err, &e) || e.Installation == nil {
		return err
	}
	known, unknown := permission.Set{}, permission.Set{}
	for name, level := range asked {
		if _, ok := permission.Lookup(name); ok {
			known[name] = level
		} else {
			unknown[name] = level
		}
	}
	missing, _ := permission.Compare(known, e.Installation.Permissions)
	strange, _ := permission.Compare(unknown, e.Installation.Permissions)
	var hints []string
	if len(strange) > 0 {
		hints = append(hints, fmt.Sprintf("this release knows no permission of this name: %s. Check it against docs/permissions.md; "+
			"one that is newer than this release the App has to have first", strings.Join(strange, ", ")))
	}
	if len(missing) > 0 {
		hints = append(hints, fmt.Sprintf("the installation lacks %s. Add it in the App's settings, have an owner accept it at %s, "+
			"or ask for less", strings.Join(missing, ", "), e.Installation.Page))
	}
	if len(hints) > 0 {
		return &fault.Error{Hint: strings.Join(hints, "; "), Err: err}
	}
	return err
}
