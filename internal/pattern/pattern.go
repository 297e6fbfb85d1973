// Package pattern has regular expressions that are compiled when they are first used.
// A run needs few of those that the program has, and to compile one takes longer than
// to match a name. Start at [Pattern].
package pattern

import (
	"regexp"
	"sync"
)

// Pattern is a regular expression. Its text must not change, and is one that compiles.
type Pattern struct {
	Text string

	once   sync.Once
	regexp *regexp.Regexp
}

// Regexp returns the expression, compiled.
func (p *Pattern) Regexp() *regexp.Regexp {
	p.once.Do(func() { p.regexp = regexp.MustCompile(p.Text) })
	return p.regexp
}

// Matches reports whether the text contains a match.
func (p *Pattern) Matches(text string) bool { return p.Regexp().MatchString(text) }
