package fakegithub

// revokePattern is named because replication lag spares it.
const revokePattern = "/installation/token"

// Family is a group of operations that a GitHub has when New is given it. The demo needs none of them, and the program
// that carries it does not hold the code of what it does not name.
type Family struct{ routes func() []route }

// What there is beside tokens, installations, repositories and users.
var (
	Secrets      = Family{secretRoutes} // of repositories, environments and organizations
	Environments = Family{environmentRoutes}
	Variables    = Family{variableRoutes}
	DeployKeys   = Family{deployKeyRoutes}
)

// basicRoutes are the operations that every GitHub here has; anything else is 404, as is a method that a path does not
// have.
var basicRoutes = []route{
	{method: "GET", pattern: "/", doc: "meta/meta#github-api-root", serve: root},
	{method: "GET", pattern: "/meta", doc: "meta/meta#get-github-meta-information", serve: meta},
	{method: "GET", pattern: "/rate_limit", doc: "rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user", serve: rateLimit},
	{method: "GET", pattern: "/versions", doc: "meta/meta#get-all-api-versions", dotcomOnly: true, serve: versions},

	{method: "GET", pattern: "/app", auth: appJWT, doc: "apps/apps#get-the-authenticated-app", serve: getApp},
	{method: "GET", pattern: "/app/installations", auth: appJWT, doc: "apps/apps#list-installations-for-the-authenticated-app", serve: listInstallations},
	{method: "GET", pattern: "/app/installations/{installation}", auth: appJWT, doc: "apps/apps#get-an-installation-for-the-authenticated-app", serve: getInstallation},
	{method: "DELETE", pattern: "/app/installations/{installation}", auth: appJWT, doc: "apps/apps#delete-an-installation-for-the-authenticated-app", serve: deleteInstallation},
	{method: "PUT", pattern: "/app/installations/{installation}/suspended", auth: appJWT, doc: "apps/apps#suspend-an-app-installation", serve: suspendInstallation},
	{method: "DELETE", pattern: "/app/installations/{installation}/suspended", auth: appJWT, doc: "apps/apps#unsuspend-an-app-installation", serve: unsuspendInstallation},
	{method: "POST", pattern: "/app/installations/{installation}/access_tokens", auth: appJWT, doc: "apps/apps#create-an-installation-access-token-for-an-app", serve: mintToken},

	{method: "GET", pattern: "/repos/{owner}/{repo}/installation", auth: appJWT, doc: "apps/apps#get-a-repository-installation-for-the-authenticated-app", serve: repositoryInstallation},
	{method: "GET", pattern: "/repositories/{repository}/installation", auth: appJWT, doc: "apps/apps#get-a-repository-installation-for-the-authenticated-app", serve: repositoryInstallation},
	{method: "GET", pattern: "/orgs/{account}/installation", auth: appJWT, doc: "apps/apps#get-an-organization-installation-for-the-authenticated-app", serve: accountInstallation("Organization")},
	{method: "GET", pattern: "/users/{account}/installation", auth: appJWT, doc: "apps/apps#get-a-user-installation-for-the-authenticated-app", serve: accountInstallation("User", "Organization")},
	{method: "GET", pattern: "/enterprises/{account}/installation", auth: appJWT, doc: "apps/apps#get-an-enterprise-installation-for-the-authenticated-app", dotcomOnly: true, serve: accountInstallation("Enterprise")},

	{method: "DELETE", pattern: revokePattern, auth: installationToken, doc: "apps/installations#revoke-an-installation-access-token", serve: revokeToken},
	{method: "GET", pattern: "/installation/repositories", auth: installationToken, doc: "apps/installations#list-repositories-accessible-to-the-app-installation", serve: installationRepositories},

	{method: "GET", pattern: "/repos/{owner}/{repo}", accepts: "metadata=read", doc: "repos/repos#get-a-repository", serve: getRepository},
	{method: "GET", pattern: "/repositories/{repository}", accepts: "metadata=read", doc: "repos/repos#get-a-repository", serve: getRepository},
	{method: "GET", pattern: "/repos/{owner}/{repo}/topics", accepts: "metadata=read", doc: "repos/repos#get-all-repository-topics", serve: repositoryTopics},
	{method: "GET", pattern: "/repositories/{repository}/topics", accepts: "metadata=read", doc: "repos/repos#get-all-repository-topics", serve: repositoryTopics},
	{method: "GET", pattern: "/orgs/{account}/repos", accepts: "metadata=read", doc: "repos/repos#list-organization-repositories", serve: organizationRepositories},
	{method: "GET", pattern: "/users/{account}/repos", accepts: "metadata=read", doc: "repos/repos#list-repositories-for-a-user", serve: userRepositories},
	{method: "GET", pattern: "/user", auth: personalToken, doc: "users/users#get-the-authenticated-user", serve: getAuthenticatedUser},
	{method: "GET", pattern: "/users/{account}", doc: "users/users#get-a-user", serve: getUser},
}
