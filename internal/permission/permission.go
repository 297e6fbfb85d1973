// Package permission is the vocabulary of GitHub App permissions: which keys an
// installation token can carry, which levels each has, how people write them
// down and how what was granted differs from what was asked for.
//
// It does no input or output and never asks GitHub. A name that this release
// does not know is no fault here: GitHub adds permissions faster than people
// update actions, so GitHub has the last word on it. A misspelt one is a fault, and
// so is a word that stands for another name. Start with [Parse] for
// text, [Check] for a single input, [Compare] for a grant.
//
// For people who know other words than permissions there are [Scopes] and
// [Operations], which say the least that does what they name. Their tables are
// compressed, and read when they are first asked for.
//
// What people type into these inputs may be a secret that went astray, so no
// text of this package repeats input that it has not recognised as harmless.
package permission

import (
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

//go:generate go run ./generate

// Permission is one key that an installation token can carry.
type Permission struct {
	Name        string // GitHub's key, with underscores
	Scope       string // repository, organization, enterprise or account
	Description string
	Levels      []string // ascending, out of read, write, admin

	// Observed says that no published schema lists the levels of this key: they
	// are the ones that endpoints ask for, and GitHub may accept others.
	Observed bool
}

// All returns every permission that this release knows, sorted by name. The
// slice is the caller's; the Levels in it are shared and must not be changed.
func All() []Permission { return slices.Clone(table) }

// Lookup finds a permission by GitHub's spelling of its name (see [Name]).
func Lookup(name string) (Permission, bool) {
	i, ok := slices.BinarySearchFunc(table, name, func(p Permission, name string) int {
		return strings.Compare(p.Name, name)
	})
	if !ok {
		return Permission{}, false
	}
	return table[i], true
}

// Name turns what people write, such as "Pull-Requests", into GitHub's
// spelling, pull_requests. The result is not checked in any way.
func Name(text string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(text)), "-", "_")
}

// levels are all levels there are, each including the ones before it.
var levels = []string{"read", "write", "admin"}

// rank orders levels; a text that is no level ranks below all of them.
func rank(level string) int { return slices.Index(levels, level) }

// IsLevel reports whether a text is the level of some permission.
func IsLevel(text string) bool { return rank(word(text)) >= 0 }

// maxName is the length of the longest name that is passed on to GitHub.
const maxName = 64

// wellFormed reports whether name could be a permission: ^[a-z][a-z0-9_]{0,63}$,
// and not the beginning of a token.
func wellFormed(name string) bool {
	if name == "" || len(name) > maxName || name[0] < 'a' || name[0] > 'z' || isSecret(name) {
		return false
	}
	return only(name, func(c byte) bool { return isLower(c) || c == '_' || '0' <= c && c <= '9' })
}

// isSecret reports whether text begins as tokens and keys do, in any case and with
// dashes for underscores.
func isSecret(text string) bool {
	return redact.KindOf(text).IsSecret() || redact.KindOf(Name(text)).IsSecret()
}

// speakable reports whether a name may appear in a message. Beside the known
// ones these are short names without digits, which random secrets rarely lack.
func speakable(name string) bool {
	if _, known := Lookup(name); known {
		return true
	}
	return wellFormed(name) && len(name) <= 40 && !strings.ContainsAny(name, "0123456789")
}

// isWord reports whether a level, known or not, may appear in a message.
func isWord(level string) bool {
	return level != "" && len(level) <= 10 && only(level, isLower)
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

func only(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}
