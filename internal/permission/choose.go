package permission

import (
	"slices"
	"strings"
)

// choose decides between the alternatives of all candidates at once.
func choose(wanted []candidate, given Set) []Need {
	base := Set{"metadata": "read"}
	base.raise(given)
	var undecided []*candidate
	for i := range wanted {
		w := &wanted[i]
		if len(w.alternatives) == 1 {
			w.Permissions = w.alternatives[0]
			base.raise(w.Permissions)
			continue
		}
		undecided = append(undecided, w)
	}
	chooseAlternatives(undecided, base)
	needs := make([]Need, len(wanted))
	for i, w := range wanted {
		needs[i] = w.Need
	}
	return needs
}

// chooseAlternatives chooses for each of the candidates. It tries every
// combination of the groups that have the same alternatives; the facts have so
// few of them (a test counts) that this is cheap.
func chooseAlternatives(candidates []*candidate, base Set) {
	var groups [][]Set
	group := map[string]int{} // by needs
	for _, w := range candidates {
		if _, known := group[w.needs]; !known {
			group[w.needs] = len(groups)
			groups = append(groups, w.alternatives)
		}
	}
	best := cheapest(groups, base)
	for _, w := range candidates {
		chosen := best[group[w.needs]]
		w.Permissions = w.alternatives[chosen]
		var others []string
		for j, other := range w.alternatives {
			if j != chosen {
				others = append(others, other.phrases())
			}
		}
		w.Chosen = w.Permissions.phrases() + " rather than " + strings.Join(others, " or ")
	}
}

// cheapest returns, for each group, the index of the alternative to take.
func cheapest(groups [][]Set, base Set) []int {
	if len(groups) == 0 {
		return nil
	}
	var best []int
	least := [2]int{}
	pick := make([]int, len(groups))
	for {
		if c := costOf(groups, pick, base); best == nil || slices.Compare(c[:], least[:]) < 0 {
			best, least = slices.Clone(pick), c
		}
		i := len(pick) - 1
		for ; i >= 0; i-- { // the next combination, as an odometer counts
			if pick[i]++; pick[i] < len(groups[i]) {
				break
			}
			pick[i] = 0
		}
		if i < 0 {
			return best
		}
	}
}

// costOf returns what a choice adds to base: opened operations, and
// permissions.
func costOf(groups [][]Set, pick []int, base Set) [2]int {
	sum := Set{}
	for i, g := range groups {
		sum.raise(g[pick[i]])
	}
	var cost [2]int
	for name, level := range sum {
		if !base.covers(Set{name: level}) {
			cost[0] += countOperations(name, level) - countOperations(name, base[name])
			cost[1]++
		}
	}
	return cost
}

// countOperations counts the operations that name a permission at this level or
// a lower one.
func countOperations(name, level string) int {
	n := 0
	for _, o := range operations() {
		if !strings.Contains(o.needs, name) || !o.usable() {
			continue
		}
		if slices.ContainsFunc(o.accepts(), func(s Set) bool { l, ok := s[name]; return ok && rank(l) <= rank(level) }) {
			n++
		}
	}
	return n
}
