//go:build !nodemo

package cli

import (
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/secret"
	"github.com/valetkey/valetkey/internal/setup"
)

// store is where a key goes at GitHub: an Actions secret, with the client id as
// a variable beside it.
type store struct {
	At           secret.Place // the zero value: nowhere
	Secret       string
	Variable     string
	Visibility   string   // of an organization: all, private or selected
	Repositories []string // with selected
}

func (s store) given() bool { return s.At.Owner != "" }

// permissions are those with which an App can store its own key.
func (s store) permissions() permission.Set {
	if s.At.IsOrganization() {
		return permission.Set{"organization_secrets": "write", "organization_actions_variables": "write"}
	}
	return permission.Set{"secrets": "write", "actions_variables": "write"}
}

// scope is what a token opens that stores a key there.
func (s store) scope() githubapp.Scope {
	names := s.Repositories
	if !s.At.IsOrganization() {
		names = []string{s.At.Repository}
	}
	return githubapp.Scope{AllRepositories: len(names) == 0, Repositories: names, Permissions: s.permissions()}
}

func (s store) variablesPath() string { return s.At.Path() + "/actions/variables" }

// variableBody creates the variable. The numbers are those of the repositories
// that see it.
func (s store) variableBody(value string, ids []int64) map[string]any {
	body := map[string]any{"name": s.Variable, "value": value}
	if s.At.IsOrganization() {
		body["visibility"] = s.Visibility
	}
	if s.Visibility == "selected" {
		body["selected_repository_ids"] = ids
	}
	return body
}

// kept returns what is stored in the end, and how to remove it.
func (s store) kept(host string) (key, id setup.Kept) {
	place := "--org " + s.At.Owner
	switch {
	case !s.At.IsOrganization():
		place = "--repo " + host + "/" + s.At.Owner + "/" + s.At.Repository
	case host != "github.com":
		place += ", with GH_HOST=" + host
	}
	key = setup.Kept{What: "the key is the secret " + s.Secret, Remove: "gh secret delete " + s.Secret}
	id = setup.Kept{What: "the client id is the variable " + s.Variable, Remove: "gh variable delete " + s.Variable}
	for _, one := range []*setup.Kept{&key, &id} {
		one.What, one.Remove = one.What+" of "+s.At.String(), one.Remove+" "+place
	}
	return key, id
}
