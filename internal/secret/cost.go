package secret

import (
	"iter"
	"strings"
)

// Cost is the part of GitHub's limits that a plan uses: requests per hour and
// points per minute. A GET costs one point, a request that changes something
// five.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
type Cost struct{ Requests, Points int }

// Add returns the sum of two costs.
func (c Cost) Add(other Cost) Cost {
	return Cost{c.Requests + other.Requests, c.Points + other.Points}
}

func (c *Cost) reads(n int)  { *c = c.Add(Cost{n, n}) }
func (c *Cost) writes(n int) { *c = c.Add(Cost{n, 5 * n}) }

// Cost returns the cost of doing what is planned if nothing goes wrong,
// including the reads of known places. An environment that was not read is
// assumed to exist.
func (p Plan) Cost() (c Cost) {
	for _, part := range p.CostByOwner() {
		c = c.Add(part)
	}
	return c
}

// CostByOwner returns the cost for each owner, in lower case, because the
// limits are per installation.
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

// costAt returns the cost of one place.
func costAt(changes []Change) (c Cost) {
	writes, missing := 0, false
	if changes[0].listed {
		c.reads(1)
	}
	for i := range changes {
		switch change := &changes[i]; {
		case change.Action == Keep && change.Access != nil && change.selected:
			c.reads(1) // the repositories that see it
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
