package fakegithub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// access says which repositories of an organization see its secret or variable.
// Secrets and variables of a repository have none.
type access struct {
	visibility string // all, private or selected
	selected   ids
}

// parseAccess reads visibility and, for selected, the repositories. A request
// that names no repositories selects none, even when some were selected before
// (unconfirmed). Repositories with any other visibility are refused
// (unconfirmed).
func (c *call) parseAccess(organization string, fields map[string]json.RawMessage, idsAsText bool) (access, *answer) {
	var a access
	if refused := decode(c, fields, "visibility", "a string", &a.visibility); refused != nil {
		return a, refused
	}
	if !slices.Contains([]string{"all", "private", "selected"}, a.visibility) {
		return a, c.invalid(fmt.Sprintf("%q is not a member of [\"all\", \"private\", \"selected\"].", a.visibility))
	}
	var refused *answer
	a.selected, refused = c.parseSelected(organization, fields, idsAsText)
	if refused == nil && a.visibility != "selected" && len(a.selected) > 0 {
		refused = c.invalid("selected_repository_ids are for the visibility selected only.")
	}
	return a, refused
}

// parseSelected reads ids of the organization's repositories; some operations
// take them as text as well.
func (c *call) parseSelected(organization string, fields map[string]json.RawMessage, idsAsText bool) (ids, *answer) {
	var list []json.RawMessage
	if refused := decode(c, fields, "selected_repository_ids", "an array", &list); refused != nil {
		return nil, refused
	}
	var numbers []int64
	for _, item := range list {
		text := string(item)
		if unquoted, err := strconv.Unquote(text); idsAsText && err == nil {
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

// describe adds the visibility of an organization's entry to its body. path
// leads to the entry.
func (a access) describe(c *call, body map[string]any, path string) {
	body["visibility"] = a.visibility
	if a.visibility == "selected" {
		body["selected_repositories_url"] = c.api + path + "/repositories"
	}
}

// The operations on the list of repositories follow. That none of them changes
// updated_at is unconfirmed.

// listSelected is GET .../secrets/{name}/repositories. The list is empty unless
// the visibility is selected (unconfirmed).
func listSelected(c *call, a *access) answer {
	items, header := page(c, a.selected)
	return answer{status: http.StatusOK, header: header, body: map[string]any{
		"total_count": len(a.selected), "repositories": c.repositoryBodies(c.existing(items)),
	}}
}

// setSelected is PUT .../secrets/{name}/repositories. That it conflicts as the
// two below do is declared for Codespaces.
func setSelected(c *call, a *access) answer {
	fields, refused := c.fields("selected_repository_ids")
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

// addOrRemoveSelected is PUT and DELETE .../secrets/{name}/repositories/{id}.
// Adding a repository that is there already and removing one that is not are no
// errors (unconfirmed).
func addOrRemoveSelected(c *call, a *access) answer {
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
