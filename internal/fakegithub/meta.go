package fakegithub

// root is GET /, with only the entries for what is served here and the two that
// a later API version lost.
func root(c *call) answer {
	body := map[string]any{
		"current_user_url":              c.api + "/user",
		"organization_url":              c.api + "/orgs/{org}",
		"organization_repositories_url": c.api + "/orgs/{org}/repos{?type,page,per_page,sort}",
		"rate_limit_url":                c.api + "/rate_limit",
		"repository_url":                c.api + "/repos/{owner}/{repo}",
		"user_url":                      c.api + "/users/{user}",
		"user_repositories_url":         c.api + "/users/{user}/repos{?type,page,per_page,sort}",
	}
	if !c.atLeast("2026-03-10") {
		body["authorizations_url"] = c.api + "/authorizations"
		body["hub_url"] = c.api + "/hub"
	}
	return ok(body)
}

// meta is GET /meta. `installed_version` marks an Enterprise Server.
func meta(c *call) answer {
	if c.config.EnterpriseServer {
		return ok(map[string]any{"verifiable_password_authentication": true, "installed_version": serverVersion})
	}
	loopback := []string{"127.0.0.0/8", "::1/128"}
	return ok(map[string]any{
		"verifiable_password_authentication": false,
		"api":                                loopback,
		"git":                                loopback,
		"web":                                loopback,
	})
}

// versions is GET /versions.
func versions(c *call) answer { return ok(c.versions()) }
