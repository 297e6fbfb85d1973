package fakegithub

import (
	"maps"
	"slices"
	"strings"
)

// secretApp is a reader of secrets. The permissions are those of GitHub's own
// list
// (https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps);
// where the list names write for reading as well, readLevel does too.
type secretApp struct {
	name, permission, readLevel string
	dotcomOnly                  bool
	page, organizationPage      string // of the documentation
}

var secretApps = []secretApp{
	{
		name: "actions", permission: "secrets", readLevel: "read",
		page: "actions/secrets", organizationPage: "actions/secrets",
	},
	{
		name: "dependabot", permission: "dependabot_secrets", readLevel: "read",
		page: "dependabot/secrets", organizationPage: "dependabot/secrets",
	},
	{
		name: "codespaces", permission: "codespaces_secrets", readLevel: "write", dotcomOnly: true,
		page: "codespaces/repository-secrets", organizationPage: "codespaces/organization-secrets",
	},
	{
		name: "agents", permission: "agent_secrets", readLevel: "read", dotcomOnly: true,
		page: "agents/secrets", organizationPage: "agents/secrets",
	},
}

// secretRoutes returns the operations on every kind of secret. Those of a
// repository are also served by its id, which is where a renamed one redirects
// to. /repositories/{id}/environments/... is retired and not served, though
// go-github v60 calls it.
func secretRoutes() []route {
	var routes []route
	for _, app := range secretApps {
		own := secretRouteSet{
			page: app.page, level: "a-repository",
			read: needs{app.permission: app.readLevel}, write: needs{app.permission: "write"},
			in: repositorySecrets,
		}
		routes = append(routes, own.routes(app, "/repos/{owner}/{repo}/"+app.name+"/secrets")...)
		routes = append(routes, own.routes(app, "/repositories/{repository}/"+app.name+"/secrets")...)

		permission := "organization_" + app.permission
		shared := secretRouteSet{
			page: app.organizationPage, level: "an-organization",
			read: needs{permission: "read"}, write: needs{permission: "write"}, // also of Codespaces
			in: organizationSecrets,
		}
		base := "/orgs/{account}/" + app.name + "/secrets"
		routes = append(routes, shared.routes(app, base)...)
		routes = append(routes, shared.selectionRoutes(app, base+"/{name}/repositories")...)
	}
	environment := secretRouteSet{
		page: "actions/secrets", level: "an-environment",
		read: needs{"environments": "read"}, write: needs{"environments": "write"},
		in: environmentSecrets,
	}
	return append(routes, environment.routes(secretApp{name: "actions"}, "/repos/{owner}/{repo}/environments/{environment}/secrets")...)
}

// secretRouteSet says how the operations of one level differ from those of the
// others.
type secretRouteSet struct {
	page        string // of the documentation
	level       string // in the anchors of that page, with its article
	read, write needs
	in          func(app string, serve func(*call, *vault) answer) func(*call) answer
}

// routes returns the operations that every level has. public-key comes before
// {name}.
func (s secretRouteSet) routes(app secretApp, base string) []route {
	_, noun, _ := strings.Cut(s.level, "-")
	one := base + "/{name}"
	read, write := s.read, s.write
	in := func(serve func(*call, *vault) answer) func(*call) answer { return s.in(app.name, serve) }
	return app.finish(s.page,
		route{method: "GET", pattern: base, needs: read, doc: "list-" + noun + "-secrets", serve: in(listSecrets)},
		route{method: "GET", pattern: base + "/public-key", needs: read, doc: "get-" + s.level + "-public-key", serve: in(publicKey)},
		route{method: "GET", pattern: one, needs: read, doc: "get-" + s.level + "-secret", serve: in(getSecret)},
		route{method: "PUT", pattern: one, needs: write, doc: "create-or-update-" + s.level + "-secret", serve: in(putSecret)},
		route{method: "DELETE", pattern: one, needs: write, doc: "delete-" + s.level + "-secret", serve: in(deleteSecret)},
	)
}

// selectionRoutes returns the operations on the list of repositories that see a
// secret of an organization. Adding and removing one also takes the permission
// to see the repository: GitHub's list marks them as needing more than one
// permission, and which one is inferred.
func (s secretRouteSet) selectionRoutes(app secretApp, base string) []route {
	one := base + "/{id}"
	both := maps.Clone(s.write)
	both["metadata"] = "read"
	in := func(serve func(*call, *access) answer) func(*call) answer { return s.in(app.name, ofSecret(serve)) }
	return app.finish(s.page,
		route{
			method: "GET", pattern: base, needs: s.read,
			doc: "list-selected-repositories-for-an-organization-secret", serve: in(listSelected),
		},
		route{
			method: "PUT", pattern: base, needs: s.write,
			doc: "set-selected-repositories-for-an-organization-secret", serve: in(setSelected),
		},
		route{
			method: "PUT", pattern: one, needs: both,
			doc: "add-selected-repository-to-an-organization-secret", serve: in(addOrRemoveSelected),
		},
		route{
			method: "DELETE", pattern: one, needs: both,
			doc: "remove-selected-repository-from-an-organization-secret", serve: in(addOrRemoveSelected),
		},
	)
}

// finish sets what all operations on the secrets of one app share.
func (app secretApp) finish(page string, routes ...route) []route {
	for i := range routes {
		routes[i].dotcomOnly = app.dotcomOnly
	}
	return onPage(page, installationToken, routes...)
}

func isSecretApp(name string) bool {
	return slices.ContainsFunc(secretApps, func(app secretApp) bool { return app.name == name })
}
