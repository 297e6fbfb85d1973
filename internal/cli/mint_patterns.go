package cli

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/nearest"
	"github.com/valetkey/valetkey/internal/redact"
)

// patterns are repository names with wildcards, which are compared with the
// repositories of the installation. No name holds a slash, so path.Match
// suffices.
type patterns struct {
	Include []string // names and globs
	Exclude []string // globs, which the input writes with a ! in front
}

const everything = "*"

// isPattern reports whether an entry is a pattern: no name of a repository
// holds these characters.
func isPattern(entry string) bool {
	return strings.HasPrefix(entry, "!") || strings.ContainsAny(entry, "*?[")
}

// parsePatterns reads a list that holds a pattern, entry by entry.
func parsePatterns(in *actions.Inputs, owner string, listed []string) patterns {
	var p patterns
	for _, entry := range listed {
		glob, excluded := strings.CutPrefix(entry, "!")
		of, name, qualified := strings.Cut(glob, "/")
		if !qualified {
			of, name = owner, glob
		}
		switch _, err := path.Match(name, ""); {
		case err != nil, !isGlob(name), !isAccount(of), redact.IsSecret(of), redact.IsSecret(name):
			in.Fault("repositories", actions.Quote(entry)+" is not a pattern", "write NAME, svc-*, or !svc-legacy to leave one out")
		case !strings.EqualFold(of, owner):
			in.Fault("repositories", actions.Quote(entry)+" belongs to another owner than "+owner,
				"a token opens the repositories of one owner: set owner to "+of+", or use a second step")
		case excluded:
			p.Exclude = append(p.Exclude, name)
		default:
			p.Include = append(p.Include, name)
		}
	}
	if len(p.Include) == 0 && in.Err() == nil {
		in.Fault("repositories", "only says what to leave out", "say what to take first: '*' for all, or svc-*")
	}
	return p
}

// all reports whether the patterns are just "*", which needs no list of
// repositories.
func (p patterns) all() bool {
	return len(p.Exclude) == 0 && slices.Equal(p.Include, []string{everything})
}

// first returns a name without wildcards, by which an installation can be
// found, or "".
func (p patterns) first() string {
	for _, name := range p.Include {
		if !isPattern(name) {
			return name
		}
	}
	return ""
}

// expand returns the names of the matching repositories, sorted. Archived ones
// match a pattern only if that is asked for, and a full name always.
func (p patterns) expand(have []githubapp.Repository, archived bool) ([]string, error) {
	chosen, known := map[string]bool{}, map[string]bool{}
	for _, r := range have {
		known[strings.ToLower(r.Name)] = true
		if matches(p.Include, r, archived) && !matches(p.Exclude, r, true) {
			chosen[r.Name] = true
		}
	}
	for _, name := range p.Include {
		if !isPattern(name) && !known[strings.ToLower(name)] {
			chosen[name] = true // GitHub will say why it cannot be opened
		}
	}
	switch {
	case len(chosen) == 0:
		return nil, actions.Fault{
			Input: "repositories", Problem: fmt.Sprintf("its patterns match none of the %d repositories that the App reaches", len(have)),
			Hint: "check the patterns, and which repositories the installation selects; include-archived: true takes archived ones too",
		}
	case len(chosen) > githubapp.MaxRepositories:
		return nil, actions.Fault{
			Input: "repositories",
			Problem: fmt.Sprintf("its patterns match %d repositories, and GitHub lets a token name %d",
				len(chosen), githubapp.MaxRepositories),
			Hint: "take all (repositories: '*'), or narrow the patterns and use a second step for the rest",
		}
	}
	if err := p.idle(have, archived); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(chosen)), nil
}

// idle returns a fault for each pattern that matches nothing. A misspelt
// exclusion would leave its repository in, and somebody relies on an inclusion.
func (p patterns) idle(have []githubapp.Repository, archived bool) error {
	var faults []error
	note := func(glob, mark, hint string) {
		if near := nearestRepository(glob, have); near != "" {
			hint = "did you mean " + mark + near + "?"
		}
		faults = append(faults, actions.Fault{
			Input: "repositories", Hint: hint,
			Problem: fmt.Sprintf("%s matches none of the %d repositories that the App reaches", actions.Quote(mark+glob), len(have)),
		})
	}
	none := func(glob string, archived bool) bool {
		return !slices.ContainsFunc(have, func(r githubapp.Repository) bool { return matches([]string{glob}, r, archived) })
	}
	for _, glob := range p.Include {
		switch {
		case !isPattern(glob) || !none(glob, archived):
		case !none(glob, true):
			note(glob, "", "it matches archived ones only: include-archived: true takes them too")
		default:
			note(glob, "", "take it out, or check which repositories the installation selects")
		}
	}
	for _, glob := range p.Exclude {
		if none(glob, true) {
			note(glob, "!", "take it out, or check which repositories the installation selects")
		}
	}
	return errors.Join(faults...)
}

// nearestRepository returns the repository that a misspelt name was meant for,
// or "".
func nearestRepository(name string, have []githubapp.Repository) string {
	if isPattern(name) {
		return ""
	}
	lower := map[string]string{}
	for _, r := range have {
		lower[strings.ToLower(r.Name)] = r.Name
	}
	return lower[nearest.Word(strings.ToLower(name), slices.Sorted(maps.Keys(lower)), 2)]
}

// matches reports whether one of the globs matches a repository.
func matches(globs []string, r githubapp.Repository, archived bool) bool {
	for _, glob := range globs {
		ok, _ := path.Match(strings.ToLower(glob), strings.ToLower(r.Name))
		if ok && (archived || !r.Archived || !isPattern(glob)) {
			return true
		}
	}
	return false
}
