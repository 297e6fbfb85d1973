package cli

import (
	"encoding/json"
	"fmt"
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

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps and lists of strings only
	}
	return string(b)
}
