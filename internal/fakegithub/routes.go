package fakegithub

import "slices"

// revokePattern has a name because replication lag spares this operation.
const revokePattern = "/installation/token"

// Feature is a group of operations that a GitHub has when New is given it. The
// demo needs none of them, and the linker leaves out what no caller names.
type Feature struct{ routes func() []route }

// The features besides tokens, installations, repositories and users.
var (
	Secrets      = Feature{secretRoutes} // of repositories, environments and organizations
	Environments = Feature{environmentRoutes}
	Variables    = Feature{variableRoutes}
	DeployKeys   = Feature{deployKeyRoutes}
	Registration = Feature{registrationRoutes} // pages on which a person makes and installs an App, and its first key

	PersonalTokens       = Feature{personalTokenRoutes}       // requests for access to an organization, and grants
	SingleSignOn         = Feature{singleSignOnRoutes}        // credentials that are authorized for it
	CredentialRevocation = Feature{credentialRevocationRoute} // of leaked ones
	SecretScanning       = Feature{secretScanningRoutes}      // its alerts
	Members              = Feature{memberRoutes}              // of organizations and teams
	AuditLog             = Feature{auditLogRoutes}            // of organizations
	Issues               = Feature{issueRoutes}               // with comments
)

// onPage returns the routes with what they share: the credential they ask for
// and the page of the documentation, on which the doc of each is an anchor.
func onPage(page string, auth auth, routes ...route) []route {
	for i := range routes {
		routes[i].auth, routes[i].doc = auth, page+"#"+routes[i].doc
	}
	return routes
}

// basicRoutes returns the operations that every GitHub here has. Any other path
// is a 404, and so is a method that a path does not have.
func basicRoutes() []route {
	return slices.Concat(metaRoutes(), appRoutes(), tokenRoutes(), repositoryRoutes(), userRoutes())
}

func metaRoutes() []route {
	return slices.Concat(
		onPage("meta/meta", public,
			route{method: "GET", pattern: "/", doc: "github-api-root", serve: root},
			route{method: "GET", pattern: "/meta", doc: "get-github-meta-information", serve: meta},
			route{method: "GET", pattern: "/versions", doc: "get-all-api-versions", dotcomOnly: true, serve: versions},
		),
		onPage("rate-limit/rate-limit", public,
			route{
				method: "GET", pattern: "/rate_limit",
				doc: "get-rate-limit-status-for-the-authenticated-user", serve: rateLimit,
			},
		),
	)
}

func appRoutes() []route {
	const (
		one          = "/app/installations/{installation}"
		ofRepository = "get-a-repository-installation-for-the-authenticated-app"
	)
	return onPage("apps/apps", appJWT,
		route{method: "GET", pattern: "/app", doc: "get-the-authenticated-app", serve: getApp},
		route{
			method: "GET", pattern: "/app/installations",
			doc: "list-installations-for-the-authenticated-app", serve: listInstallations,
		},
		route{
			method: "GET", pattern: one,
			doc: "get-an-installation-for-the-authenticated-app", serve: getInstallation,
		},
		route{
			method: "DELETE", pattern: one,
			doc: "delete-an-installation-for-the-authenticated-app", serve: deleteInstallation,
		},
		route{
			method: "PUT", pattern: one + "/suspended",
			doc: "suspend-an-app-installation", serve: suspendInstallation,
		},
		route{
			method: "DELETE", pattern: one + "/suspended",
			doc: "unsuspend-an-app-installation", serve: unsuspendInstallation,
		},
		route{
			method: "POST", pattern: one + "/access_tokens",
			doc: "create-an-installation-access-token-for-an-app", serve: mintToken,
		},
		route{method: "GET", pattern: "/repos/{owner}/{repo}/installation", doc: ofRepository, serve: repositoryInstallation},
		route{method: "GET", pattern: "/repositories/{repository}/installation", doc: ofRepository, serve: repositoryInstallation},
		route{
			method: "GET", pattern: "/orgs/{account}/installation",
			doc: "get-an-organization-installation-for-the-authenticated-app", serve: accountInstallation("Organization"),
		},
		route{
			method: "GET", pattern: "/users/{account}/installation",
			doc: "get-a-user-installation-for-the-authenticated-app", serve: accountInstallation("User", "Organization"),
		},
		route{
			method: "GET", pattern: "/enterprises/{account}/installation", dotcomOnly: true,
			doc: "get-an-enterprise-installation-for-the-authenticated-app", serve: accountInstallation("Enterprise"),
		},
	)
}

func tokenRoutes() []route {
	return onPage("apps/installations", installationToken,
		route{method: "DELETE", pattern: revokePattern, doc: "revoke-an-installation-access-token", serve: revokeToken},
		route{
			method: "GET", pattern: "/installation/repositories",
			doc: "list-repositories-accessible-to-the-app-installation", serve: installationRepositories,
		},
	)
}

func repositoryRoutes() []route {
	const topics = "get-all-repository-topics"
	routes := onPage("repos/repos", public,
		route{method: "GET", pattern: "/repos/{owner}/{repo}", doc: "get-a-repository", serve: getRepository},
		route{method: "GET", pattern: "/repositories/{repository}", doc: "get-a-repository", serve: getRepository},
		route{method: "GET", pattern: "/repos/{owner}/{repo}/topics", doc: topics, serve: repositoryTopics},
		route{method: "GET", pattern: "/repositories/{repository}/topics", doc: topics, serve: repositoryTopics},
		route{
			method: "GET", pattern: "/orgs/{account}/repos",
			doc: "list-organization-repositories", serve: organizationRepositories,
		},
		route{method: "GET", pattern: "/users/{account}/repos", doc: "list-repositories-for-a-user", serve: userRepositories},
	)
	for i := range routes {
		routes[i].accepts = "metadata=read"
	}
	return routes
}

func userRoutes() []route {
	return slices.Concat(
		onPage("users/users", personalToken,
			route{method: "GET", pattern: "/user", doc: "get-the-authenticated-user", serve: getAuthenticatedUser}),
		onPage("users/users", public,
			route{method: "GET", pattern: "/users/{account}", doc: "get-a-user", serve: getUser}),
	)
}
