package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/secret"
	"github.com/valetkey/valetkey/internal/wording"
)

// meaning returns what a selection means at one of its owners. A list that
// is written out in full needs no request: GitHub will say of each repository
// why it can't be opened.
func (f *Fleet) meaning(ctx context.Context, owner string, s manifest.Selection) (manifest.Meaning, error) {
	if names, exact := s.Exact(); exact {
		var m manifest.Meaning
		for _, full := range names {
			if of, name, _ := strings.Cut(full, "/"); strings.EqualFold(of, owner) {
				m.Repositories = append(m.Repositories, manifest.Repository{Name: name})
			}
		}
		return m, nil
	}
	reached, err := f.repositories(ctx, owner)
	if err != nil {
		return manifest.Meaning{}, err
	}
	if f.byToken() && reached.Len() == 0 {
		return manifest.Meaning{}, &fault.Error{
			Problem: "the token reaches no repository of " + owner,
			Hint:    "pass one of an installation there, or the App itself, which has an installation for each owner",
		}
	}
	return s.Select(reached), nil
}

// namesOf lists the repositories that are meant, and those that are named in
// full though the App does not reach them: each of these fails by itself.
func namesOf(m manifest.Meaning) []string {
	names := slices.Clone(m.Absent)
	for _, r := range m.Repositories {
		names = append(names, r.Name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return names
}

// idle returns a fault for each entry of a list that selects nothing. It returns
// none while the meaning is not known for all owners.
func (f *Fleet) idle(ctx context.Context, file *manifest.File, s manifest.Selection, meanings []manifest.Meaning) (faults []error) {
	if len(meanings) < len(s.Owners()) {
		return nil
	}
	for _, entry := range s.Idle(meanings) {
		count := 0
		for _, owner := range s.Owners() {
			if reached, err := f.repositories(ctx, owner); err == nil { // listed already
				count += reached.Len()
			}
		}
		problem := fmt.Sprintf("%s selects none of the %s repositories of %s that the App reaches",
			entry, wording.Number(count), wording.Names(s.Owners()))
		if entry.Archived > 0 {
			problem += fmt.Sprintf(", except archived ones (%d), which only full names select", entry.Archived)
		}
		faults = append(faults, file.Fault(entry.Position, problem,
			"check the spelling, and which repositories the installation selects; "+
				"where it may select nothing, write allow-empty: true next to the list"))
	}
	return faults
}

// errNobody is the error for a list of repositories that may be empty, and is.
var errNobody = errors.New("its list selects no repository today, and a list is not emptied for that")

// Access returns who may see an organization's secret, by a manifest's
// visibility and its list of selected repositories; nil keeps what is there.
// Entries of the list that select nothing are errors of the manifest, each a
// [manifest.Fault].
func (f *Fleet) Access(
	ctx context.Context, file *manifest.File, organization, visibility string, s manifest.Selection,
) (*secret.Access, error) {
	if visibility != "selected" {
		if visibility == "" {
			return nil, nil
		}
		return &secret.Access{Visibility: visibility}, nil
	}
	reached, err := f.repositories(ctx, organization) // full names too, because their ids count
	if err != nil {
		return nil, err
	}
	meaning := s.Select(reached)
	faults := f.idle(ctx, file, s, []manifest.Meaning{meaning})
	switch {
	case len(faults) > 0:
		return nil, errors.Join(faults...)
	case len(meaning.Absent) > 0:
		return nil, errUnreached(organization+"/"+wording.Names(meaning.Absent), "")
	case len(meaning.Repositories) == 0 && s.AllowEmpty:
		return nil, errNobody
	case len(meaning.Repositories) == 0:
		return nil, &fault.Error{
			Problem: "its list selects no repository: what one entry selects, another excludes",
			Hint:    "check the list; a secret that no repository sees is useless",
		}
	}
	access := &secret.Access{Visibility: visibility}
	for _, r := range meaning.Repositories {
		access.Repositories = append(access.Repositories, r.ID)
	}
	return access, nil
}

// scopeOf returns what a token of the manifest has to open.
func (f *Fleet) scopeOf(ctx context.Context, file *manifest.File, s *manifest.Scope) (githubapp.Scope, error) {
	scope := githubapp.Scope{Permissions: s.Permissions}
	if _, all := s.Repositories.All(); all {
		scope.AllRepositories = true
		return scope, nil
	}
	owner := s.Repositories.Owners()[0] // the parser allows one
	meaning, err := f.meaning(ctx, owner, s.Repositories)
	if err != nil {
		return scope, err
	}
	if faults := f.idle(ctx, file, s.Repositories, []manifest.Meaning{meaning}); len(faults) > 0 {
		return scope, errors.Join(faults...)
	}
	scope.Repositories = namesOf(meaning)
	switch n := len(scope.Repositories); {
	case n == 0:
		return scope, file.Fault(s.Position, s.Repositories.String()+" matches no repository",
			"a token needs at least one repository: check the list")
	case n > githubapp.MaxRepositories:
		return scope, file.Fault(s.Position,
			fmt.Sprintf("%s matches %d repositories, and GitHub lets a token name %d", s.Repositories, n, githubapp.MaxRepositories),
			"take all of them with "+owner+"/*, or fewer")
	}
	return scope, nil
}
