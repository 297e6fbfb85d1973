package fakegithub

import (
	"strconv"
	"strings"
)

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
		account := c.organizationInPath()
		switch {
		case account == nil || account.Type != "Organization":
			return c.notFound()
		case c.token.installation.Account != account.Login || !allowsAll(c.token.permissions, c.route.needs):
			return c.notAccessible()
		}
		return serve(c, account)
	}
}

// organizationInPath returns the account that the path names, by its login or,
// as Link headers do, by its number; nil when there is none.
func (c *call) organizationInPath() *Account {
	if text, byID := c.params["organization"]; byID {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil
		}
		return c.accountByID[id]
	}
	return c.accounts[strings.ToLower(c.params["account"])]
}

// byNumber makes the Link header of the answer name the organization by its
// number, as GitHub's lists do.
func (c *call) byNumber(account *Account) *call {
	rest := strings.SplitN(c.path, "/", 4)[3] // "", orgs, name, rest
	c.linkPath = "/organizations/" + strconv.FormatInt(account.ID, 10) + "/" + rest
	return c
}

// everyOrganization returns routes of an organization, each a second time at
// the address with the organization's number that Link headers lead to.
func everyOrganization(routes ...route) []route {
	for _, r := range routes[:len(routes):len(routes)] {
		r.pattern = "/organizations/{organization}" + strings.TrimPrefix(r.pattern, "/orgs/{account}")
		routes = append(routes, r)
	}
	return routes
}
