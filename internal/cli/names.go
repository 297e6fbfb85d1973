package cli

import (
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/redact"
)

// nameCheck returns a check of how a name looks: it has only these characters,
// but does not begin or end with some of them.
func nameCheck(longest int, characters, notFirst, notLast string) func(string) bool {
	return func(name string) bool {
		return name != "" && len(name) <= longest && strings.Trim(name, characters) == "" &&
			!strings.Contains(notFirst, name[:1]) && !strings.Contains(notLast, name[len(name)-1:])
	}
}

const (
	digits       = "0123456789"
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" + digits
)

var (
	isClientID   = nameCheck(64, alphanumeric+"._-", "", "")
	isID         = nameCheck(19, digits, "0", "")
	isAccount    = nameCheck(100, alphanumeric+"_-", "-", "")
	isRepository = nameCheck(100, alphanumeric+"._-", "", "")
	isGlob       = nameCheck(100, alphanumeric+"._*?[]^-", "", "")
	isVariable   = nameCheck(100, alphanumeric+"_", digits, "")
	isSlug       = nameCheck(100, alphanumeric+"_-", "_-", "_-")
)

// speaksID reports whether a text looks like a client id and may be shown.
func speaksID(text string) bool {
	return isClientID(text) && actions.Quote(text) == `"`+text+`"`
}

// isRepositoryName reports whether GitHub allows a repository to have the name.
func isRepositoryName(name string) bool {
	return isRepository(name) && !redact.IsSecret(name) && name != "." && name != ".." && !strings.HasSuffix(strings.ToLower(name), ".git")
}
