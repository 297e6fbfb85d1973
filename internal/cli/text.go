package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ago formats a duration as people say it.
func ago(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d seconds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	}
	return fmt.Sprintf("%d hours", int(d.Hours()))
}

// joined lists names in one line of the log.
func joined(names []string) string { return strings.Join(shortened(names), ", ") }

// shownRepositories is how many repositories a summary names. A token may reach
// 500.
const shownRepositories = 20

// shortened returns the first names, and how many more there are.
func shortened(names []string) []string {
	if len(names) <= shownRepositories {
		return names
	}
	return append(slices.Clone(names[:shownRepositories]), fmt.Sprintf("and %d more", len(names)-shownRepositories))
}

// indented indents each line by two spaces.
func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}

// minutes rounds up, because a limit does not give way a second early.
func minutes(d time.Duration) string {
	n := int((d + time.Minute - 1) / time.Minute)
	if n < 120 {
		return fmt.Sprintf("%d min", n)
	}
	return fmt.Sprintf("%d h %d min", n/60, n%60)
}

// thousands formats 31000 as 31,000.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// columns aligns rows of two cells.
func columns(rows [][2]string) string {
	width := 0
	for _, row := range rows {
		width = max(width, len(row[0]))
	}
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "%-*s  %s\n", width, row[0], row[1])
	}
	return b.String()
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps and lists of strings only
	}
	return string(b)
}

// clockTime formats a time as people read it in a log.
func clockTime(t time.Time) string { return t.UTC().Format("15:04 UTC") }
