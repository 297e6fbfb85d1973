package rotate

import (
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/secret"
)

// Need is a permission that a rotation takes at a place, at level write.
type Need struct {
	Place      secret.Place
	Permission string
}

// Needs lists what the requests of a rotation will take, for whoever makes the
// tokens. What a new installation token opens is not among it.
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
