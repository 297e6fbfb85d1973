package fleet

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/secret"
)

// Spread is one Actions secret that a manifest wants, with one value, in
// repositories of one owner. If the owner is an organization, one secret of the
// organization may replace all of them.
type Spread struct {
	Secret, Owner string
	Repositories  int
	All           bool // these are all repositories that the App reaches there and can write to
}

// spreadKey is one entry of the manifest, at one owner.
type spreadKey struct {
	entry int
	owner string // lower-case
}

// noteSpread counts the repositories that an entry of the manifest goes to.
func (v *Resolution) noteSpread(entry int, one *secret.Wanted) {
	if one.App != "actions" || one.IsOrganization() || one.Environment != "" || one.Fresh {
		return
	}
	key := spreadKey{entry, strings.ToLower(one.Owner)}
	if v.spread[key] == nil {
		v.spread[key] = &Spread{Secret: one.Name, Owner: one.Owner}
	}
	v.spread[key].Repositories++
}

// Spreads lists where the secrets of all shards go, in the order of the
// manifest and then by owner.
func (v *Resolution) Spreads() []Spread {
	keys := slices.SortedFunc(maps.Keys(v.spread), func(a, b spreadKey) int {
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
