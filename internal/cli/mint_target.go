package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// mintTarget is whose installation a token belongs to, and which repositories
// it opens.
type mintTarget struct {
	Target   githubapp.Target
	Scope    githubapp.Scope // without permissions
	Patterns patterns        // from which Scope.Repositories is to be made, if there are any
	Notices  []string
}

// parseTarget reads owner, repositories and enterprise by the rules of
// actions/create-github-app-token.
func parseTarget(r *actions.Runner, in *actions.Inputs) mintTarget {
	owner, enterprise, listed := in.String("owner"), in.String("enterprise"), in.List("repositories")
	wrong := owner != "" && (!isAccount(owner) || redact.IsSecret(owner))
	if wrong {
		in.Fault("owner", actions.Quote(owner)+" is not a user or organization", "give the account's name alone, without a slash or a URL")
	}
	if enterprise != "" {
		switch {
		case !isAccount(enterprise), redact.IsSecret(enterprise):
			in.Fault("enterprise", actions.Quote(enterprise)+" is not the slug of an enterprise",
				"give the last part of github.com/enterprises/SLUG")
		case owner != "", len(listed) > 0:
			in.Fault("enterprise", "can't be used with owner or repositories",
				"use one step for the enterprise and another for the repositories")
		}
		return mintTarget{Target: githubapp.Target{Enterprise: enterprise}, Scope: githubapp.Scope{AllRepositories: true}}
	}
	switch {
	case wrong: // it may be a secret, and no repository can be compared with it
		return mintTarget{}
	case owner == "" && len(listed) == 0:
		current := r.Variable("GITHUB_REPOSITORY")
		if current == "" {
			in.Fault("repositories", "is empty, and so is GITHUB_REPOSITORY",
				"name the repositories, or an owner for all of its repositories")
			return mintTarget{}
		}
		owner, _, _ = strings.Cut(current, "/")
		listed = []string{current}
	case owner == "":
		if owner = r.Variable("GITHUB_REPOSITORY_OWNER"); owner == "" {
			in.Fault("owner", "is empty, and so is GITHUB_REPOSITORY_OWNER", "name the user or organization that owns the repositories")
			return mintTarget{}
		}
	case len(listed) == 0:
		return mintTarget{
			Target: githubapp.Target{Owner: owner}, Scope: githubapp.Scope{AllRepositories: true},
			Notices: []string{
				"no repositories named: the token reaches all repositories of " + owner + " that the App is installed on",
			},
		}
	}
	t := mintTarget{Target: githubapp.Target{Owner: owner}}
	if slices.ContainsFunc(listed, isPattern) {
		if t.Patterns = parsePatterns(in, owner, listed); t.Patterns.all() {
			t.Scope.AllRepositories, t.Patterns = true, patterns{}
		}
		t.Target.Repository = t.Patterns.first()
		return t
	}
	t.Scope.Repositories = parseRepositories(in, owner, listed)
	if len(t.Scope.Repositories) > 0 {
		t.Target.Repository = t.Scope.Repositories[0]
	}
	return t
}

// parseRepositories returns the names without owner, as GitHub wants them.
func parseRepositories(in *actions.Inputs, owner string, listed []string) []string {
	var names []string
	seen := map[string]bool{}
	for _, entry := range listed {
		of, name, qualified := strings.Cut(entry, "/")
		if !qualified {
			of, name = owner, entry
		}
		switch {
		case !isAccount(of), redact.IsSecret(of), !isRepositoryName(name):
			in.Fault("repositories", actions.Quote(entry)+" is not a repository name", "write NAME or OWNER/NAME, no URL, no .git")
			continue
		case !strings.EqualFold(of, owner):
			in.Fault("repositories", actions.Quote(entry)+" belongs to another owner than "+owner,
				"a token opens the repositories of one owner: set owner to "+of+", or use a second step")
			continue
		}
		if key := strings.ToLower(name); !seen[key] {
			seen[key] = true
			names = append(names, name)
		}
	}
	if len(names) > githubapp.MaxRepositories {
		in.Fault("repositories",
			fmt.Sprintf("names %d repositories, and GitHub lets a token name %d", len(names), githubapp.MaxRepositories),
			"split them over several steps, or leave repositories out and set owner for all of its repositories")
	}
	return names
}
