package rotate

import (
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/secret"
)

// Need is a permission that a rotation needs at a place, always with level
// write.
type Need struct {
	Place      secret.Place
	Permission string
}

// Needs returns the permissions that the requests of a rotation need, for the
// caller that mints the tokens. The permissions of a new installation token are
// not included.
func Needs(r *manifest.Rotation) []Need {
	var list []Need
	if key := r.DeployKey; key != nil {
		list = append(list, Need{keyPlace(key), administration})
	}
	for _, t := range targetsOf(r.Store) {
		list = append(list, Need{t.place, t.place.Permission()})
		if t.store.RecipientVariable != "" {
			v := variable{place: t.variablePlace()}
			list = append(list, Need{v.place, v.permission()})
		}
	}
	return list
}
