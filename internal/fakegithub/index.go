package fakegithub

import (
	"cmp"
	"slices"
)

// index keeps things by name, and the names in order, so that a list is cut into pages without being sorted.
type index[T any] struct {
	names []string
	items map[string]T
}

func (x *index[T]) get(name string) (T, bool) {
	item, ok := x.items[name]
	return item, ok
}

// put adds or replaces.
func (x *index[T]) put(name string, item T) {
	if x.items == nil {
		x.items = map[string]T{}
	}
	if _, known := x.items[name]; !known {
		i, _ := slices.BinarySearch(x.names, name)
		x.names = slices.Insert(x.names, i, name)
	}
	x.items[name] = item
}

// remove tells whether it was there.
func (x *index[T]) remove(name string) bool {
	if _, known := x.items[name]; !known {
		return false
	}
	i, _ := slices.BinarySearch(x.names, name)
	x.names = slices.Delete(x.names, i, i+1)
	delete(x.items, name)
	return true
}

// ids is a set of numbers, in order.
type ids []int64

func newIDs(list []int64) ids { return slices.Compact(slices.Sorted(slices.Values(list))) }

func (s ids) has(id int64) bool {
	_, found := slices.BinarySearch(s, id)
	return found
}

// with and without leave the set that they are called on as it is.
func (s ids) with(id int64) ids {
	i, found := slices.BinarySearch(s, id)
	if found {
		return s
	}
	return slices.Insert(slices.Clone(s), i, id)
}

func (s ids) without(id int64) ids {
	i, found := slices.BinarySearch(s, id)
	if !found {
		return s
	}
	return slices.Delete(slices.Clone(s), i, i+1)
}

// holdings are the repositories of one account in the orders that lists are asked for.
type holdings struct{ byID, byAge, byName []*repository }

func orderID(a, b *repository) int { return cmp.Compare(a.ID, b.ID) }
func orderAge(a, b *repository) int {
	return cmp.Or(b.createdAt.Compare(a.createdAt), cmp.Compare(b.ID, a.ID)) // newest first
}
func orderName(a, b *repository) int { return cmp.Or(cmp.Compare(a.key(), b.key()), orderID(a, b)) }

func (h *holdings) add(repo *repository) {
	h.byID = insert(h.byID, repo, orderID)
	h.byAge = insert(h.byAge, repo, orderAge)
	h.byName = insert(h.byName, repo, orderName)
}

// remove finds by what the orders are made of, so it comes before a change of the name.
func (h *holdings) remove(repo *repository) {
	h.byID = cut(h.byID, repo, orderID)
	h.byAge = cut(h.byAge, repo, orderAge)
	h.byName = cut(h.byName, repo, orderName)
}

func insert(list []*repository, repo *repository, order func(a, b *repository) int) []*repository {
	i, _ := slices.BinarySearchFunc(list, repo, order)
	return slices.Insert(list, i, repo)
}

func cut(list []*repository, repo *repository, order func(a, b *repository) int) []*repository {
	i, found := slices.BinarySearchFunc(list, repo, order)
	if !found {
		return list
	}
	return slices.Delete(list, i, i+1)
}
