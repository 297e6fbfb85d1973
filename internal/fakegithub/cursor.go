package fakegithub

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// pageByCursor returns the part of a list that after, before and per_page ask
// for, with a Link header. An empty cursor, or one that is not in the list,
// asks for the first page (unconfirmed).
func pageByCursor[T any](c *call, query url.Values, list []T, id func(T) int64) ([]T, map[string]string) {
	at := func(name string) int {
		wanted, known := idOf(query.Get(name))
		if !known {
			return -1
		}
		return slices.IndexFunc(list, func(item T) bool { return id(item) == wanted })
	}
	size := min(positiveOr(query.Get("per_page"), 30), 100)
	start := at("after") + 1
	end := min(start+size, len(list))
	if before := at("before"); before >= 0 {
		start, end = max(0, before-size), before
	}
	var links []string
	link := func(rel, direction string, item T) {
		query := maps.Clone(query)
		query.Del("after")
		query.Del("before")
		query.Set(direction, cursorOf(id(item)))
		links = append(links, fmt.Sprintf("<%s%s?%s>; rel=%q", c.api, cmp.Or(c.linkPath, c.path), query.Encode(), rel))
	}
	if start > 0 && start < len(list) {
		link("prev", "before", list[start])
	}
	if end < len(list) && end > start {
		link("next", "after", list[end-1])
	}
	if len(links) == 0 {
		return list[start:end], nil
	}
	return list[start:end], map[string]string{"Link": strings.Join(links, ", ")}
}

// cursorOf returns the cursor that stands for an item. Callers must not look
// into it.
func cursorOf(id int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "cursor:%d", id))
}

// idOf is the opposite of cursorOf.
func idOf(cursor string) (id int64, known bool) {
	text, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		return 0, false
	}
	_, err = fmt.Sscanf(string(text), "cursor:%d", &id)
	return id, err == nil
}
