package apicall

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

const (
	perPage = 100 // GitHub's largest page

	// maxPages bounds a list: an organization may have tens of thousands of
	// members and tokens, but a server that always names a next page is broken.
	maxPages = 1000

	// maxTries is how often an incomplete list is read. A fleet changes while
	// it is read, but hardly three times in a row.
	maxTries = 3

	// pagesAtOnce is how many pages are read at once when their number is
	// known.
	pagesAtOnce = 8
)

// List reads a whole list: every page, each item once. key is the member of the
// answer that holds the items, beside total_count; it is empty for an answer
// that is a bare array. id tells items apart.
//
// A missing item would look like a deleted one. So the list is read again when
// the number of items differs from total_count, when that count changed from
// one page to the next, or when an item comes twice, which happens when another
// item vanished from an earlier page. A bare array has no count: one of several
// pages is read until two readings agree. A list that is still incomplete is an
// error, on which nothing is decided.
func List[T any, K comparable](ctx context.Context, call Func, req Request, key string, id func(*T) K) ([]T, Answer, error) {
	req.Method = http.MethodGet
	req.Path += querySeparator(req.Path) + fmt.Sprintf("per_page=%d", perPage)
	var before []K
	for range maxTries {
		l := &listing[T, K]{call: call, req: req, key: key, id: id}
		if err := l.read(ctx); err != nil {
			return nil, l.answer, err
		}
		ids := l.ids()
		switch {
		case !l.complete():
			before = nil
		case l.total >= 0, l.pages == 1, slices.Equal(before, ids):
			return l.items, l.answer, nil
		default: // a bare array of several pages, for the first time
			before = ids
		}
	}
	return nil, Answer{}, unsettled(req.Op)
}

func querySeparator(path string) string {
	if strings.Contains(path, "?") {
		return "&"
	}
	return "?"
}

// listing is one reading of a list.
type listing[T any, K comparable] struct {
	call Func
	req  Request
	key  string
	id   func(*T) K

	answer       Answer // of the first page, or of the one that failed
	items        []T
	total        int  // total_count of the first page; -1 for a bare array
	countChanged bool // a later page had another total_count
	pages        int
}

func (l *listing[T, K]) read(ctx context.Context) error {
	first, answer, err := l.page(ctx, l.req.Path)
	l.answer = answer
	if err != nil {
		return err
	}
	l.total, l.items, l.pages = first.total, first.items, 1
	next := answer.Next
	if l.total > len(l.items) && next != "" {
		if path, ok := pagePaths(next); ok {
			return l.readRest(ctx, path)
		}
	}
	for next != "" {
		if l.pages++; l.pages > maxPages {
			return l.tooLong()
		}
		var p page[T]
		if p, answer, err = l.page(ctx, next); err != nil {
			l.answer = answer
			return err
		}
		next = answer.Next
		l.add(p)
	}
	return nil
}

// readRest reads the pages after the first, several at once. path returns the
// address of each page, made from that of the second, which GitHub gave.
func (l *listing[T, K]) readRest(ctx context.Context, path func(number int) string) error {
	l.pages = (l.total + perPage - 1) / perPage
	if l.pages > maxPages {
		return l.tooLong()
	}
	pages, answers, errs := make([]page[T], l.pages+1), make([]Answer, l.pages+1), make([]error, l.pages+1)
	Each(l.pages-1, pagesAtOnce, func(i int) {
		number := i + 2
		pages[number], answers[number], errs[number] = l.page(ctx, path(number))
	})
	for number := 2; number <= l.pages; number++ {
		if errs[number] != nil {
			l.answer = answers[number]
			return errs[number]
		}
		l.add(pages[number])
	}
	return nil
}

// pagePaths returns the addresses of all pages, made from that of the second
// one; ok is false if that one does not hold its number.
func pagePaths(second string) (path func(int) string, ok bool) {
	before, after, ok := strings.Cut(second, "page=2")
	for ok && !strings.HasSuffix(before, "?") && !strings.HasSuffix(before, "&") { // per_page=2…
		more, rest, found := strings.Cut(after, "page=2")
		before, after, ok = before+"page=2"+more, rest, found
	}
	if !ok || after != "" && after[0] != '&' {
		return nil, false
	}
	return func(number int) string { return fmt.Sprintf("%spage=%d%s", before, number, after) }, true
}

func (l *listing[T, K]) add(p page[T]) {
	l.countChanged = l.countChanged || p.total != l.total
	l.items = append(l.items, p.items...)
}

func (l *listing[T, K]) tooLong() error {
	return fmt.Errorf("%s: the list has more than %d pages", l.req.Op, maxPages)
}

func (l *listing[T, K]) ids() []K {
	ids := make([]K, len(l.items))
	for i := range l.items {
		ids[i] = l.id(&l.items[i])
	}
	return ids
}

// complete reports whether every item is there, once.
func (l *listing[T, K]) complete() bool {
	seen := make(map[K]bool, len(l.items))
	for _, id := range l.ids() {
		seen[id] = true
	}
	return !l.countChanged && len(seen) == len(l.items) && (l.total < 0 || l.total == len(l.items))
}

// page is the content of one answer.
type page[T any] struct {
	items []T
	total int
}

func (l *listing[T, K]) page(ctx context.Context, path string) (p page[T], answer Answer, err error) {
	var raw json.RawMessage
	req := l.req
	req.Path, req.Result = path, &raw
	if answer, err = l.call(ctx, req); err != nil {
		return p, answer, err
	}
	if p, err = decode[T](raw, l.key); err != nil {
		err = fmt.Errorf("%s: %w", req.Op, err)
	}
	return p, answer, err
}

// unsettled is the error of a list that was incomplete in all its readings.
func unsettled(op string) error {
	return fault.New(fmt.Sprintf("%s: the list was different each of the %d times that it was read", op, maxTries),
		"something changes it all the time, or answers come from a cache: nothing was decided on it; run again when that is over")
}

// errShape repeats nothing of the answer, which may come from anybody.
var errShape = fault.New("the answer is not a list as GitHub's API describes it", notGitHub)

// decode splits an answer into its items. A list or an item that is missing or
// null must not pass for an empty list.
func decode[T any](raw json.RawMessage, key string) (page[T], error) {
	p := page[T]{total: -1}
	list := raw
	if key != "" {
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil {
			return p, errShape
		}
		var total *int
		if json.Unmarshal(members["total_count"], &total) != nil || total == nil || *total < 0 {
			return p, errShape
		}
		p.total, list = *total, members[key]
	}
	var items []json.RawMessage
	if json.Unmarshal(list, &items) != nil || items == nil {
		return p, errShape
	}
	p.items = make([]T, len(items))
	for i, item := range items {
		if bytes.Equal(bytes.TrimSpace(item), []byte("null")) || Decode(item, &p.items[i]) != nil {
			return p, errShape
		}
	}
	return p, nil
}
