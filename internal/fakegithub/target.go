package fakegithub

import (
	"net/http"
	"strings"
)

const textNotAccessible = "Resource not accessible by integration"

// inRepository is an operation on what belongs to the repository in the path. The caller has to see the repository, and
// its token to reach it with the permissions that the route needs.
func inRepository(serve func(*call, *repository) answer) func(*call) answer {
	return func(c *call) answer {
		repo, moved := c.namedRepository()
		switch {
		case repo == nil || !c.mayRead(repo):
			return c.notFound()
		case moved:
			return c.movedTo(repo)
		case !c.token.covers(repo) || !c.permitted(): // the first: a public one, which anyone may read
			return c.fail(http.StatusForbidden, textNotAccessible)
		}
		return serve(c, repo)
	}
}

// inEnvironment is the same for the environment in the path, whose name may hold slashes, as %2F.
func inEnvironment(serve func(*call, *repository, *environment) answer) func(*call) answer {
	return inRepository(func(c *call, repo *repository) answer {
		e, ok := repo.environments.get(strings.ToLower(c.params["environment"]))
		if !ok {
			return c.notFound()
		}
		return serve(c, repo, e)
	})
}

// inOrganization is the same for the organization in the path, which everybody sees. That a token of another
// installation gets 403 is unconfirmed.
func inOrganization(serve func(*call, *Account) answer) func(*call) answer {
	return func(c *call) answer {
		account := c.accounts[strings.ToLower(c.params["account"])]
		switch {
		case account == nil || account.Type != "Organization":
			return c.notFound()
		case c.token.installation.Account != account.Login || !c.permitted():
			return c.fail(http.StatusForbidden, textNotAccessible)
		}
		return serve(c, account)
	}
}

func (c *call) permitted() bool {
	for key, level := range c.route.needs {
		if !allows(c.token.permissions, key, level) {
			return false
		}
	}
	return true
}
