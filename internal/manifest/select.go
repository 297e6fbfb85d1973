package manifest

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// Repository is one of the repositories that a selection chooses from.
type Repository struct {
	ID       int64
	Name     string // without owner, as GitHub spells it
	Topics   []string
	Archived bool
	Disabled bool // by GitHub
}

// Index holds the repositories of one owner that an App reaches, sorted once,
// so that the costs of long lists and large fleets don't multiply.
type Index struct {
	owner string
	all   []Repository // by lower-case name
	names []string     // the lower-case names
	topic map[string][]int
}

// NewIndex returns an index. It keeps nothing of the list but copies.
func NewIndex(owner string, repositories []Repository) *Index {
	x := &Index{owner: owner, all: slices.Clone(repositories), topic: map[string][]int{}}
	slices.SortFunc(x.all, func(a, b Repository) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	x.names = make([]string, len(x.all))
	for i := range x.all {
		x.names[i] = strings.ToLower(x.all[i].Name)
		for _, topic := range x.all[i].Topics {
			topic = strings.ToLower(topic)
			x.topic[topic] = append(x.topic[topic], i)
		}
	}
	return x
}

// Len returns how many repositories it holds.
func (x *Index) Len() int { return len(x.all) }

// Writable returns how many of them can be written to: neither archived nor
// disabled.
func (x *Index) Writable() (n int) {
	for i := range x.all {
		if !x.all[i].Archived && !x.all[i].Disabled {
			n++
		}
	}
	return n
}

// Find returns the repository of a name, in any case.
func (x *Index) Find(name string) (Repository, bool) {
	i, ok := slices.BinarySearch(x.names, strings.ToLower(name))
	if !ok {
		return Repository{}, false
	}
	return x.all[i], true
}

// Meaning is the result of a selection among the repositories of one owner.
type Meaning struct {
	Repositories []Repository // by name, without case
	Absent       []string     // named in full, but the App does not reach them
	Idle         []Idle       // entries that select nothing
}

// Idle is an entry that selects nothing.
type Idle struct {
	Entry
	Archived int // archived repositories that match; only a name in full selects those
}

// Select returns the repositories that the list selects. Exclusions win.
// Archived repositories are selected by their exact name only, since nobody can
// write to them; an exclusion may name them all the same.
func (s Selection) Select(x *Index) Meaning {
	var m Meaning
	included, excluded := make([]bool, len(x.all)), make([]bool, len(x.all))
	absent := map[string]string{} // lower-case name → name
	var exclusions []Entry        // of names and patterns
	for _, e := range s.entries {
		if !strings.EqualFold(e.owner, x.owner) {
			continue
		}
		if e.excluded && e.topic == "" {
			exclusions = append(exclusions, e)
		}
		fits := x.matching(e)
		idle := Idle{Entry: e}
		selected := 0
		for _, i := range fits {
			switch {
			case e.excluded:
				excluded[i] = true
			case x.all[i].Archived && !e.exact():
				idle.Archived++
				continue
			default:
				included[i] = true
			}
			selected++
		}
		switch {
		case selected > 0:
		case e.exact() && !e.excluded:
			absent[strings.ToLower(e.name)] = e.name
		default:
			m.Idle = append(m.Idle, idle)
		}
	}
	for i := range x.all {
		if included[i] && !excluded[i] {
			m.Repositories = append(m.Repositories, x.all[i])
		}
	}
	for lower, name := range absent {
		if !slices.ContainsFunc(exclusions, func(e Entry) bool { return e.matches(lower) }) {
			m.Absent = append(m.Absent, name)
		}
	}
	slices.Sort(m.Absent)
	return m
}

// matching returns the indices of the repositories that an entry is about.
func (x *Index) matching(e Entry) []int {
	name := strings.ToLower(e.name)
	switch {
	case e.topic != "":
		return x.topic[strings.ToLower(e.topic)]
	case e.exact():
		if i, ok := slices.BinarySearch(x.names, name); ok {
			return []int{i}
		}
		return nil
	}
	var list []int
	prefix := name[:strings.IndexAny(name, wildcards)]
	from, _ := slices.BinarySearch(x.names, prefix)
	for i := from; i < len(x.names) && strings.HasPrefix(x.names[i], prefix); i++ {
		if e.matches(x.names[i]) {
			list = append(list, i)
		}
	}
	return list
}

// matches reports whether an entry by name or pattern is about a name in lower
// case.
func (e Entry) matches(lower string) bool {
	ok, _ := path.Match(strings.ToLower(e.name), lower) // of the table's form, so no error
	return ok
}

// Idle returns the entries that select nothing, given the meaning of the list
// for each of its owners: a topic without an owner may belong to one of them
// alone. With AllowEmpty it returns none.
func (s Selection) Idle(meanings []Meaning) []Idle {
	if s.AllowEmpty {
		return nil
	}
	left := map[Position]int{}
	for _, e := range s.entries {
		left[e.Position]++
	}
	var idle []Idle
	for _, m := range meanings {
		for _, e := range m.Idle {
			if left[e.Position]--; left[e.Position] == 0 {
				idle = append(idle, e)
			}
		}
	}
	slices.SortStableFunc(idle, func(a, b Idle) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	return idle
}
