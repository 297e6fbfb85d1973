//go:build !nodemo

package cli

import (
	"context"
	"flag"
	"io"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/demo"
)

// option is a flag of a command, or a word that it takes, as a person types it.
type option struct {
	Name   string   // without dashes for a flag
	Help   string   // one line
	Value  string   // what the flag takes; "" if it takes no value
	Values []string // the values that there are; nil if they can't be listed
}

// manualEntry is a command as completion and the manual page know it. All of it
// comes from the table of commands and from the flags that the commands define.
type manualEntry struct {
	command
	Options []option // flags
	Words   []option // words in the place of the first argument
}

// manual returns all commands in the order of their table.
func (t table) manual(ctx context.Context) []manualEntry {
	var list []manualEntry
	for _, c := range t {
		e := manualEntry{command: c, Options: c.options(ctx)}
		switch {
		case c.Name == "help":
			for _, other := range t {
				e.Words = append(e.Words, option{Name: other.Name, Help: other.Summary})
			}
		case c.Name == "completion":
			for _, shell := range []string{"bash", "fish", "zsh"} {
				e.Words = append(e.Words, option{Name: shell, Help: "completion for " + shell})
			}
		case c.Name == "demo":
			for _, chapter := range demo.Chapters() {
				e.Words = append(e.Words, option{Name: chapter, Help: "show this chapter alone"})
			}
		case c.Name == "custody":
			e.Words = append(e.Words, option{Name: "check", Help: "sign once, and ask GitHub"})
		case c.Name == "git-credential":
			e.Words = append(e.Words, option{Name: "get", Help: "answer git, which adds this word itself"})
		case c.Explain != nil:
			e.Words = append(e.Words, option{Name: "explain", Help: "say why about one of them"})
		}
		list = append(list, e)
	}
	return list
}

// options returns the flags of a command, -h among them.
func (c command) options(ctx context.Context) []option {
	list := []option{{Name: "h", Help: "print what " + c.Name + " takes"}}
	if c.Print != nil {
		list = append(list, option{Name: strings.TrimLeft(printFlag, "-"), Help: "print the token alone, for a shell"})
	}
	if !c.Flags {
		return list
	}
	none := func(string) string { return "" }
	c.Run(ctx, Process{
		Getenv: none, Environ: func() []string { return nil }, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard,
		flags: func(flags *flag.FlagSet) {
			flags.VisitAll(func(f *flag.Flag) {
				value, help := flag.UnquoteUsage(f)
				o := option{Name: f.Name, Help: help, Value: value}
				if c.Name == "explain" && f.Name == "format" {
					for name := range formats {
						o.Values = append(o.Values, name)
					}
					slices.Sort(o.Values)
				}
				list = append(list, o)
			})
		},
	}, c, nil)
	return list
}
