package permission

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
)

// Set maps GitHub's key of a permission to its level, as in GitHub's JSON. An
// empty set asks for nothing in particular, and GitHub then grants everything
// that the installation has.
type Set map[string]string

// Merge unites two sets. A name with a different level in each is an error and
// keeps the level of a.
func Merge(a, b Set) (Set, []error) {
	merged := make(Set, len(a)+len(b))
	maps.Copy(merged, a)
	var clashes faults
	for _, name := range sorted(b) {
		if level, ok := merged[name]; ok && level != b[name] {
			clashes.add(conflict(displayName(name), level, b[name]))
			continue
		}
		merged[name] = b[name]
	}
	return merged, clashes.list()
}

// conflict returns the error for one name with two levels.
func conflict(subject, first, second string) error {
	return fault.New(fmt.Sprintf("%s: both %s and %s are asked for", subject, displayLevel(first), displayLevel(second)),
		"keep one of them")
}

// Lines returns "contents: read" for each permission, sorted. The set may come
// from a server and hold anything; quotes keep it on its line.
func (s Set) Lines() []string {
	lines := make([]string, 0, len(s))
	for _, name := range sorted(s) {
		level := s[name]
		if !wellFormed(name) {
			name = strconv.QuoteToASCII(name)
		}
		if !levelMayAppear(level) {
			level = strconv.QuoteToASCII(level)
		}
		lines = append(lines, name+": "+level)
	}
	return lines
}

// YAML returns the lines of a set for pasting under "permissions: |".
func (s Set) YAML() string {
	var b strings.Builder
	for _, line := range s.Lines() {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// Compare returns how the granted set differs from the one that was asked for,
// in sorted phrases: missing as "contents: write (granted read)" or "issues:
// read (not granted)", extra as "contents: write (asked read)" or "members:
// read". "metadata: read" does not count, since GitHub adds it to every token.
// An empty asked set asks for everything; do not compare it.
func Compare(asked, granted Set) (missing, extra []string) {
	for _, name := range sorted(asked) {
		want := asked[name]
		got, ok := granted[name]
		switch {
		case !ok:
			missing = append(missing, phrase(name, want)+" (not granted)")
		case got == want:
		case rank(got) > rank(want):
			extra = append(extra, phrase(name, got)+" (asked "+displayLevel(want)+")")
		default: // lower, or a level that this release cannot rank
			missing = append(missing, phrase(name, want)+" (granted "+displayLevel(got)+")")
		}
	}
	for _, name := range sorted(granted) {
		if _, ok := asked[name]; ok || name == "metadata" && granted[name] == "read" {
			continue
		}
		extra = append(extra, phrase(name, granted[name]))
	}
	slices.Sort(missing)
	slices.Sort(extra)
	return missing, extra
}

// Unknown returns a warning, one sentence, for each part of a set that this
// release does not know and only GitHub can judge: unknown names, and unseen
// levels of a name without a published schema.
func Unknown(s Set) []string {
	var warnings []string
	more := 0
	for _, name := range sorted(s) {
		p, known := Lookup(name)
		if known && (slices.Contains(p.Levels, s[name]) || !p.Observed) {
			continue
		}
		if len(warnings) == maxFaults {
			more++
			continue
		}
		text := displayName(name) + " is not a permission this release knows"
		if known {
			text = phrase(name, s[name]) + " is not a level this release has seen"
		} else if near := nearestName(name); near != "" {
			text += " (did you mean " + near + "?)"
		}
		warnings = append(warnings, text+"; it is passed to GitHub as it is")
	}
	if more > 0 {
		warnings = append(warnings,
			fmt.Sprintf("%d more are not known to this release either; they are passed to GitHub as they are", more))
	}
	return warnings
}

func phrase(name, level string) string { return displayName(name) + ": " + displayLevel(level) }

// displayName returns a name for a message, and never a text that may be a
// secret.
func displayName(name string) string {
	if nameMayAppear(name) {
		return name
	}
	return fmt.Sprintf("a name of %d characters", len(name))
}

// displayLevel returns a level for a message, and never a text that may be a
// secret.
func displayLevel(level string) string {
	if levelMayAppear(level) {
		return level
	}
	return "another level"
}

func sorted(s Set) []string { return slices.Sorted(maps.Keys(s)) }
