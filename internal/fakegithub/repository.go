package fakegithub

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// getRepository is GET /repos/{o}/{r} and GET /repositories/{id}.
func getRepository(c *call) answer {
	return c.readRepository(func(repo *repository) answer { return ok(c.fullRepositoryBody(repo)) })
}

// readRepository serves what anyone may read of a public repository.
func (c *call) readRepository(serve func(*repository) answer) answer {
	repo, refused := c.visibleRepository()
	if refused != nil {
		return *refused
	}
	if repo.Private {
		if refused := c.require("metadata", "read"); refused != nil {
			return *refused
		}
	}
	return serve(repo)
}

// visibleRepository returns the repository that the path names, or an answer to
// a caller that cannot see it or calls it by a former name.
func (c *call) visibleRepository() (*repository, *answer) {
	repo, moved := c.repositoryInPath()
	switch {
	case repo == nil || !c.mayRead(repo):
		return nil, refuse(c.notFound())
	case moved:
		return nil, refuse(c.movedTo(repo))
	}
	return repo, nil
}

// repositoryInPath returns the repository that the path names by its id, its
// name or a name that it had before.
func (c *call) repositoryInPath() (repo *repository, moved bool) {
	if text, byID := c.params["repository"]; byID {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, false
		}
		return c.repositories[id], false
	}
	owner, name := c.params["owner"], c.params["repo"]
	if repo = c.repositoryNamed(owner, name); repo != nil {
		return repo, false
	}
	return c.repositoryFormerly(owner, name), true
}

// movedTo is the answer of a renamed repository: the same call by id. A call
// that changes something gets 307, so that it is repeated as it is; the message
// and the 307 are unconfirmed. Environments are not served by id.
func (c *call) movedTo(repo *repository) answer {
	status := http.StatusTemporaryRedirect
	if c.route.method == http.MethodGet {
		status = http.StatusMovedPermanently
	}
	rest := strings.SplitN(c.path, "/", 5)[4:] // "", repos, owner, name, rest
	target := c.api + "/repositories/" + strconv.FormatInt(repo.ID, 10)
	if c.params["environment"] != "" {
		target = c.api + "/repos/" + repo.Owner + "/" + repo.Name
	}
	for _, r := range rest {
		target += "/" + r
	}
	if c.r.URL.RawQuery != "" {
		target += "?" + c.r.URL.RawQuery
	}
	return answer{
		status: status,
		header: map[string]string{"Location": target},
		body: map[string]any{
			"message": "Moved Permanently", "url": target,
			"documentation_url": c.docs() + "/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects",
		},
	}
}

// organizationRepositories is GET /orgs/{org}/repos: the public ones and those
// that the token reaches.
func organizationRepositories(c *call) answer {
	account := c.accounts[strings.ToLower(c.params["account"])]
	if account == nil || account.Type != "Organization" {
		return c.notFound()
	}
	kind := c.r.URL.Query().Get("type")
	return c.listRepositories(account, "created", func(repo *repository) bool {
		switch kind {
		case "public":
			return !repo.Private
		case "private":
			return repo.Private
		case "forks", "member", "internal":
			return false // there are none here
		}
		return true
	})
}

// userRepositories is GET /users/{u}/repos: public repositories only, for every
// caller.
func userRepositories(c *call) answer {
	account := c.accounts[strings.ToLower(c.params["account"])]
	if account == nil || account.Type == "Enterprise" {
		return c.notFound()
	}
	return c.listRepositories(account, "full_name", func(repo *repository) bool { return !repo.Private })
}

