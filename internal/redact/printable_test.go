package redact_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/valetkey/valetkey/internal/redact"
)

func TestPrintable(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"plain: Ünïcode, 漢字, “quotes”, 🚀\n\tand tabs", "plain: Ünïcode, 漢字, “quotes”, 🚀\n\tand tabs"},
		{"\x1b[2J\x1b]8;;http://evil\x07", `\x1b[2J\x1b]8;;http://evil\x07`},
		{"\x00\x08\r\x7f", `\x00\x08\x0d\x7f`},
		{"\u009b31m", `\u009b31m`},
		{"main\u202egnp.exe\u2066\u2069\u200e\u061c", `main\u202egnp.exe\u2066\u2069\u200e\u061c`},
		{"ac\u200bme\u200d\u2060\ufeff\u00ad", `ac\u200bme\u200d\u2060\ufeff\u00ad`},
		{"\u3164\u115f\u034f", `\u3164\u115f\u034f`},
		{"\ufe0f::error::x", `\ufe0f::error::x`},
		{"\u2028\u2029", `\u2028\u2029`},
		{"tag \U000e0041", `tag \U000e0041`},
		{"\xed\xa0\x80 and \xff", `\xed\xa0\x80 and \xff`},
		{"a real \ufffd stays", "a real \ufffd stays"},
		{`a \x1b that somebody typed`, `a \x1b that somebody typed`},
	} {
		if got := redact.Printable(c.text); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if got, want := redact.OneLine("\r\n two\n\tlines\x1b[m\u2028of \u200b"), `two lines\x1b[m of \u200b`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("\x1b\u202e\xff\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := redact.Printable(text)
		if !utf8.ValidString(got) || redact.Printable(got) != got {
			t.Errorf("%q is not printable", got)
		}
		for _, r := range strings.NewReplacer("\n", "", "\t", "").Replace(got) {
			if !unicode.IsGraphic(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q has %U", got, r)
			}
		}
		if strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Error("it has other lines than before")
		}
	})
}
