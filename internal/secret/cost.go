package secret

import (
	"iter"
	"strings"
)

// Cost is what a plan takes of GitHub's limits: requests by the hour, and points
// by the minute. A GET is a point, what changes something is five.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
type Cost struct{ Requests, Points int }

// Add sums up.
func (c Cost) Add(other Cost) Cost {
	return Cost{c.Requests + other.Requests, c.Points + other.Points}
}

func (c *Cost) reads(n int)  { *c = c.Add(Cost{n, n}) }
func (c *Cost) writes(n int) { *c = c.Add(Cost{n, 5 * n}) }

// Cost is what a run takes to do what is planned when nothing goes wrong, its looks
// at known places included. An environment that was not looked at is taken to be
// there.
func (p Plan) Cost() (c Cost) {
	for _, part := range p.CostByOwner() {
		c = c.Add(part)
	}
	return c
}

// CostByOwner is the same for each owner, in lower case: limits are of an
// installation.
func (p Plan) CostByOwner() map[string]Cost {
	all := map[string]Cost{}
	for from, to := range p.places() {
		if part := costAt(p.Changes[from:to]); part.Requests > 0 {
			owner := strings.ToLower(p.Changes[from].Owner)
			all[owner] = all[owner].Add(part)
		}
	}
	return all
}

// costAt is that of one place.
func costAt(changes []Change) (c Cost) {
	writes, missing := 0, false
	if changes[0].listed {
		c.reads(1)
	}
	for i := range changes {
		switch change := &changes[i]; {
		case change.Action == Keep && change.Access != nil && change.selected:
			c.reads(1) // who sees it
		case change.Action == Delete:
			c.reads(1)
			c.writes(1)
			if !change.IsOrganization() {
				c.reads(1) // the repository
			}
		case change.Action.writes():
			c.writes(1)
			if change.IsOrganization() && change.Access == nil {
				c.reads(1)
				if change.selected {
					c.reads(1)
				}
			}
			writes++
			missing = missing || change.missing
		}
	}
	if writes == 0 {
		return c
	}
	if !changes[0].keyed {
		c.reads(1) // the key
	}
	if missing {
		c.reads(2) // the environment, and the key again
		c.writes(1)
	}
	return c
}

// places yields where the changes of each place begin and end.
func (p Plan) places() iter.Seq2[int, int] {
	return func(yield func(from, to int) bool) {
		for from := 0; from < len(p.Changes); {
			to, key := from+1, p.Changes[from].Key()
			for to < len(p.Changes) && p.Changes[to].Key() == key {
				to++
			}
			if !yield(from, to) {
				return
			}
			from = to
		}
	}
}
