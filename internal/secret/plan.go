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

// Plan is what is to be done, ordered by place and name.
type Plan struct {
	Changes []Change
	Stale   []Stale // without Prune: secrets that the state knows and nobody wants any more
	Braked  error   // more would be deleted than a run may; Changes has no deletions then

	forget []forgetting // entries that the state can drop
}

// Stale is a secret that was written for this manifest and is not in it any
// more.
type Stale struct {
	Place
	Name string
}

type forgetting struct{ key, name string }

// Count returns the number of changes with an action.
func (p Plan) Count(action Action) int {
	n := 0
	for i := range p.Changes {
		if p.Changes[i].Action == action {
			n++
		}
	}
	return n
}

// Plan decides what is to be done. It lists the secrets of places that the
// state knows and of organizations, and with ListAll those of all others as
// well.
//
// wanted may be a part of what the whole manifest wants, see [Shard]. all
// reports whether the whole manifest wants a secret, so that one that went to
// another shard is forgotten here and not deleted. Nil means that wanted is
// everything.
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

// recall adds what the state knows to the groups. It returns the entries that
// the state can drop, and the stale secrets.
func (s *Sync) recall(groups map[string]*group, all func(Place, string) bool) (forget []forgetting, stale []Stale) {
	now := s.byID(groups)
	for _, place := range s.State.Places() {
		moved, replaced := s.whereabouts(place, now)
		if replaced {
			for _, r := range s.State.records(place.Key()) {
				forget = append(forget, forgetting{place.Key(), r.name})
			}
			continue
		}
		g := groups[place.Key()]
		if g == nil {
			g = &group{Place: place, key: place.Key()}
			groups[g.key] = g
		}
		g.known = s.State.records(g.key)
		for _, r := range g.known {
			switch {
			case g.wants(r.name):
			case moved.wants(r.name), all != nil && all(place, r.name):
				forget = append(forget, forgetting{g.key, r.name})
			case s.Prune:
				g.stale = append(g.stale, r)
			default:
				stale = append(stale, Stale{place, r.name})
			}
		}
	}
	return forget, stale
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
				fmt.Sprintf("%s of %s is wanted more than once, with different values or settings", c.Name, c.Place),
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
	for i, r := range g.stale {
		c := &g.out[len(g.wanted)+i]
		c.Wanted = Wanted{Place: g.Place, Name: r.name}
		c.planStale(r, found)
	}
	s.failUnwritable(ctx, g, found)
}

// failUnwritable makes changes fail that could not be written because the place
// is closed or full.
func (s *Sync) failUnwritable(ctx context.Context, g *group, at found) {
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
	failOverflow(g.out, at)
}

// found is the result of listing a place.
type found struct {
	listed  bool
	entries []Entry
	missing bool // the place is an environment that is to be created
	status  int
	err     error
}

// look lists a place's secrets if that is worth a request.
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
	f.err = explainMissing(g.Place, f.status, f.err)
	return f
}

// planOne decides about a wanted secret.
func (s *Sync) planOne(ctx context.Context, g *group, c *Change, at found) error {
	if at.err != nil {
		return at.err
	}
	f := observed{
		listed: at.listed, kept: s.State.kept(), there: find(at.entries, c.Name),
		print: s.State.fingerprint(g.key, c.Name, c.Value),
	}
	if i, known := slices.BinarySearchFunc(g.known, strings.ToUpper(c.Name), record.compare); known {
		f.known = &g.known[i]
	}
	c.missing = at.missing
	if f.there != nil {
		c.updated, c.selected = f.there.UpdatedAt.Unix(), f.there.Visibility == "selected"
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

// planStale decides about a secret that is not wanted any more.
func (c *Change) planStale(known record, at found) {
	switch {
	case at.err != nil && at.status == http.StatusNotFound:
		c.Action, c.Reason = Keep, notWanted+", but left: "+c.Place.String()+" is gone, or the App does not reach it"
	case at.err != nil:
		c.Action, c.Err = Fail, at.err
	default:
		there := find(at.entries, c.Name)
		if there != nil {
			c.updated = there.UpdatedAt.Unix()
		}
		c.Action, c.Reason, c.forget = decideStale(known, there)
	}
}
