package fakegithub

import (
	"cmp"
	"net/http"
	"strings"
)

func memberRoutes() []route {
	const org = "/orgs/{account}"
	read := needs{"members": "read"}
	members := onPage("orgs/members", installationToken, everyOrganization(
		route{method: "GET", pattern: org + "/members", needs: read, doc: "list-organization-members", serve: ofOrganization(listMembers)},
		route{
			method: "GET", pattern: org + "/members/{username}", needs: read,
			doc: "check-organization-membership-for-a-user", serve: checkMember,
		},
		route{
			method: "GET", pattern: org + "/public_members/{username}", needs: read,
			doc: "check-public-organization-membership-for-a-user", serve: checkPublicMember,
		},
		route{
			method: "GET", pattern: org + "/memberships/{username}", needs: read,
			doc: "get-organization-membership-for-a-user", serve: ofOrganization(getMembership),
		},
	)...)
	outside := onPage("orgs/outside-collaborators", installationToken, everyOrganization(route{
		method: "GET", pattern: org + "/outside_collaborators", needs: read,
		doc: "list-outside-collaborators-for-an-organization", serve: ofOrganization(listOutsideCollaborators),
	})...)
	teams := onPage("teams/members", installationToken, everyOrganization(
		route{
			method: "GET", pattern: org + "/teams/{team}/members", needs: read,
			doc: "list-team-members", serve: ofTeam(listTeamMembers),
		},
		route{
			method: "GET", pattern: org + "/teams/{team}/memberships/{username}", needs: read,
			doc: "get-team-membership-for-a-user", serve: ofTeam(getTeamMembership),
		},
	)...)
	return append(append(members, outside...), teams...)
}

// listMembers is GET /orgs/{org}/members.
func listMembers(c *call, o *organization) answer {
	role := cmp.Or(c.r.URL.Query().Get("role"), "all")
	return c.listPeople(o, &o.members, []string{"all", "admin", "member"}, func(one *person) bool {
		return role == "all" || one.role == role
	})
}

// listOutsideCollaborators is GET /orgs/{org}/outside_collaborators.
func listOutsideCollaborators(c *call, o *organization) answer {
	return c.listPeople(o, &o.outside, nil, func(*person) bool { return true })
}

// listPeople answers with a page of people. Only owners may filter by two-factor
// authentication, and no App is one.
func (c *call) listPeople(o *organization, all *people, roles []string, want func(*person) bool) answer {
	query := c.r.URL.Query()
	known := []string{"page", "filter"}
	if roles != nil {
		known = append(known, "role")
	}
	refused := cmp.Or(c.only(query, known...),
		c.oneOf(query, "filter", "all", "2fa_disabled", "2fa_insecure"), c.oneOf(query, "role", roles...))
	if refused != nil {
		return *refused
	}
	if query.Get("filter") != "" && query.Get("filter") != "all" {
		return *c.unprocessable("Only owners can use this filter.")
	}
	list, header := page(c.byNumber(o.account), all.active(want))
	users := make([]any, 0, len(list))
	for _, one := range list {
		users = append(users, c.simpleUser(one.account.Login))
	}
	return answer{status: http.StatusOK, header: header, body: users}
}

// checkMember is GET /orgs/{org}/members/{username}. A token of another
// organization is sent on to the public members.
func checkMember(c *call) answer {
	account := c.organizationInPath()
	if account != nil && account.Type == "Organization" && c.token.installation.Account != account.Login {
		return answer{status: http.StatusFound, header: map[string]string{
			"Location": c.api + "/orgs/" + account.Login + "/public_members/" + c.params["username"],
		}}
	}
	return ofOrganization(func(c *call, o *organization) answer {
		if one := o.members.get(c.userInPath()); one == nil || one.pending {
			return c.notFound()
		}
		return noContent()
	})(c)
}

// checkPublicMember is GET /orgs/{org}/public_members/{username}. Nobody here
// has made the membership public.
func checkPublicMember(c *call) answer { return c.notFound() }

// userInPath returns the person whom the path names, or nil.
func (c *call) userInPath() *Account { return c.accounts[strings.ToLower(c.params["username"])] }

// getMembership is GET /orgs/{org}/memberships/{username}.
func getMembership(c *call, o *organization) answer {
	one := o.members.get(c.userInPath())
	if one == nil {
		return c.notFound()
	}
	org := c.api + "/orgs/" + o.account.Login
	return ok(map[string]any{
		"url": org + "/memberships/" + one.account.Login, "state": one.state(), "role": one.role,
		"organization_url": org, "organization": c.organizationBody(o.account), "user": c.simpleUser(one.account.Login),
		"direct_membership": true, "enterprise_teams_providing_indirect_membership": []string{},
	})
}

func (one *person) state() string {
	if one.pending {
		return "pending"
	}
	return "active"
}

// organizationBody is the schema `organization-simple`.
func (c *call) organizationBody(account *Account) map[string]any {
	api := c.api + "/orgs/" + account.Login
	return map[string]any{
		"login": account.Login, "id": account.ID, "node_id": nodeID("O", account.ID), "url": api, "description": nil,
		"repos_url": api + "/repos", "events_url": api + "/events", "hooks_url": api + "/hooks", "issues_url": api + "/issues",
		"members_url": api + "/members{/member}", "public_members_url": api + "/public_members{/member}",
		"avatar_url": c.web + "/avatars/" + account.Login,
	}
}

// ofTeam serves an operation on the team that the path names.
func ofTeam(serve func(*call, *organization, *team) answer) func(*call) answer {
	return ofOrganization(func(c *call, o *organization) answer {
		t, known := o.teams.get(c.params["team"])
		if !known {
			return c.notFound()
		}
		return serve(c, o, t)
	})
}

// listTeamMembers is GET /orgs/{org}/teams/{team_slug}/members.
func listTeamMembers(c *call, o *organization, t *team) answer {
	role := cmp.Or(c.r.URL.Query().Get("role"), "all")
	return c.listPeople(o, &t.people, []string{"all", "maintainer", "member"}, func(one *person) bool {
		return role == "all" || one.role == role
	})
}

// getTeamMembership is GET /orgs/{org}/teams/{team_slug}/memberships/{username}.
func getTeamMembership(c *call, o *organization, t *team) answer {
	one := t.people.get(c.userInPath())
	if one == nil {
		return c.notFound()
	}
	return ok(map[string]any{
		"url":  c.api + "/orgs/" + o.account.Login + "/teams/" + c.params["team"] + "/memberships/" + one.account.Login,
		"role": one.role, "state": one.state(),
	})
}
