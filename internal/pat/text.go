package pat

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/valetkey/valetkey/internal/redact"
)

// hidden stands for a text that may be a secret in the wrong place.
const hidden = "(hidden, as it looks like a secret)"

// shown returns a name that GitHub gives for a line: a login, a repository, a
// scope.
func shown(name string) string {
	if redact.IsSecret(name) {
		return hidden
	}
	return redact.OneLine(name)
}

func shownAll(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = shown(name)
	}
	return all
}

// free returns a text that its author was free in for a line.
func free(text string) string {
	if redact.MayBeSecret(text) {
		return hidden
	}
	return cut(redact.OneLine(text), 100)
}

func quoted(text string) string { return `"` + free(text) + `"` }

// cut returns a text of at most so many characters. If it was longer, it ends
// with a whole word, unless that is a very long one, and an ellipsis.
func cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	short := string([]rune(text)[:limit-1])
	if end := strings.LastIndexByte(short, ' '); end > len(short)/2 {
		short = short[:end]
	}
	return short + "…"
}

func containsFold(list []string, name string) bool {
	return slices.ContainsFunc(list, func(n string) bool { return strings.EqualFold(n, name) })
}