// listRepositories lists by full_name ascending or by age, newest first, unless
// direction says otherwise. Nothing is ever updated or pushed here, so those
// two orders equal that of creation.
func (c *call) listRepositories(owner *Account, sort string, want func(*repository) bool) answer {
	if refused := c.require("metadata", "read"); refused != nil {
		return *refused
	}
	query := c.r.URL.Query()
	all, natural := c.holdingsOf(owner.Login).byAge, "desc"
	if cmp.Or(query.Get("sort"), sort) == "full_name" {
		all, natural = c.holdingsOf(owner.Login).byName, "asc"
	}
	var list []*repository
	for _, repo := range all {
		if c.mayRead(repo) && want(repo) {
			list = append(list, repo)
		}
	}
	if direction := query.Get("direction"); direction != "" && direction != natural {
		slices.Reverse(list)
	}
	items, header := page(c, list)
	return answer{status: http.StatusOK, header: header, body: c.repositoryBodies(items)}
}

func (c *call) repositoryBodies(list []*repository) []any {
	bodies := make([]any, 0, len(list))
	for _, repo := range list {
		bodies = append(bodies, c.repositoryBody(repo))
	}
	return bodies
}

// repositoryTopics is GET /repos/{o}/{r}/topics.
func repositoryTopics(c *call) answer {
	return c.readRepository(func(repo *repository) answer {
		items, header := page(c, repo.topics())
		return answer{status: http.StatusOK, header: header, body: map[string]any{"names": items}}
	})
}

func (repo *repository) topics() []string { return append([]string{}, repo.Topics...) } // [], never null

// repositoryBody is the schema `repository`; it satisfies `minimal-repository`
// as well.
func (c *call) repositoryBody(repo *repository) map[string]any {
	full := repo.Owner + "/" + repo.Name
	api, html := c.api+"/repos/"+full, c.web+"/"+full
	host := strings.TrimPrefix(strings.TrimPrefix(c.web, "https://"), "http://")
	visibility := "public"
	if repo.Private {
		visibility = "private"
	}
	body := map[string]any{
		"id": repo.ID, "node_id": nodeID("R", repo.ID), "name": repo.Name, "full_name": full,
		"owner": c.simpleUser(repo.Owner), "private": repo.Private, "visibility": visibility,
		"description": nil, "homepage": nil, "language": nil, "license": nil, "mirror_url": nil,
		"url": api, "html_url": html, "clone_url": html + ".git", "svn_url": html,
		"git_url": fmt.Sprintf("git://%s/%s.git", host, full), "ssh_url": fmt.Sprintf("git@%s:%s.git", host, full),
		"fork": false, "is_template": false, "archived": repo.Archived, "disabled": false,
		"default_branch": repo.DefaultBranch, "topics": repo.topics(), "size": 0,
		"forks": 0, "forks_count": 0, "open_issues": 0, "open_issues_count": 0,
		"stargazers_count": 0, "watchers": 0, "watchers_count": 0,
		"has_issues": !repo.noIssues, "has_projects": true, "has_wiki": true, "has_pages": false, "has_discussions": false,
		"allow_forking": true, "web_commit_signoff_required": false,
		"created_at": timestamp(repo.createdAt), "updated_at": timestamp(repo.createdAt), "pushed_at": timestamp(repo.createdAt),
	}
	if repo.Description != "" {
		body["description"] = repo.Description
	}
	if !c.atLeast("2026-03-10") {
		body["has_downloads"] = true
	}
	for name, suffix := range repositoryLinks {
		body[name] = api + suffix
	}
	return body
}

// fullRepositoryBody is the schema `full-repository`, the answer for a single
// repository.
func (c *call) fullRepositoryBody(repo *repository) map[string]any {
	body := c.repositoryBody(repo)
	body["network_count"], body["subscribers_count"] = 0, 0
	if owner := c.accounts[strings.ToLower(repo.Owner)]; owner.Type == "Organization" {
		body["organization"] = c.simpleUser(repo.Owner)
	}
	return body
}

var repositoryLinks = map[string]string{
	"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
	"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
	"comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
	"contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
	"downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks", "git_commits_url": "/git/commits{/sha}",
	"git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}", "hooks_url": "/hooks",
	"issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
	"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}",
	"languages_url": "/languages", "merges_url": "/merges", "milestones_url": "/milestones{/number}",
	"notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}",
	"releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
	"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
	"trees_url": "/git/trees{/sha}",
}
