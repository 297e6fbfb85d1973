package fleet

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/secret"
)

// Spread is one secret that a manifest wants in the repositories of one owner,
// for Actions, as one value. If that is an organization, one secret of its own
// may do.
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

// noteSpread counts what is wanted of an entry of the manifest.
func (v *Resolution) noteSpread(entry int, one *secret.Wanted) {
	if one.App != "actions" || one.IsOrganization() || one.Environment != "" || one.Fresh {
		return
	}
	key := spreading{entry, strings.ToLower(one.Owner)}
	if v.spread[key] == nil {
		v.spread[key] = &Spread{Secret: one.Name, Owner: one.Owner}
	}
	v.spread[key].Repositories++
}

// Spreads lists where the secrets of all shards go, in the order of the
// manifest and then by owner.
func (v *Resolution) Spreads() []Spread {
	keys := slices.SortedFunc(maps.Keys(v.spread), func(a, b spreading) int {
		return cmp.Or(a.entry-b.entry, strings.Compare(a.owner, b.owner))
	})
	list := make([]Spread, len(keys))
	for i, key := range keys {
		list[i] = *v.spread[key]
		reached := v.fleet.owner(list[i].Owner).reached.Load()
		list[i].All = reached != nil && list[i].Repositories >= reached.Writable()
	}
	return list
}
