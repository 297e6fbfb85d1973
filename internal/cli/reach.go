package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// reach is what git is to be let in to: the repositories that the token opens,
// in the spellings that workflows use. GitHub's spelling comes first.
type reach struct {
	Owner        string   `json:"owner"`
	Aliases      []string `json:"aliases"`
	Organization int64    `json:"organization"` // the owner's id, if it is an organization and the id is known
	All          bool     `json:"all"`          // every repository of the owner
	Repositories []string `json:"repositories"` // names without owner
}

// reachOf returns the reach of a token that was minted elsewhere, from names
// like owner/name or owner/*.
func reachOf(repositories []string) (reach, error) {
	var w reach
	for _, full := range repositories {
		owner, name, _ := strings.Cut(full, "/")
		if w.Owner != "" && owner != w.Owner {
			return reach{}, actions.Fault{
				Input: "encrypted-token", Problem: "names repositories of more than one owner, which no token opens",
				Hint: "pass the output encrypted-token of valetkey as it is",
			}
		}
		if w.Owner = owner; name == "*" {
			w.All = true
		} else {
			w.Repositories = append(w.Repositories, name)
		}
	}
	return w, nil
}

// selected narrows all repositories of an owner down to those that the
// installation selects, because the token opens no others.
func (w reach) selected(ctx context.Context, api *githubapp.API, token redact.String) (reach, error) {
	list, err := api.Repositories(ctx, token)
	if err != nil {
		return w, err
	}
	w.All = false
	for _, r := range list {
		if owner, name, _ := strings.Cut(r.FullName, "/"); strings.EqualFold(owner, w.Owner) {
			w.Repositories = append(w.Repositories, name)
		}
	}
	return w, nil
}

// opens reports whether a repository is within reach.
func (w reach) opens(owner, repository string) bool {
	same := func(name string) func(string) bool {
		return func(other string) bool { return strings.EqualFold(other, name) }
	}
	return slices.ContainsFunc(append([]string{w.Owner}, w.Aliases...), same(owner)) &&
		(w.All || slices.ContainsFunc(w.Repositories, same(repository)))
}
