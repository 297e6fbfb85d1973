package fleet

import (
	"maps"
	"slices"
)

// Spread is one secret that a manifest wants in the repositories of one owner, for
// Actions, as one value. If that is an organization, one secret of its own may do.
type Spread struct {
	Secret, Owner string
	Repositories  int
	All           bool // they are all that the App reaches there and that can be written to
}

// spreading is one secret of the manifest over one owner's repositories.
type spreading struct {
	entry int
	owner string // lower-case
}

// Spreads lists them for all shards, in the order of the manifest and then of the
// owners' names.
func (v *Resolution) Spreads() []Spread {
	var list []Spread
	for i := range v.file.Secrets {
		for _, name := range slices.Sorted(maps.Keys(v.fleet.owners)) {
			if n := v.spread[spreading{i, name}]; n > 0 {
				o := v.fleet.owners[name]
				reached := o.reached.Load()
				list = append(list, Spread{v.file.Secrets[i].Name, o.name, n, reached != nil && n >= reached.Writable()})
			}
		}
	}
	return list
}
