package cli

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
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
	names := make([]string, 0, len(chosen))
	for name := range chosen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
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
