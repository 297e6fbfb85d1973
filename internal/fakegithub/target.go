package fakegithub

import "strings"

// inRepository serves an operation on what belongs to the repository in the
// path. The caller has to see the repository, and its token has to reach it
// with the permissions that the route needs.
func inRepository(serve func(*call, *repository) answer) func(*call) answer {
	return func(c *call) answer {
		repo, refused := c.visibleRepository()
		switch {
		case refused != nil:
			return *refused
		case !c.token.covers(repo) || !allowsAll(c.token.permissions, c.route.needs): // anyone may see a public one
			return c.notAccessible()
		}
		return serve(c, repo)
	}
}

// inEnvironment does the same for the environment in the path. Its name may
// hold slashes, as %2F.
func inEnvironment(serve func(*call, *repository, *environment) answer) func(*call) answer {
	return inRepository(func(c *call, repo *repository) answer {
		e, ok := repo.environments.get(strings.ToLower(c.params["environment"]))
		if !ok {
			return c.notFound()
		}
		return serve(c, repo, e)
	})
}

// inOrganization does the same for the organization in the path, which
// everybody sees. That a token of another installation gets 403 is unconfirmed.
func inOrganization(serve func(*call, *Account) answer) func(*call) answer {
	return func(c *call) answer {
		account := c.accounts[strings.ToLower(c.params["account"])]
		switch {
		case account == nil || account.Type != "Organization":
			return c.notFound()
		case c.token.installation.Account != account.Login || !allowsAll(c.token.permissions, c.route.needs):
			return c.notAccessible()
		}
		return serve(c, account)
	}
}
