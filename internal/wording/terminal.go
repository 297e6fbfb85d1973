package wording

import (
	"strings"
	"unicode/utf8"
)

// Columns is how wide a text is for people: what a terminal has at least.
const Columns = 80

// Wrap breaks a text between words, so that no line is longer than [Columns].
// first begins the first line, and rest each that follows. A longer word has a
// line of its own, and so has what [Bound] keeps together.
func Wrap(first, rest, text string) string {
	var b strings.Builder
	b.WriteString(first)
	width, begin := utf8.RuneCountInString(first), true
	for _, word := range strings.Fields(text) {
		word = strings.ReplaceAll(word, bound, " ")
		n := utf8.RuneCountInString(word)
		switch {
		case begin:
		case width+1+n > Columns:
			b.WriteString("\n" + rest)
			width = utf8.RuneCountInString(rest)
		default:
			b.WriteString(" ")
			width++
		}
		b.WriteString(word)
		width, begin = width+n, false
	}
	b.WriteString("\n")
	return b.String()
}

// bound stands for a space at which a line does not break: a character of no
// text, and to [strings.Fields] no space.
const bound = "\u2060"

// Bound returns a text that [Wrap] and [Rows] keep on one line.
func Bound(text string) string { return strings.ReplaceAll(text, " ", bound) }

// Rows aligns rows of two cells, and wraps the second cell.
func Rows(rows [][2]string) string {
	width := 0
	for _, row := range rows {
		width = max(width, utf8.RuneCountInString(row[0]))
	}
	width = min(width, Columns/2)
	var b strings.Builder
	for _, row := range rows {
		pad := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(row[0]))+2)
		if utf8.RuneCountInString(row[0]) > width { // the second cell begins below it
			b.WriteString(row[0] + "\n")
			row[0], pad = "", strings.Repeat(" ", width+2)
		}
		b.WriteString(Wrap(row[0]+pad, strings.Repeat(" ", width+2), row[1]))
	}
	return b.String()
}

// Paint colours texts for a terminal; its zero value leaves them as they are.
type Paint struct{ on bool }

// Painter returns the Paint for a stream. There is colour only on a terminal
// that has it, and not for people who set NO_COLOR.
func Painter(terminal bool, getenv func(string) string) Paint {
	return Paint{on: terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
}

// Bold is for headings.
func (p Paint) Bold(text string) string { return p.paint("1", text) }

// Good is for what is as it should be.
func (p Paint) Good(text string) string { return p.paint("32", text) }

// Bad is for what is not.
func (p Paint) Bad(text string) string { return p.paint("31", text) }

// Attention is for what people should read first.
func (p Paint) Attention(text string) string { return p.paint("33", text) }

// paint colours each line by itself, so that a line that is cut out is whole.
func (p Paint) paint(code, text string) string {
	if !p.on || text == "" {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = "\x1b[" + code + "m" + line + "\x1b[0m"
		}
	}
	return strings.Join(lines, "\n")
}
