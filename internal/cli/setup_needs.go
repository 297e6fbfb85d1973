//go:build !nodemo

package cli

import (
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/pat"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/rotate"
	"github.com/valetkey/valetkey/internal/secret"
)

// purpose is an action that an App can be for.
type purpose struct {
	Name string

	// Needs returns what the parts of a manifest take, and the accounts that
	// they are about.
	Needs func(*manifest.File) (needs []permission.Need, accounts []string)
	// Least is what the action takes without a manifest, and Note says what
	// that leaves out.
	Least permission.Set
	Note  string
}

// purposes are the actions that `setup -for` knows. What mint takes, the person
// has to say.
func purposes() []purpose {
	return []purpose{
		{Name: "mint"},
		{
			Name: "sync", Needs: syncNeeds, Least: permission.Set{"secrets": "write"},
			Note: "without -manifest this is for Actions secrets of repositories; name the manifest, and it becomes what that takes",
		},
		{
			Name: "rotate", Needs: rotateNeeds, Least: permission.Set{"secrets": "write"},
			Note: "without -manifest this is for values in Actions secrets of repositories; deploy keys take administration: write " +
				"as well. Name the manifest, and it becomes what that takes",
		},
		{
			Name: "pats", Needs: patsNeeds,
			Least: permission.Set{
				"organization_personal_access_token_requests": "read", "organization_personal_access_tokens": "read", "members": "read",
			},
			Note: "without -manifest this only reads; name the manifest, and it becomes what that takes",
		},
	}
}

// placed returns the permission that writing to a place takes.
func placed(at secret.Place) permission.Set { return permission.Set{at.Permission(): "write"} }

// need unites sets under a name.
func need(from string, sets ...permission.Set) permission.Need {
	var list []permission.Need
	for _, set := range sets {
		list = append(list, permission.Need{Permissions: set})
	}
	return permission.Need{From: from, Permissions: permission.Cover(list)}
}

// syncNeeds returns what each secret of a manifest takes.
func syncNeeds(file *manifest.File) (needs []permission.Need, accounts []string) {
	for i := range file.Secrets {
		one := &file.Secrets[i]
		var sets []permission.Set
		if one.Mint != nil {
			sets = append(sets, one.Mint.Permissions)
			accounts = append(accounts, one.Mint.Repositories.Owners()...)
		}
		for j := range one.To {
			set, owners := targetNeeds(&one.To[j])
			sets, accounts = append(sets, set), append(accounts, owners...)
		}
		needs = append(needs, need(one.Name, sets...))
	}
	return needs, accounts
}

func targetNeeds(t *manifest.Target) (permission.Set, []string) {
	sets := []permission.Set{{"metadata": "read"}} // to list what patterns mean
	for _, app := range t.Apps {
		at := secret.Place{Owner: t.Organization, App: app}
		if t.Organization == "" {
			at.Repository = "any"
		}
		if len(t.Environments) > 0 {
			at.Environment = t.Environments[0]
		}
		sets = append(sets, placed(at))
	}
	if t.CreateEnvironments {
		sets = append(sets, permission.Set{"actions": "read", "administration": "write"})
	}
	if t.Organization != "" {
		return need("", sets...).Permissions, []string{t.Organization}
	}
	return need("", sets...).Permissions, t.Repositories.Owners()
}

// rotateNeeds returns what each rotation of a manifest takes.
func rotateNeeds(file *manifest.File) (needs []permission.Need, accounts []string) {
	for i := range file.Rotations {
		one := &file.Rotations[i]
		sets := []permission.Set{{"metadata": "read"}}
		for _, n := range rotate.Needs(one) {
			sets, accounts = append(sets, permission.Set{n.Permission: "write"}), append(accounts, n.Place.Owner)
		}
		if token := one.InstallationToken; token != nil {
			sets = append(sets, token.Permissions)
			accounts = append(accounts, token.Repositories.Owners()...)
		}
		needs = append(needs, need(one.Name, sets...))
	}
	return needs, accounts
}

// patsNeeds returns what each part of a policy takes: reading alone, unless it
// is enforced.
func patsNeeds(file *manifest.File) (needs []permission.Need, accounts []string) {
	policy := file.PATs
	if policy == nil {
		return nil, nil
	}
	for _, n := range pat.Needs(policy, wholePolicy(policy), true) {
		place := n.Owner
		if n.Repository != "" {
			place += "/" + n.Repository
		}
		needs, accounts = append(needs, need(place, permission.Set{n.Permission: n.Level})), append(accounts, n.Owner)
	}
	return needs, accounts
}

// elsewhere returns the accounts of a manifest that an App of one account does
// not reach, each once.
func elsewhere(account string, accounts []string) (others []string) {
	for _, name := range accounts {
		if !strings.EqualFold(name, account) && !slices.ContainsFunc(others, func(o string) bool { return strings.EqualFold(o, name) }) {
			others = append(others, name)
		}
	}
	return others
}
