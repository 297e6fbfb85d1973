package wording

import (
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	long := strings.Repeat("x", 90)
	seventy := strings.Repeat("é", 70)
	for _, c := range []struct{ first, rest, text, want string }{
		{"", "", "", "\n"},
		{"# ", "# ", "one\ntwo  three", "# one two three\n"},
		{"note: ", "  ", seventy + " abc defg", "note: " + seventy + " abc\n  defg\n"},
		{"note: ", "  ", seventy + " abcd", "note: " + seventy + "\n  abcd\n"},
		{"", "  ", seventy + " " + Bound("git push") + " " + Bound("x y z"), seventy + " git push\n  x y z\n"},
		{"# ", "# ", long + " " + long, "# " + long + "\n# " + long + "\n"},
	} {
		if got := Wrap(c.first, c.rest, c.text); got != c.want {
			t.Errorf("%q, %q, %q: %q", c.first, c.rest, c.text, got)
		}
	}
}

func TestRows(t *testing.T) {
	long := strings.Repeat("y", 60)
	for _, c := range []struct {
		rows [][2]string
		want string
	}{
		{nil, ""},
		{[][2]string{{"a", "b"}, {"long", "c"}}, "a     b\nlong  c\n"},
		{[][2]string{{"a", long + " " + long}}, "a  " + long + "\n   " + long + "\n"},
		{
			[][2]string{{strings.Repeat("w", 41), "z"}, {"a", "b"}},
			strings.Repeat("w", 41) + "\n" + strings.Repeat(" ", 42) + "z\na" + strings.Repeat(" ", 41) + "b\n",
		},
	} {
		if got := Rows(c.rows); got != c.want {
			t.Errorf("%q: got\n%swant\n%s", c.rows, got, c.want)
		}
	}
}

// There is colour on a terminal alone, and none for those who want none.
func TestPaint(t *testing.T) {
	for _, c := range []struct {
		name     string
		terminal bool
		env      map[string]string
		coloured bool
	}{
		{"a terminal", true, map[string]string{"TERM": "xterm"}, true},
		{"a file", false, map[string]string{"TERM": "xterm"}, false},
		{"NO_COLOR", true, map[string]string{"NO_COLOR": "1"}, false},
		{"NO_COLOR, whatever its value", true, map[string]string{"NO_COLOR": "0"}, false},
		{"an empty NO_COLOR", true, map[string]string{"NO_COLOR": ""}, true},
		{"a dumb terminal", true, map[string]string{"TERM": "dumb"}, false},
	} {
		p := Painter(c.terminal, func(name string) string { return c.env[name] })
		for _, paint := range []func(string) string{p.Bold, p.Good, p.Bad, p.Attention} {
			got := paint("one\n\ntwo")
			first, last, _ := strings.Cut(got, "one\x1b[0m\n\n")
			coloured := strings.HasPrefix(first, "\x1b[") && last == first+"two\x1b[0m"
			if coloured != c.coloured || !c.coloured && got != "one\n\ntwo" {
				t.Errorf("%s: %q", c.name, got)
			}
		}
	}
}
