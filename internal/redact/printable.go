package redact

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns a text of others with its invisible characters written out,
// as in \x1b or \u202e: escape sequences, which a terminal or a log viewer
// obeys; characters that turn the direction of the text around them; and those
// of no width, which make two names look alike and hide the "::" of a command
// from a runner. Newlines and tabs stay. The result is UTF-8.
func Printable(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, isInvisible) {
		return text
	}
	var b strings.Builder
	for rest := text; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && size == 1: // not UTF-8, such as half of a surrogate pair
			fmt.Fprintf(&b, `\x%02x`, rest[0])
		case !isInvisible(r):
			b.WriteRune(r)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		rest = rest[size:]
	}
	return b.String()
}

// OneLine returns a text of others for one line of a log: printable, with a
// space for every stretch of white space.
func OneLine(text string) string { return Printable(strings.Join(strings.Fields(text), " ")) }

// IsWord reports whether a text is printable ASCII without spaces, as all
// tokens are, so that it stays on its line in an HTTP header, a command or a
// file.
func IsWord(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// isInvisible reports whether a rune is to be written out: all but letters,
// marks, numbers, punctuation, symbols and spaces, and of these the ones that
// Unicode wants displayed as nothing. A variation selector is one of them: it
// colours an emoji, and can carry hidden text.
func isInvisible(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r < utf8.RuneSelf:
		return r < ' ' || r == 0x7f
	}
	return !unicode.IsGraphic(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
