package secret

import (
	"slices"
	"strings"
)

// group collects the changes of one place.
type group struct {
	Place
	key    string
	wanted []*Wanted
	stale  []record // known to the state, and not wanted any more
	known  []record
	out    []Change // its part of the plan: first wanted, then stale
}

// wants reports whether a secret is wanted there. A nil group wants none.
func (g *group) wants(name string) bool {
	return g != nil && slices.ContainsFunc(g.wanted, func(w *Wanted) bool { return strings.EqualFold(w.Name, name) })
}

// size returns how many changes the group makes.
func (g *group) size() int { return len(g.wanted) + len(g.stale) }

// grouped groups the wanted secrets by place.
func grouped(wanted []Wanted) map[string]*group {
	groups := map[string]*group{}
	for i := range wanted {
		w := &wanted[i]
		key := w.Key()
		g := groups[key]
		if g == nil {
			g = &group{Place: w.Place, key: key}
			groups[key] = g
		}
		if !slices.ContainsFunc(g.wanted, func(other *Wanted) bool { return strings.EqualFold(w.Name, other.Name) && w.same(other) }) {
			g.wanted = append(g.wanted, w) // the same secret twice counts once
		}
	}
	return groups
}

// identity identifies a place by the id of its repository.
type identity struct {
	repository       int64
	environment, app string
}

func (p Place) identity(id int64) identity {
	return identity{id, strings.ToLower(p.Environment), p.App}
}

// byID returns the groups whose repositories are known by id.
func (s *Sync) byID(groups map[string]*group) map[identity]*group {
	found := map[identity]*group{}
	for _, g := range groups {
		if id := s.repositoryID(g.Place); id != 0 {
			found[g.identity(id)] = g
		}
	}
	return found
}

// whereabouts compares a place that the state knows with the repository names
// of today. If the repository has another name now, moved is the group under
// that name. If another repository has the old name now, replaced is true: the
// state knows nothing about that one.
func (s *Sync) whereabouts(at Place, now map[identity]*group) (moved *group, replaced bool) {
	id, _ := s.State.place(at.Key())
	if id == 0 {
		return nil, false
	}
	today := s.repositoryID(at)
	if moved = now[at.identity(id)]; moved != nil && moved.key == at.Key() {
		moved = nil
	}
	return moved, today != 0 && today != id
}
