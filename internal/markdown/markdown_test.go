package markdown

import (
	"regexp"
	"strings"
	"testing"
)

func TestCode(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"acme/api", "`acme/api`"},
		{"a`b|<i>", "`a?b??i?`"},
		{"two\nlines\tand\x1b[31m\u202e", "`two lines and\\x1b[31m\\u202e`"},
		{"*a* [b](c) @d #1", "`*a* [b](c) @d #1`"},
		{`ends in \`, "`ends in \\`"},
		{" \n", "–"},
		{"", "–"},
	} {
		if got := Code(c.text); got != c.want {
			t.Errorf("Code(%q) is %s, want %s", c.text, got, c.want)
		}
	}
}

func TestHTML(t *testing.T) {
	for text, want := range map[string]string{
		"acme/api":              "<code>acme/api</code>",
		"a</code><img src=x> &": "<code>a&lt;/code&gt;&lt;img src=x&gt; &amp;</code>",
		"two\n\nlines, @d":      "<code>two lines, @d</code>",
	} {
		if got := HTML(text); got != want {
			t.Errorf("HTML(%q) is %s, want %s", text, got, want)
		}
	}
}

func TestCell(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"it is there, but not as it was written", "it is there, but not as it was written"},
		{`GitHub (request 12): "not accessible"; hint: re-run`, `GitHub (request 12): "not accessible"; hint: re-run`},
		{"Zugriff für Bücher – v2, 31,000 of them …", "Zugriff für Bücher – v2, 31,000 of them …"},
		{"[x](javascript:alert) <img src=x> <!-- c -->", "`[x](javascript:alert) <img src=x> <!--` c `-->`"},
		{"ask @octocat in acme/api#12, GH-7 or #8", "ask `@octocat` in `acme/api#12, GH-7` or `#8`"},
		{"see https://evil.example/x, www.evil.example or a@b.example", "see `https://evil.example/x, www.evil.example` or `a@b.example`"},
		{"# heading", "`#` heading"},
		{"a | b\n| c |", "a `¦` b `¦` c `¦`"},
		{`a\|b \| c`, "`a\\¦b \\¦` c"},
		{"`code` and ``more``", "`` `code` `` and ``` ``more`` ```"},
		{"*bold* _it_ ~no~ $x$ :smile: &amp;", "`*bold* _it_ ~no~ $x$ :smile: &amp;`"},
		{"commit 0a1b2c3 and 0a1b2c", "commit `0a1b2c3` and 0a1b2c"},
		{"\x1b[2J and\u200b", "`\\x1b[2J and\\u200b`"},
		{"", ""},
		{strings.Repeat("word ", 200), strings.TrimSpace(strings.Repeat("word ", 100)) + " …"},
	} {
		if got := Cell(c.text); got != c.want {
			t.Errorf("Cell(%q) is\n%s, want\n%s", c.text, got, c.want)
		}
	}
}

// spans are the code spans by CommonMark's rule: from a run of backticks to the
// next run of the same length.
func withoutSpans(markdown string) string {
	runs := regexp.MustCompile("`+")
	rest := ""
	for {
		open := runs.FindStringIndex(markdown)
		if open == nil {
			return rest + markdown
		}
		rest += markdown[:open[0]]
		fence, after := markdown[open[0]:open[1]], markdown[open[1]:]
		closed := false
		for _, run := range runs.FindAllStringIndex(after, -1) {
			if run[1]-run[0] == len(fence) {
				markdown, closed = after[run[1]:], true
				break
			}
		}
		if !closed {
			return rest + fence + after
		}
	}
}

// Whatever others write, a cell stays one cell, and outside of code spans it
// holds nothing that Markdown or GitHub interprets.
func FuzzCell(f *testing.F) {
	for _, seed := range []string{"a `b` | [c](d)", "``` `` `", "x@y.z #1 <a>", `\`, "`", "` `` |"} {
		f.Add(seed)
	}
	special := regexp.MustCompile("[`*_{}\\[\\]<>#+=|\\\\~$&@/%^\\n\\r]|\\.\\pL|:\\pL|\\b[0-9a-f]{7,40}\\b.*\\pN|GH-\\pN")
	f.Fuzz(func(t *testing.T, text string) {
		for name, got := range map[string]string{"Cell": Cell(text), "Code": Code(text)} {
			if strings.ContainsAny(got, "|\n\r") {
				t.Errorf("%s: %q is more than one cell", name, got)
			}
			if outside := withoutSpans(got); special.MatchString(outside) {
				t.Errorf("%s of %q is %q: outside of code spans, %q", name, text, got, outside)
			}
		}
	})
}
