package fakegithub

import (
	"slices"
	"strings"
)

// secretApp is who reads secrets. The permissions are those of GitHub's own list
// (https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps); where they name write for
// reading as well, so does readLevel.
type secretApp struct {
	name, permission, readLevel string
	dotcomOnly                  bool
	doc, organizationDoc        string
}

var secretApps = []secretApp{
	{name: "actions", permission: "secrets", readLevel: "read", doc: "actions/secrets", organizationDoc: "actions/secrets"},
	{name: "dependabot", permission: "dependabot_secrets", readLevel: "read", doc: "dependabot/secrets", organizationDoc: "dependabot/secrets"},
	{name: "codespaces", permission: "codespaces_secrets", readLevel: "write", dotcomOnly: true, doc: "codespaces/repository-secrets", organizationDoc: "codespaces/organization-secrets"},
	{name: "agents", permission: "agent_secrets", readLevel: "read", dotcomOnly: true, doc: "agents/secrets", organizationDoc: "agents/secrets"},
}

// secretRoutes is every family of secrets. Those of a repository are served by its id as well, which is where a renamed
// one redirects to. /repositories/{id}/environments/... is retired and not served, though go-github v60 calls it.
func secretRoutes() []route {
	var list []route
	for _, app := range secretApps {
		read, write := needs{app.permission: app.readLevel}, needs{app.permission: "write"}
		for _, base := range []string{"/repos/{owner}/{repo}/", "/repositories/{repository}/"} {
			list = append(list, app.family(base+app.name, app.doc, "a-repository", read, write, repositorySecrets)...)
		}
		permission := "organization_" + app.permission
		read, write = needs{permission: "read"}, needs{permission: "write"} // also of Codespaces
		base := "/orgs/{account}/" + app.name
		list = append(list, app.family(base, app.organizationDoc, "an-organization", read, write, organizationSecrets)...)
		list = append(list, app.selection(base+"/secrets/{name}/repositories", read, write)...)
	}
	environments := secretApp{name: "actions"}
	return append(list, environments.family("/repos/{owner}/{repo}/environments/{environment}", "actions/secrets", "an-environment",
		needs{"environments": "read"}, needs{"environments": "write"}, environmentSecrets)...)
}

// family is what all have in common. public-key comes before {name}.
func (app secretApp) family(base, doc, level string, read, write needs, in func(string, func(*call, *vault) answer) func(*call) answer) []route {
	base += "/secrets"
	_, noun, _ := strings.Cut(level, "-")
	routes := []route{
		{method: "GET", pattern: base, needs: read, doc: "#list-" + noun + "-secrets", serve: in(app.name, listSecrets)},
		{method: "GET", pattern: base + "/public-key", needs: read, doc: "#get-" + level + "-public-key", serve: in(app.name, publicKey)},
		{method: "GET", pattern: base + "/{name}", needs: read, doc: "#get-" + level + "-secret", serve: in(app.name, getSecret)},
		{method: "PUT", pattern: base + "/{name}", needs: write, doc: "#create-or-update-" + level + "-secret", serve: in(app.name, putSecret)},
		{method: "DELETE", pattern: base + "/{name}", needs: write, doc: "#delete-" + level + "-secret", serve: in(app.name, deleteSecret)},
	}
	return app.finish(routes, doc)
}

// selection is the list of repositories that see a secret of an organization. The toggles also need to see the
// repository: GitHub's list marks them as needing more than one permission, which one is inferred.
func (app secretApp) selection(base string, read, write needs) []route {
	toggle := needs{"metadata": "read"}
	for permission, level := range write {
		toggle[permission] = level
	}
	in := func(serve func(*call, *access) answer) func(*call) answer {
		return organizationSecrets(app.name, ofSecret(serve))
	}
	routes := []route{
		{method: "GET", pattern: base, needs: read, doc: "#list-selected-repositories-for-an-organization-secret", serve: in(listSelected)},
		{method: "PUT", pattern: base, needs: write, doc: "#set-selected-repositories-for-an-organization-secret", serve: in(setSelected)},
		{method: "PUT", pattern: base + "/{id}", needs: toggle, doc: "#add-selected-repository-to-an-organization-secret", serve: in(toggleSelected)},
		{method: "DELETE", pattern: base + "/{id}", needs: toggle, doc: "#remove-selected-repository-from-an-organization-secret", serve: in(toggleSelected)},
	}
	return app.finish(routes, app.organizationDoc)
}

func (app secretApp) finish(routes []route, doc string) []route {
	for i := range routes {
		routes[i].auth, routes[i].dotcomOnly, routes[i].doc = installationToken, app.dotcomOnly, doc+routes[i].doc
	}
	return routes
}

func isSecretApp(name string) bool {
	return slices.ContainsFunc(secretApps, func(app secretApp) bool { return app.name == name })
}
