package fakegithub

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// environment is a deployment environment. Its name knows no upper and lower case.
type environment struct {
	id                   int64
	name                 string
	createdAt, updatedAt time.Time
	settings
}

// settings are what a PUT replaces. Reviewers are checked, not kept.
type settings struct {
	waitTimer         int
	preventSelfReview bool
	branches          *branchPolicy
}

type branchPolicy struct {
	Protected bool `json:"protected_branches"`
	Custom    bool `json:"custom_branch_policies"`
}

// Limits of environments (https://docs.github.com/en/rest/deployments/environments#create-or-update-an-environment).
const (
	maxWaitTimer       = 43200
	maxReviewers       = 6
	maxEnvironmentName = 255
)

func environmentRoutes() []route {
	base, doc := "/repos/{owner}/{repo}/environments", "deployments/environments#"
	read, write := needs{"actions": "read"}, needs{"administration": "write"}
	return []route{
		{method: "GET", pattern: base, auth: installationToken, needs: read, doc: doc + "list-environments", serve: inRepository(listEnvironments)},
		{method: "GET", pattern: base + "/{environment}", auth: installationToken, needs: read, doc: doc + "get-an-environment", serve: inEnvironment(getEnvironment)},
		{method: "PUT", pattern: base + "/{environment}", auth: installationToken, needs: write, doc: doc + "create-or-update-an-environment", serve: inRepository(putEnvironment)},
		{method: "DELETE", pattern: base + "/{environment}", auth: installationToken, needs: write, doc: doc + "delete-an-environment", serve: inEnvironment(deleteEnvironment)},
	}
}

// AddEnvironment adds an environment, or leaves the one that is there.
func (s *Server) AddEnvironment(owner, repository, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addEnvironment(s.mustRepository(owner, repository), name)
}

func (s *Server) addEnvironment(repo *repository, name string) *environment {
	e, known := repo.environments.get(strings.ToLower(name))
	if !known {
		e = &environment{id: s.newID(), name: name, createdAt: s.now(), updatedAt: s.now()}
		repo.environments.put(strings.ToLower(name), e)
	}
	return e
}

// listEnvironments is GET /repos/{o}/{r}/environments, in order of names (unconfirmed).
func listEnvironments(c *call, repo *repository) answer {
	names, header := page(c, repo.environments.names)
	list := make([]any, 0, len(names))
	for _, name := range names {
		list = append(list, c.environmentBody(repo, repo.environments.items[name]))
	}
	return answer{status: http.StatusOK, header: header, body: map[string]any{
		"total_count": len(repo.environments.names), "environments": list,
	}}
}

func getEnvironment(c *call, repo *repository, e *environment) answer {
	return ok(c.environmentBody(repo, e))
}

// putEnvironment creates or changes one; both are 200.
func putEnvironment(c *call, repo *repository) answer {
	set, refused := c.parseSettings()
	if refused == nil && len(c.params["environment"]) > maxEnvironmentName {
		refused = c.unprocessable("Environment name is too long.") // unconfirmed
	}
	if refused != nil {
		return *refused
	}
	e := c.addEnvironment(repo, c.params["environment"])
	e.settings, e.updatedAt = set, c.now
	return ok(c.environmentBody(repo, e))
}

// deleteEnvironment takes the environment's secrets along (unconfirmed).
func deleteEnvironment(c *call, repo *repository, e *environment) answer {
	name := strings.ToLower(e.name)
	repo.environments.remove(name)
	delete(c.vaults, vaultKey{repository: repo.ID, environment: name, app: "actions"})
	return noContent()
}

// parseSettings reads the body, which may be missing, and whose fields may be null except wait_timer.
func (c *call) parseSettings() (settings, *answer) {
	var set settings
	fields, refused := c.fields()
	if refused != nil {
		return set, refused
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if problem := set.set(name, fields[name]); problem != "" {
			return set, c.invalid(problem)
		}
	}
	return set, nil
}

// set fills one field and returns what is wrong with it.
func (set *settings) set(name string, value json.RawMessage) string {
	var reviewers []struct {
		Type string
		ID   int64
	}
	var err error
	switch name {
	case "wait_timer":
		if err = json.Unmarshal(value, &set.waitTimer); err == nil && (set.waitTimer < 0 || set.waitTimer > maxWaitTimer) {
			return fmt.Sprintf("%d is not between 0 and %d.", set.waitTimer, maxWaitTimer)
		}
	case "prevent_self_review":
		err = json.Unmarshal(value, &set.preventSelfReview)
	case "reviewers":
		if err = json.Unmarshal(value, &reviewers); len(reviewers) > maxReviewers {
			return fmt.Sprintf("No more than %d items are allowed; %d were supplied.", maxReviewers, len(reviewers))
		}
		for _, r := range reviewers {
			if err == nil && r.Type != "User" && r.Type != "Team" {
				return fmt.Sprintf("%q is not a member of [\"User\", \"Team\"].", r.Type)
			}
		}
	case "deployment_branch_policy":
		if err = json.Unmarshal(value, &set.branches); err == nil && set.branches != nil && set.branches.Protected == set.branches.Custom {
			return "protected_branches and custom_branch_policies cannot have the same value."
		}
	default:
		return fmt.Sprintf("%q is not a permitted key.", name)
	}
	if err != nil {
		return fmt.Sprintf("For 'properties/%s', %s is of the wrong type.", name, value)
	}
	return ""
}

func (c *call) environmentBody(repo *repository, e *environment) map[string]any {
	full := repo.Owner + "/" + repo.Name
	rules := []any{}
	rule := func(kind string, of map[string]any) {
		of["id"], of["node_id"], of["type"] = e.id, nodeID("GA", e.id), kind
		rules = append(rules, of)
	}
	if e.waitTimer > 0 {
		rule("wait_timer", map[string]any{"wait_timer": e.waitTimer})
	}
	if e.preventSelfReview {
		rule("required_reviewers", map[string]any{"prevent_self_review": true, "reviewers": []any{}})
	}
	if e.branches != nil {
		rule("branch_policy", map[string]any{})
	}
	return map[string]any{
		"id": e.id, "node_id": nodeID("EN", e.id), "name": e.name,
		"url":        c.api + "/repos/" + full + "/environments/" + url.PathEscape(e.name),
		"html_url":   c.web + "/" + full + "/deployments/activity_log?environments_filter=" + url.QueryEscape(e.name),
		"created_at": timestamp(e.createdAt), "updated_at": timestamp(e.updatedAt),
		"protection_rules": rules, "deployment_branch_policy": e.branches,
	}
}
