// Package wording is how logs, errors and summaries word lists, numbers and
// times, so that all of them do it alike.
//
// It knows nothing of what it words, and keeps no secret apart: what must not
// be shown must not come here. Start at [Names] and [Number].
package wording

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxNames is how many names of a list are worded; a token may open 500
// repositories, and a line of a log has no room for them.
const maxNames = 20

// Names lists names in a line: "acme/api, acme/web". Of more than twenty it
// lists twenty and counts the rest: "…, and 480 more".
func Names(names []string) string { return strings.Join(Shortened(names), ", ") }

// Shortened returns names as [Names] lists them: no more than twenty, and then
// one text that counts the rest. The list that was given stays as it is.
func Shortened(names []string) []string {
	if len(names) <= maxNames {
		return names
	}
	return append(slices.Clone(names[:maxNames]), fmt.Sprintf("and %d more", len(names)-maxNames))
}

// Number writes 31000 as 31,000.
func Number(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Count is a number of things: "1 grant", "3 grants".
func Count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return Number(n) + " " + thing
}

// Clock is a time of today as people read it in a log: "15:04 UTC".
func Clock(t time.Time) string { return t.UTC().Format("15:04 UTC") }
