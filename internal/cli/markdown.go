package cli

import (
	"regexp"
	"strings"
	"sync"

	"github.com/valetkey/valetkey/internal/redact"
)

// Job summaries are Markdown, in which GitHub also makes links of addresses, @names,
// #numbers and hashes of commits. Some of that is found after the Markdown is read,
// where no escape is left of a backslash or an entity. Inside of a code span there is
// nothing of it. So what others wrote is shown as code, all of it or where it has to be.

// code shows a name as code, in a line or in a cell of a table. What could end the
// span or the cell, or be taken for HTML, is in no name that GitHub gives.
func code(name string) string {
	return span(strings.Map(func(r rune) rune {
		if strings.ContainsRune("`|<>", r) {
			return '?'
		}
		return r
	}, name))
}

// span shows any text as code.
func span(text string) string {
	// A pipe ends the cell, in a code span too, and the backslash that would save it
	// is lost behind another one.
	text = strings.ReplaceAll(redact.OneLine(text), "|", "¦")
	if text == "" {
		return "–"
	}
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " " // which the span takes off again
	}
	return fence + text + fence
}

func codes(names []string) []string {
	list := make([]string, 0, len(names))
	for _, name := range names {
		list = append(list, code(name))
	}
	return list
}

// longestCell is in characters: an answer of a proxy can be a whole page.
const longestCell = 500

// cell shows a sentence that others may have worded, or a part of it: words as they
// are, and what is more than a word as code.
func cell(text string) string {
	if runes := []rune(text); len(runes) > longestCell {
		text = string(runes[:longestCell]) + "…"
	}
	var shown, special []string
	flush := func() {
		if len(special) > 0 {
			shown = append(shown, span(strings.Join(special, " ")))
			special = nil
		}
	}
	for word := range strings.FieldsSeq(redact.OneLine(text)) {
		if !plainWord().MatchString(word) {
			special = append(special, word)
			continue
		}
		flush()
		shown = append(shown, word)
	}
	flush()
	return strings.Join(shown, " ")
}

// plainWord is what no Markdown is made of, with punctuation around it: a word, a number,
// a short name such as v2 (of seven characters, it could be a commit), a dash.
var plainWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:[("']?(?:\pL+(?:[-'’]\pL+)*|[\pL\pN]{1,6}|\pN{1,3}(?:,\pN{3})*)[)"']?[.,:;?!…]*[)"']?|[–—…-])$`)
})
