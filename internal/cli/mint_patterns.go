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

// patterns are repository names with wildcards, to be held against what the
// installation reaches. Names can't hold a slash, so path.Match is all it takes.
type patterns struct {
	Include []string // names and globs
	Exclude []string // globs, written with a ! in front
}

const everything = "*"

// isPattern tells a glob from a name; no name of a repository holds these.
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
			in.Fault("repositories", actions.Quote(entry)+" is no pattern", "write NAME, svc-*, or !svc-legacy to leave one out")
		case !strings.EqualFold(of, owner):
			in.Fault("repositories", actions.Quote(entry)+" belongs to another owner than "+owner, "a token opens the repositories of one owner: set owner to "+of+", or use a second step")
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

// all tells whether the patterns are the plain "*", which needs no list.
func (p patterns) all() bool {
	return len(p.Exclude) == 0 && slices.Equal(p.Include, []string{everything})
}

// first gives a name without wildcards, by which an installation can be found.
func (p patterns) first() string {
	for _, name := range p.Include {
		if !isPattern(name) {
			return name
		}
	}
	return ""
}

// expand gives the names that the patterns mean, sorted. Archived repositories
// are for patterns only when asked for; a name in full always counts.
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
			chosen[name] = true // GitHub says why it can't be had
		}
	}
	switch {
	case len(chosen) == 0:
		return nil, actions.Fault{
			Input: "repositories", Problem: fmt.Sprintf("its patterns match none of the %d repositories that the App reaches", len(have)),
			Cure: "check the patterns, and which repositories the installation selects; include-archived: true takes archived ones too",
		}
	case len(chosen) > githubapp.MaxRepositories:
		return nil, actions.Fault{
			Input: "repositories", Problem: fmt.Sprintf("its patterns match %d repositories, and GitHub lets a token name %d", len(chosen), githubapp.MaxRepositories),
			Cure: "take all (repositories: '*'), or narrow the patterns and use a second step for the rest",
		}
	}
	if err := p.idle(have, archived); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(chosen)), nil
}

// idle is the fault of every pattern that matches nothing. A misspelt one that leaves
// out would leave its repository in; one that takes is work that somebody counts on.
func (p patterns) idle(have []githubapp.Repository, archived bool) error {
	var faults []error
	note := func(glob, mark, cure string) {
		if near := nearestRepository(glob, have); near != "" {
			cure = "did you mean " + mark + near + "?"
		}
		faults = append(faults, actions.Fault{
			Input: "repositories", Cure: cure,
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

// nearestRepository is the one that a name without wildcards was meant for.
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

func matches(globs []string, r githubapp.Repository, archived bool) bool {
	for _, glob := range globs {
		ok, _ := path.Match(strings.ToLower(glob), strings.ToLower(r.Name))
		if ok && (archived || !r.Archived || !isPattern(glob)) {
			return true
		}
	}
	return false
}
