package cli

import (
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/redact"
)

// namePattern returns a check of how a name looks. It checks the length
// separately: a counted repetition would make the pattern as large as its count.
func namePattern(longest int, text string) func(string) bool {
	look := &pattern.Pattern{Text: text}
	return func(name string) bool { return len(name) <= longest && look.Matches(name) }
}

var (
	isClientID   = namePattern(64, `^[A-Za-z0-9._-]+$`)
	isID         = namePattern(19, `^[1-9][0-9]*$`)
	isAccount    = namePattern(100, `^[A-Za-z0-9_][A-Za-z0-9_-]*$`)
	isRepository = namePattern(100, `^[A-Za-z0-9._-]+$`)
	isGlob       = namePattern(100, `^[A-Za-z0-9._*?\[\]^-]+$`)
	isVariable   = namePattern(100, `^[A-Za-z_][A-Za-z0-9_]*$`)
	isSlug       = namePattern(100, `^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$`)
)

// speaksID reports whether a text looks like a client id and may be shown.
func speaksID(text string) bool {
	return isClientID(text) && actions.Quote(text) == `"`+text+`"`
}

// isRepositoryName reports whether GitHub allows a repository to have the name.
func isRepositoryName(name string) bool {
	return isRepository(name) && !redact.IsSecret(name) && name != "." && name != ".." && !strings.HasSuffix(strings.ToLower(name), ".git")
}
