package cli

import (
	"regexp"
	"strings"
	"testing"
)

// The checks of names are what these patterns say.
func TestNameChecks(t *testing.T) {
	texts := []string{
		"", " ", ".", "-", "_", "a", "A", "7", "0", "07", "70", "a b", "a\n", "\na", "ä", "aä", "a/b",
		"a-", "-a", "a_", "_a", "a-b_c.d", "a*", "[a^-c]?", "1a",
	}
	for _, length := range []int{19, 20, 64, 65, 100, 101} {
		texts = append(texts, strings.Repeat("7", length), strings.Repeat("a", length))
	}
	for _, c := range []struct {
		name    string
		check   func(string) bool
		longest int
		pattern string
	}{
		{"client id", isClientID, 64, `^[A-Za-z0-9._-]+$`},
		{"id", isID, 19, `^[1-9][0-9]*$`},
		{"account", isAccount, 100, `^[A-Za-z0-9_][A-Za-z0-9_-]*$`},
		{"repository", isRepository, 100, `^[A-Za-z0-9._-]+$`},
		{"glob", isGlob, 100, `^[A-Za-z0-9._*?\[\]^-]+$`},
		{"variable", isVariable, 100, `^[A-Za-z_][A-Za-z0-9_]*$`},
		{"slug", isSlug, 100, `^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$`},
	} {
		for _, text := range texts {
			want := len(text) <= c.longest && regexp.MustCompile(c.pattern).MatchString(text)
			if got := c.check(text); got != want {
				t.Errorf("%s: %q: %v, want %v", c.name, text, got, want)
			}
		}
	}
}
