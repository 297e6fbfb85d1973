package manifest

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/valetkey/valetkey/internal/redact"
)

// source is the text of a manifest, as messages may show it.
type source struct {
	name   string
	lines  []string
	strict bool // no place is known: show only known words

	// The parts that may be secret because of their place. Each line has the
	// column from which it is hidden, and the one up to which it is.
	hiddenFrom, hiddenUpTo map[int]int
}

func (s *source) fault(at Position, problem, hint string) *Fault {
	return &Fault{File: s.name, Line: at.Line, Column: at.Column, Problem: problem, Hint: hint, source: s}
}

// hide hides a part of the text in messages. A line that holds the beginning of
// the part is hidden to its end.
func (s *source) hide(begin, end Position) {
	column := begin.Column
	for line := begin.Line; line <= len(s.lines) && (line < end.Line || line == begin.Line); line++ {
		if old, ok := s.hiddenFrom[line]; !ok || column < old {
			s.hiddenFrom[line] = column
		}
		column = 1
	}
	if end.Line > begin.Line {
		s.hiddenUpTo[end.Line] = max(s.hiddenUpTo[end.Line], end.Column)
	}
}

const maxShown = 120 // characters of a line

// show returns a line that is fit for a log, and a line with a caret below the
// column. Tabs stay tabs in both, and wide characters take two spaces.
func (s *source) show(at Position) (line, caret string) {
	if s == nil || at.Line < 1 || at.Line > len(s.lines) {
		return "", ""
	}
	text := []rune(s.lines[at.Line-1])
	column := min(max(at.Column-1, 0), len(text))
	from := max(0, min(column-maxShown/2, len(text)-maxShown))
	to := min(len(text), from+maxShown)
	hide := s.hidden(at.Line, text, from, to)

	var out, pad strings.Builder
	mark := -1 // where the caret goes in pad
	if from > 0 {
		out.WriteString("…")
		pad.WriteString(" ")
	}
	for i := from; i < to; i++ {
		again := hide[i] && i > from && hide[i-1]
		if i <= column && !again {
			mark = pad.Len()
		}
		switch {
		case again:
		case hide[i]:
			out.WriteString("***")
			pad.WriteString("   ")
		default:
			r := printable(text[i])
			out.WriteRune(r)
			pad.WriteString(spaceFor(r))
		}
	}
	if column == to || mark < 0 {
		mark = pad.Len()
	}
	if to < len(text) {
		out.WriteString("…")
	}
	return out.String(), pad.String()[:mark] + "^"
}

// hidden marks the characters of a line, from those to be shown, that must not
// be.
func (s *source) hidden(number int, text []rune, from, to int) []bool {
	hide := make([]bool, len(text))
	for i := 0; i < to; i++ {
		j := i
		for j < len(text) && !strings.ContainsRune(" \t\"'[]{},", text[j]) {
			j++
		}
		if word := text[i:j]; j > from && (redact.MayBeSecret(string(word)) || s.strict && !isKnownWord(string(word))) {
			setAll(hide[i:j])
		}
		i = j
	}
	if column, ok := s.hiddenFrom[number]; ok {
		hidePart(hide, text, column-1, len(text))
	}
	hidePart(hide, text, 0, s.hiddenUpTo[number]-1)
	return hide
}

// hidePart hides a part of a line, but not the white space that it begins with.
func hidePart(hide []bool, text []rune, from, to int) {
	to = min(to, len(text))
	for from < to && unicode.IsSpace(text[from]) {
		from++
	}
	if from < to {
		setAll(hide[from:to])
	}
}

func setAll(b []bool) {
	for i := range b {
		b[i] = true
	}
}

// printable replaces control characters and those that turn the direction of
// text.
func printable(r rune) rune {
	if r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
		return '?'
	}
	return r
}

// spaceFor returns white space as wide as a character.
func spaceFor(r rune) string {
	switch {
	case r == '\t':
		return "\t"
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return ""
	case isWide(r):
		return "  "
	}
	return " "
}

// isWide reports whether terminals show a character in two columns: East Asian
// scripts and emoji.
func isWide(r rune) bool {
	return r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 ||
		r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 ||
		r >= 0xffe0 && r <= 0xffe6 || r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd)
}

// quote returns a text of the file for a message, or only its length if it
// could be a secret.
func quote(text string) string {
	plain := func(r rune) bool { return isLetter(r) || isDigit(r) || strings.ContainsRune("_./:@*?![]^-", r) }
	if n := len([]rune(text)); n == 0 || n > 60 || redact.MayBeSecret(text) ||
		strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return fmt.Sprintf("a text of %d characters", n)
	}
	return `"` + text + `"`
}

// isKnownWord reports whether a word can't be a secret in any place: the
// table's own words, punctuation and small numbers.
func isKnownWord(word string) bool {
	bare := strings.TrimFunc(word, func(r rune) bool { return !isLetter(r) && !isDigit(r) })
	if bare == "" {
		return len(word) <= 3
	}
	if strings.IndexFunc(strings.TrimSuffix(word, ":"), func(r rune) bool { return r != '-' && !isLetter(r) && !isDigit(r) }) >= 0 {
		return false
	}
	return len(bare) <= 3 || slices.Contains(vocabulary(), bare)
}

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
func isDigit(r rune) bool  { return '0' <= r && r <= '9' }
