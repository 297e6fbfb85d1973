package secret

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
)

// Plan is what is to be done, by place and name.
type Plan struct {
	Changes []Change
	Stale   []Stale // with Prune off: what the state knows and nobody wants any more
	Braked  error   // more would be deleted than a run may; none of it is in Changes

	forget []forgetting // what the state need not know any longer
}

// Stale is a secret that was written for this manifest, and that it no longer has.
type Stale struct {
	Place
	Name string
}

type forgetting struct{ key, name string }

// Count tells how many changes are of an action.
func (p Plan) Count(action Action) int {
	n := 0
	for i := range p.Changes {
		if p.Changes[i].Action == action {
			n++
		}
	}
	return n
}

// group is what concerns one place.
type group struct {
	Place
	key    string
	wanted []*Wanted
	left   []record // known, and not wanted any more
	known  []record
	out    []Change // its part of the plan: what is wanted, then what is left
}

// wants reports whether a secret is wanted there; of no group, none is.
func (g *group) wants(name string) bool {
	return g != nil && slices.ContainsFunc(g.wanted, func(w *Wanted) bool { return strings.EqualFold(w.Name, name) })
}

// size is how many changes it makes.
func (g *group) size() int { return len(g.wanted) + len(g.left) }

// Plan finds out what is to be done. It asks what is there of places that the
// state knows and of organizations, and of all others with ListAll.
//
// Wanted may be a part of what the whole manifest wants (see [Shard]); all tells
// what that is, so that a secret that went to another shard is forgotten here and
// not deleted. Nil is the same as what is wanted.
func (s *Sync) Plan(ctx context.Context, wanted []Wanted, all func(Place, string) bool) Plan {
	groups := grouped(wanted)
	var plan Plan
	plan.forget, plan.Stale = s.recall(groups, all)
	keys, n := slices.Sorted(maps.Keys(groups)), 0
	for _, g := range groups {
		n += g.size()
	}
	plan.Changes = make([]Change, n)
	rest := plan.Changes
	for _, key := range keys {
		g := groups[key]
		g.out, rest = rest[:g.size()], rest[g.size():]
	}
	s.each(len(keys), func(i int) { s.planPlace(ctx, groups[keys[i]]) })
	s.brake(&plan)
	return plan
}

// recall adds to the groups what the state knows. It returns what the state need not
// know any longer, and what is stale.
func (s *Sync) recall(groups map[string]*group, all func(Place, string) bool) (forget []forgetting, stale []Stale) {
	now := s.byID(groups)
	for _, place := range s.State.Places() {
		moved, replaced := s.whereabouts(place, now)
		if replaced {
			for _, r := range s.State.at(place.Key()) {
				forget = append(forget, forgetting{place.Key(), r.name})
			}
			continue
		}
		g := groups[place.Key()]
		if g == nil {
			g = &group{Place: place, key: place.Key()}
			groups[g.key] = g
		}
		g.known = s.State.at(g.key)
		for _, r := range g.known {
			switch {
			case g.wants(r.name):
			case moved.wants(r.name), all != nil && all(place, r.name):
				forget = append(forget, forgetting{g.key, r.name})
			case s.Prune:
				g.left = append(g.left, r)
			default:
				stale = append(stale, Stale{place, r.name})
			}
		}
	}
	return forget, stale
}

// identity tells a place by the id of its repository.
type identity struct {
	repository       int64
	environment, app string
}

func (p Place) identity(id int64) identity {
	return identity{id, strings.ToLower(p.Environment), p.App}
}

// byID finds the groups again whose repositories are known by id.
func (s *Sync) byID(groups map[string]*group) map[identity]*group {
	found := map[identity]*group{}
	for _, g := range groups {
		if id := s.repositoryID(g.Place); id != 0 {
			found[g.identity(id)] = g
		}
	}
	return found
}

// whereabouts holds a place that the state knows against what is known of names
// today. Its repository may have another name now: moved is what is wanted there. And
// its name may be another repository's, of which the state knows nothing.
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

// grouped puts together what is wanted at one place.
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
			g.wanted = append(g.wanted, w) // twice the same is once
		}
	}
	return groups
}

