package fakerunner

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Masks are found all at once, as the runner finds them: of two that overlap or
// begin alike, nothing is left.
func TestHide(t *testing.T) {
	for _, c := range []struct {
		masks      []string
		text, want string
	}{
		{nil, "abc", "abc"},
		{[]string{"abc"}, "xabcx abc", "x***x ***"},
		{[]string{"abc", "abcdef"}, "abcdef abcd", "*** ***d"},
		{[]string{"abcd", "cdef"}, "xabcdefx", "x***x"},
		{[]string{"aa"}, "aaa", "***"},
		{[]string{""}, "abc", "abc"},
	} {
		var l Log
		for _, mask := range c.masks {
			if _, visible := l.Show("::add-mask::" + mask); visible {
				t.Error("a mask is shown")
			}
		}
		if got := l.Hide(c.text); got != c.want {
			t.Errorf("%q of %q: %q, want %q", c.masks, c.text, got, c.want)
		}
	}
}

func TestShow(t *testing.T) {
	var l Log
	l.Show("::add-mask::s3cret%25")
	line, visible := l.Show("::error::no%0Ahint: s3cret%25")
	if want := "Error: no\n  | hint: ***"; line != want || !visible || l.Shown() != want {
		t.Errorf("%q, visible %v, shown %q", line, visible, l.Shown())
	}
}

func TestReadPairs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "output")
	for _, c := range []struct {
		name, text string
		want       map[string]string // nil means an error
	}{
		{"values of lines, and an empty one", "a<<x\nb<<c\n\nd\nx\ne<<y\ny\n", map[string]string{"a": "b<<c\n\nd", "e": ""}},
		{"a carriage return is of the value", "a<<x\nb\r\nx\n", map[string]string{"a": "b\r"}},
		{"a long line", "a<<x\n" + strings.Repeat("b", 1<<17) + "\nx\n", map[string]string{"a": strings.Repeat("b", 1<<17)}},
		{"another form", "a=b\n", nil},
		{"no name", "<<x\nb\nx\n", nil},
		{"no end", "a<<x\nb\n", nil},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadPairs(file); !maps.Equal(got, c.want) || (err == nil) != (c.want != nil) {
			t.Errorf("%s: %.100q, %v", c.name, got, err)
		}
	}
}

// A program gets nothing of this environment, and a failed program is no error
// of Run.
func TestRun(t *testing.T) {
	sh, err := os.Stat("/bin/sh")
	if err != nil || sh.IsDir() {
		t.Skip("there is no shell here")
	}
	t.Setenv("FOR_NOBODY", "x")
	script := filepath.Join(t.TempDir(), "program")
	text := "#!/bin/sh\necho \"$0 $1 $INPUT_NAME $STATE_key [$FOR_NOBODY] $MORE\"\n" +
		"printf 'o<<d\\nv\\nd\\n' >> \"$GITHUB_OUTPUT\"\nexit 3\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	got, err := Run(t.Context(), Step{
		Program: script, Stage: "post", Action: "mint", Dir: t.TempDir(), Env: []string{"MORE=m"},
		Inputs: map[string]string{"name": "n"}, State: map[string]string{"key": "k"},
	})
	if err != nil || got.Exit != 3 || got.Outputs["o"] != "v" || !strings.HasSuffix(strings.Join(got.Log, "\n"), " mint n k [] m") {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Run(t.Context(), Step{Program: filepath.Join(t.TempDir(), "none"), Dir: t.TempDir()}); err == nil {
		t.Error("Run starts a missing program")
	}
}
