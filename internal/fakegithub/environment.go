package fakegithub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// environment is a deployment environment. Its name is case-insensitive.
type environment struct {
	id                   int64
	name                 string
	createdAt, updatedAt time.Time
	settings
}

// settings are the fields that a PUT replaces. Reviewers are checked, not kept.
type settings struct {
	waitTimer         int
	preventSelfReview bool
	branches          *branchPolicy
}

type branchPolicy struct {
	Protected bool `json:"protected_branches"`
	Custom    bool `json:"custom_branch_policies"`
}

// Limits of environments
// (https://docs.github.com/en/rest/deployments/environments#create-or-update-an-environment).
const (
	maxWaitTimer       = 43200
	maxReviewers       = 6
	maxEnvironmentName = 255
)

func environmentRoutes() []route {
	const base = "/repos/{owner}/{repo}/environments"
	const one = base + "/{environment}"
	read, write := needs{"actions": "read"}, needs{"administration": "write"}
	return onPage("deployments/environments", installationToken,
		route{method: "GET", pattern: base, needs: read, doc: "list-environments", serve: inRepository(listEnvironments)},
		route{method: "GET", pattern: one, needs: read, doc: "get-an-environment", serve: inEnvironment(getEnvironment)},
		route{method: "PUT", pattern: one, needs: write, doc: "create-or-update-an-environment", serve: inRepository(putEnvironment)},
		route{method: "DELETE", pattern: one, needs: write, doc: "delete-an-environment", serve: inEnvironment(deleteEnvironment)},
	)
}

// AddEnvironment adds an environment, unless it exists.
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

// listEnvironments is GET /repos/{o}/{r}/environments, in order of names
// (unconfirmed).
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

// putEnvironment creates or changes an environment; both are 200.
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

// deleteEnvironment also deletes the environment's secrets (unconfirmed).
func deleteEnvironment(c *call, repo *repository, e *environment) answer {
	name := strings.ToLower(e.name)
	repo.environments.remove(name)
	delete(c.vaults, vaultKey{repository: repo.ID, environment: name, app: "actions"})
	return noContent()
}

// parseSettings reads the body. It may be missing, and its fields may be null
// except for wait_timer.
func (c *call) parseSettings() (settings, *answer) {
	var s settings
	refused := c.setFields(s.setField)
	return s, refused
}

// setField sets one field and returns what is wrong with it.
func (s *settings) setField(name string, value json.RawMessage) string {
	var reviewers []struct {
		Type string
		ID   int64
	}
	var err error
	switch name {
	case "wait_timer":
		if err = json.Unmarshal(value, &s.waitTimer); err == nil && (s.waitTimer < 0 || s.waitTimer > maxWaitTimer) {
			return fmt.Sprintf("%d is not between 0 and %d.", s.waitTimer, maxWaitTimer)
		}
	case "prevent_self_review":
		err = json.Unmarshal(value, &s.preventSelfReview)
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
		err = json.Unmarshal(value, &s.branches)
		if err == nil && s.branches != nil && s.branches.Protected == s.branches.Custom {
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
