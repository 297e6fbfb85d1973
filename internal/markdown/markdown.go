// Package markdown shows texts that others wrote in Markdown that GitHub
// renders: job summaries and issues. Nothing in such a text becomes a link, a
// mention, an image or another cell.
//
// GitHub turns more than Markdown's own marks into something: addresses,
// @names, #numbers and hashes of commits become links. It finds some of them
// after it has parsed the Markdown, when nothing is left of a backslash or an
// entity that should have escaped them. It finds none inside a code span. So a
// text of others is shown as code, completely with [Code] or [HTML], or where it
// has to be with [Cell].
package markdown

import (
	"html"
	"strings"

	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/redact"
)

// Code shows a name as code, in a line or in a cell of a table. It replaces the
// characters that could end the span or the cell or be taken for HTML, which no
// name on GitHub has.
func Code(name string) string {
	return span(strings.Map(func(r rune) rune {
		if strings.ContainsRune("`|<>", r) {
			return '?'
		}
		return r
	}, name))
}

// span shows any text as code.
func span(text string) string {
	// A pipe ends the cell even in a code span, and a backslash that should
	// escape it has no effect behind another one.
	text = strings.ReplaceAll(redact.OneLine(text), "|", "¦")
	if text == "" {
		return "–"
	}
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " " // the span drops them again
	}
	return fence + text + fence
}

// Codes shows each of the names as [Code] does.
func Codes(names []string) []string {
	list := make([]string, 0, len(names))
	for _, name := range names {
		list = append(list, Code(name))
	}
	return list
}

// HTML shows a name as code where Markdown is not read: in the tag summary of a
// fold.
func HTML(name string) string {
	return "<code>" + html.EscapeString(redact.OneLine(name)) + "</code>"
}

// HTMLs shows each of the names as [HTML] does.
func HTMLs(names []string) []string {
	list := make([]string, 0, len(names))
	for _, name := range names {
		list = append(list, HTML(name))
	}
	return list
}

// longestCell is a number of characters. A proxy may answer with a whole page.
const longestCell = 500

// Cell shows a sentence that others may have worded, or a part of one. Plain
// words stay as they are; everything else becomes code.
func Cell(text string) string {
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
		if !plainWord.Matches(word) {
			special = append(special, word)
			continue
		}
		flush()
		shown = append(shown, word)
	}
	flush()
	return strings.Join(shown, " ")
}

// plainWord matches a word that cannot be Markdown, with punctuation around it:
// letters, a number, a short name such as v2 (one of seven characters could be
// a commit), or a dash.
var plainWord = pattern.Pattern{
	Text: `^(?:[("']?(?:\pL+(?:[-'’]\pL+)*|[\pL\pN]{1,6}|\pN{1,3}(?:,\pN{3})*)[)"']?[.,:;?!…]*[)"']?|[–—…-])$`,
}
