package fakegithub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// access says which repositories of an organization see its secret or variable. What belongs to a repository has none.
type access struct {
	visibility string // all, private or selected
	selected   ids
}

// parseAccess reads visibility and, for selected, the repositories. A request that names none selects none, also when
// there were some before (unconfirmed). Repositories in other cases are refused (unconfirmed).
func (c *call) parseAccess(organization string, fields map[string]json.RawMessage, orText bool) (access, *answer) {
	var a access
	if refused := decode(c, fields, "visibility", "a string", &a.visibility); refused != nil {
		return a, refused
	}
	if !slices.Contains([]string{"all", "private", "selected"}, a.visibility) {
		return a, c.invalid(fmt.Sprintf("%q is not a member of [\"all\", \"private\", \"selected\"].", a.visibility))
	}
	var refused *answer
	a.selected, refused = c.parseSelected(organization, fields, orText)
	if refused == nil && a.visibility != "selected" && len(a.selected) > 0 {
		refused = c.invalid("selected_repository_ids are for the visibility selected only.")
	}
	return a, refused
}

// parseSelected reads ids of the organization's repositories; some operations take them as text as well.
func (c *call) parseSelected(organization string, fields map[string]json.RawMessage, orText bool) (ids, *answer) {
	var list []json.RawMessage
	if refused := decode(c, fields, "selected_repository_ids", "an array", &list); refused != nil {
		return nil, refused
	}
	var numbers []int64
	for _, item := range list {
		text := string(item)
		if unquoted, err := strconv.Unquote(text); orText && err == nil {
			text = unquoted
		}
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, c.invalid(fmt.Sprintf("For 'items', %s is not an integer.", item))
		}
		if repo := c.repositories[id]; repo == nil || !strings.EqualFold(repo.Owner, organization) {
			return nil, c.unprocessable(fmt.Sprintf("Repository %d is not one of the organization.", id)) // unconfirmed
		}
		numbers = append(numbers, id)
	}
	return newIDs(numbers), nil
}

// describe adds what an entry of an organization says about it. path leads to the entry.
func (a access) describe(c *call, body map[string]any, path string) {
	body["visibility"] = a.visibility
	if a.visibility == "selected" {
		body["selected_repositories_url"] = c.api + path + "/repositories"
	}
}

// The calls on the list of repositories. That none of them moves updated_at is unconfirmed.

// listSelected is GET .../secrets/{name}/repositories. Of another visibility than selected it is empty (unconfirmed).
func listSelected(c *call, a *access) answer {
	items, header := page(c, a.selected)
	return answer{status: http.StatusOK, header: header, body: map[string]any{
		"total_count": len(a.selected), "repositories": c.repositoryBodies(c.existing(items)),
	}}
}

// setSelected is PUT .../secrets/{name}/repositories; that it conflicts like the two below is declared for Codespaces.
func setSelected(c *call, a *access) answer {
	fields, refused := c.fields()
	if refused == nil {
		refused = c.required(fields, "selected_repository_ids")
	}
	if refused != nil {
		return *refused
	}
	selected, refused := c.parseSelected(c.params["account"], fields, false)
	switch {
	case refused != nil:
		return *refused
	case a.visibility != "selected":
		return c.conflict()
	}
	a.selected = selected
	return noContent()
}

// toggleSelected is PUT and DELETE .../secrets/{name}/repositories/{id}. A repository that is there already, or was never
// there, is no error (unconfirmed).
func toggleSelected(c *call, a *access) answer {
	id, err := strconv.ParseInt(c.params["id"], 10, 64)
	repo := c.repositories[id]
	switch {
	case err != nil || repo == nil || !strings.EqualFold(repo.Owner, c.params["account"]) || !c.mayRead(repo):
		return c.notFound()
	case a.visibility != "selected":
		return c.conflict()
	case c.route.method == http.MethodPut:
		a.selected = a.selected.with(id)
	default:
		a.selected = a.selected.without(id)
	}
	return noContent()
}

func (c *call) conflict() answer { return c.fail(http.StatusConflict, "Conflict") }
