package fakegithub

import (
	"cmp"
	"slices"
)

// index holds items by name, and the names in order, so that a list is cut into
// pages without sorting.
type index[T any] struct {
	names []string
	items map[string]T
}

func (x *index[T]) get(name string) (T, bool) {
	item, ok := x.items[name]
	return item, ok
}

// put adds an item or replaces the one of this name.
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

// remove reports whether there was an item of this name.
func (x *index[T]) remove(name string) bool {
	if _, known := x.items[name]; !known {
		return false
	}
	i, _ := slices.BinarySearch(x.names, name)
	x.names = slices.Delete(x.names, i, i+1)
	delete(x.items, name)
	return true
}

// ids is a set of numbers, in ascending order.
type ids []int64

func newIDs(list []int64) ids { return slices.Compact(slices.Sorted(slices.Values(list))) }

func (s ids) has(id int64) bool {
	_, found := slices.BinarySearch(s, id)
	return found
}

// with and without return a new set and leave this one as it is.
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

// holdings are the repositories of one account in the orders that lists can ask
// for.
type holdings struct{ byID, byAge, byName []*repository }

func orderID(a, b *repository) int { return cmp.Compare(a.ID, b.ID) }
func orderAge(a, b *repository) int {
	return cmp.Or(b.createdAt.Compare(a.createdAt), cmp.Compare(b.ID, a.ID)) // newest first
}
func orderName(a, b *repository) int { return cmp.Or(cmp.Compare(a.key(), b.key()), orderID(a, b)) }

func (h *holdings) add(repo *repository) {
	h.byID = insertOrdered(h.byID, repo, orderID)
	h.byAge = insertOrdered(h.byAge, repo, orderAge)
	h.byName = insertOrdered(h.byName, repo, orderName)
}

// remove searches by what the orders are made of, so call it before a change of
// the name.
func (h *holdings) remove(repo *repository) {
	h.byID = removeOrdered(h.byID, repo, orderID)
	h.byAge = removeOrdered(h.byAge, repo, orderAge)
	h.byName = removeOrdered(h.byName, repo, orderName)
}

func insertOrdered(list []*repository, repo *repository, order func(a, b *repository) int) []*repository {
	i, _ := slices.BinarySearchFunc(list, repo, order)
	return slices.Insert(list, i, repo)
}

func removeOrdered(list []*repository, repo *repository, order func(a, b *repository) int) []*repository {
	i, found := slices.BinarySearchFunc(list, repo, order)
	if !found {
		return list
	}
	return slices.Delete(list, i, i+1)
}
