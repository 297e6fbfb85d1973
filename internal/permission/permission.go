// Package permission is the vocabulary of GitHub App permissions: which keys an
// installation token can carry, which levels each has, how people write them,
// and how a granted set differs from the one that was asked for.
//
// It does no input or output and never asks GitHub. A name that this release
// does not know is not an error here: GitHub adds permissions faster than
// people update actions, so GitHub has the last word on it. A misspelt name is
// an error, and so is a word that stands for another name. Start with [Parse]
// for text, [Check] for a single input, and [Compare] for a grant.
//
// For people who do not think in permissions there are [Scopes] and
// [Operations], which return the least that covers what they name. Their tables
// are compressed and read on first use.
//
// People may type a secret into these inputs by mistake, so no text of this
// package repeats input that it has not recognised as harmless.
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

	// Observed means that no published schema lists the levels of this key:
	// they are those that endpoints ask for, and GitHub may accept others.
	Observed bool
}

// All returns every permission that this release knows, sorted by name. The
// caller may change the slice, but not the Levels in it.
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

// Name turns a name as people write it, such as "Pull-Requests", into GitHub's
// spelling, pull_requests. It checks nothing.
func Name(text string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(text)), "-", "_")
}

// levels are all levels; each includes the ones before it.
var levels = []string{"read", "write", "admin"}

// rank orders levels; a text that is not a level ranks below all of them.
func rank(level string) int { return slices.Index(levels, level) }

// IsLevel reports whether some permission has this level.
func IsLevel(text string) bool { return rank(normalize(text)) >= 0 }

// maxName is the length of the longest name that is passed on to GitHub.
const maxName = 64

// wellFormed reports whether name could be a permission:
// ^[a-z][a-z0-9_]{0,63}$, and not the beginning of a token.
func wellFormed(name string) bool {
	if name == "" || len(name) > maxName || name[0] < 'a' || name[0] > 'z' || isSecret(name) {
		return false
	}
	return consistsOf(name, func(c byte) bool { return isLower(c) || c == '_' || '0' <= c && c <= '9' })
}

// isSecret reports whether text begins as tokens and keys do, in any case and
// with dashes for underscores or the other way round, as [Name] changes them.
func isSecret(text string) bool {
	name := Name(text)
	return redact.KindOf(text).IsSecret() || redact.KindOf(name).IsSecret() ||
		redact.KindOf(strings.ReplaceAll(name, "_", "-")).IsSecret()
}

// nameMayAppear reports whether a message may repeat a name. Besides the known
// names these are short ones without digits: random secrets rarely lack digits.
func nameMayAppear(name string) bool {
	if _, known := Lookup(name); known {
		return true
	}
	return wellFormed(name) && len(name) <= 40 && !strings.ContainsAny(name, "0123456789")
}

// levelMayAppear reports whether a message may repeat a level, known or not.
func levelMayAppear(level string) bool {
	return level != "" && len(level) <= 10 && consistsOf(level, isLower)
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

func consistsOf(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}