// planPlace decides about one place.
func (s *Sync) planPlace(ctx context.Context, g *group) {
	slices.SortStableFunc(g.wanted, func(a, b *Wanted) int { return cmp.Compare(strings.ToUpper(a.Name), strings.ToUpper(b.Name)) })
	names := map[string]int{}
	for i, w := range g.wanted {
		g.out[i].Wanted = *w
		names[strings.ToUpper(w.Name)]++
	}
	found := s.look(ctx, g)
	_, sealedTo := s.State.place(g.key)
	for i := range g.out {
		g.out[i].listed = len(g.known) > 0 || g.IsOrganization()
		g.out[i].keyed = sealedTo.key != nil
	}
	for i := range g.wanted {
		c := &g.out[i]
		if c.Err = Check(c.Name, c.Value); c.Err == nil && names[strings.ToUpper(c.Name)] > 1 {
			c.Err = fault.New(
				fmt.Sprintf("%s of %s is wanted more than once, and not the same", c.Name, c.Place),
				"let only one entry of the manifest name it there",
			)
		}
		if c.Err == nil {
			c.Err = s.planOne(ctx, g, c, found)
		}
		if c.Err != nil {
			c.Action, c.Reason = Fail, ""
		}
	}
	for i, r := range g.left {
		c := &g.out[len(g.wanted)+i]
		c.Wanted = Wanted{Place: g.Place, Name: r.name}
		c.planLeft(r, found)
	}
	s.hold(ctx, g, found)
}

// hold fails what could not be written: the place is closed, or full.
func (s *Sync) hold(ctx context.Context, g *group, at found) {
	if !slices.ContainsFunc(g.out, func(c Change) bool { return c.Action.writes() || c.Action == Delete }) {
		return
	}
	err := s.closed(ctx, g.Place)
	for i := range g.out {
		switch c := &g.out[i]; {
		case err == nil:
		case c.Action.writes():
			c.Action, c.Reason, c.Err = Fail, "", err
		case c.Action == Delete:
			c.Action, c.Reason, c.forget = Keep, notWanted+", but left: "+err.Error(), false
		}
	}
	fill(g.out, at)
}

// found is what a place has.
type found struct {
	listed  bool
	entries []Entry
	missing bool // an environment that is to be created
	status  int
	err     error
}

// look lists a place's secrets where that is worth a request.
func (s *Sync) look(ctx context.Context, g *group) (f found) {
	if g.size() == 0 || !s.ListAll && len(g.known) == 0 && !g.IsOrganization() {
		return f
	}
	if f.err = NotTried(ctx); f.err != nil {
		return f
	}
	var answer apicall.Answer
	f.entries, answer, f.err = List(ctx, s.Call, g.Place)
	f.status = answer.Status
	f.listed = f.err == nil
	create := slices.ContainsFunc(g.wanted, func(w *Wanted) bool { return w.CreateEnvironment })
	if f.err != nil && f.status == http.StatusNotFound && g.Environment != "" && create {
		return found{listed: true, missing: true} // Apply makes sure
	}
	f.err = explain(g.Place, f.status, f.err)
	return f
}

// planOne decides about a secret that is wanted.
func (s *Sync) planOne(ctx context.Context, g *group, c *Change, at found) error {
	if at.err != nil {
		return at.err
	}
	f := facts{listed: at.listed, kept: s.State.kept(), there: find(at.entries, c.Name), print: s.State.fingerprint(g.key, c.Name, c.Value)}
	if i, known := slices.BinarySearchFunc(g.known, strings.ToUpper(c.Name), record.compare); known {
		f.known = &g.known[i]
	}
	c.missing = at.missing
	if f.there != nil {
		c.told, c.selected = f.there.UpdatedAt.Unix(), f.there.Visibility == "selected"
	}
	c.Action, c.Reason = decide(&c.Wanted, f)
	if c.missing {
		c.Reason = "its environment is missing and is created"
	}
	if c.Action == Keep && c.Access != nil && c.selected {
		ids, err := selected(ctx, s.Call, c.Place, c.Name)
		if err != nil {
			return err
		}
		f.selected = &ids
		c.Action, c.Reason = decide(&c.Wanted, f)
	}
	return nil
}

// planLeft decides about a secret that is not wanted any more.
func (c *Change) planLeft(known record, at found) {
	switch {
	case at.err != nil && at.status == http.StatusNotFound:
		c.Action, c.Reason = Keep, notWanted+", but left: "+c.Place.String()+" is gone, or the App does not reach it"
	case at.err != nil:
		c.Action, c.Err = Fail, at.err
	default:
		there := find(at.entries, c.Name)
		if there != nil {
			c.told = there.UpdatedAt.Unix()
		}
		c.Action, c.Reason, c.forget = decideLeft(known, there)
	}
}
