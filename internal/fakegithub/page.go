package fakegithub

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// page returns the part of a list that per_page and page ask for, with a Link
// header that leads to this server.
func page[T any](c *call, list []T) ([]T, map[string]string) { return pageOf(c, list, 30, 100) }

// pageOf is page for lists with a default and a maximum size of their own.
func pageOf[T any](c *call, list []T, defaultSize, maxSize int) ([]T, map[string]string) {
	start, end, header := c.pageBounds(len(list), defaultSize, maxSize)
	return list[start:end], header
}

func (c *call) pageBounds(length, defaultSize, maxSize int) (start, end int, header map[string]string) {
	query := c.r.URL.Query()
	size := min(positiveOr(query.Get("per_page"), defaultSize), maxSize)
	number := positiveOr(query.Get("page"), 1)
	last := max(1, (length+size-1)/size)

	var links []string
	link := func(rel string, page int) {
		query.Set("page", strconv.Itoa(page))
		links = append(links, fmt.Sprintf("<%s%s?%s>; rel=%q", c.api, cmp.Or(c.linkPath, c.path), query.Encode(), rel))
	}
	if number > 1 {
		link("prev", min(number-1, last))
	}
	if number < last {
		link("next", number+1)
		link("last", last)
	}
	if number > 1 {
		link("first", 1)
	}
	if len(links) > 0 {
		header = map[string]string{"Link": strings.Join(links, ", ")}
	}
	start = min((number-1)*size, length)
	return start, min(start+size, length), header
}

// positiveOr reads a positive number; anything else means the fallback
// (unconfirmed).
func positiveOr(text string, fallback int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1<<30 {
		return fallback
	}
	return n
}
