package cli

import (
	"regexp"
	"sync"
)

// form gives a check of what a name looks like. The pattern is compiled when it is
// first asked for, since a step asks for few, and the length is checked apart: a
// counted repetition would make the pattern as large as its count.
func form(longest int, pattern string) func(string) bool {
	compiled := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
	return func(text string) bool { return len(text) <= longest && compiled().MatchString(text) }
}

var (
	isClientID   = form(64, `^[A-Za-z0-9._-]+$`)
	isID         = form(19, `^[1-9][0-9]*$`)
	isAccount    = form(100, `^[A-Za-z0-9_][A-Za-z0-9_-]*$`)
	isRepository = form(100, `^[A-Za-z0-9._-]+$`)
	isGlob       = form(100, `^[A-Za-z0-9._*?\[\]^-]+$`)
	isVariable   = form(100, `^[A-Za-z_][A-Za-z0-9_]*$`)
	isSlug       = form(100, `^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$`)
)
