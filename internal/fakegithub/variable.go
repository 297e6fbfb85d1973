package fakegithub

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Limits of variables
// (https://docs.github.com/en/actions/reference/workflows-and-actions/variables;
// unconfirmed).
const (
	maxVariables             = 500
	maxOrganizationVariables = 1000
)

// variable is a configuration variable of Actions. It is like a secret, but
// everybody who may list it reads its value.
type variable struct {
	name, value          string
	createdAt, updatedAt time.Time
	access
}

// variables are those of one repository or organization.
type variables struct {
	*index[*variable]
	organization string // login; empty for those of a repository
}

func variableRoutes() []route {
	var routes []route
	add := func(base, level, permission string, in func(func(*call, variables) answer) func(*call) answer) {
		_, noun, _ := strings.Cut(level, "-")
		one := base + "/{name}"
		read, write := needs{permission: "read"}, needs{permission: "write"}
		routes = append(routes,
			route{method: "GET", pattern: base, needs: read, doc: "list-" + noun + "-variables", serve: in(listVariables)},
			route{method: "POST", pattern: base, needs: write, doc: "create-" + level + "-variable", serve: in(postVariable)},
			route{method: "GET", pattern: one, needs: read, doc: "get-" + level + "-variable", serve: in(ofVariable(getVariable))},
			route{method: "PATCH", pattern: one, needs: write, doc: "update-" + level + "-variable", serve: in(ofVariable(patchVariable))},
			route{
				method: "DELETE", pattern: one, needs: write,
				doc: "delete-" + level + "-variable", serve: in(ofVariable(deleteVariable)),
			})
	}
	for _, base := range []string{"/repos/{owner}/{repo}", "/repositories/{repository}"} {
		add(base+"/actions/variables", "a-repository", "actions_variables", repositoryVariables)
	}
	add("/orgs/{account}/actions/variables", "an-organization", "organization_actions_variables", organizationVariables)
	return onPage("actions/variables", installationToken, routes...)
}

func repositoryVariables(serve func(*call, variables) answer) func(*call) answer {
	return inRepository(func(c *call, repo *repository) answer { return serve(c, variables{&repo.variables, ""}) })
}

func organizationVariables(serve func(*call, variables) answer) func(*call) answer {
	return inOrganization(func(c *call, account *Account) answer {
		login := strings.ToLower(account.Login)
		if c.variables[login] == nil {
			c.variables[login] = &index[*variable]{}
		}
		return serve(c, variables{c.variables[login], account.Login})
	})
}

// listVariables is GET .../variables. Its pages are smaller than those of other
// lists: 10 by default, at most 30.
func listVariables(c *call, all variables) answer {
	names, header := pageOf(c, all.names, 10, 30)
	list := make([]any, 0, len(names))
	for _, name := range names {
		list = append(list, c.variableBody(all, all.items[name]))
	}
	return answer{status: http.StatusOK, header: header, body: map[string]any{"total_count": len(all.names), "variables": list}}
}

// ofVariable serves an operation on the variable that the path names.
func ofVariable(serve func(*call, variables, *variable) answer) func(*call, variables) answer {
	return func(c *call, all variables) answer {
		v, known := all.get(strings.ToUpper(c.params["name"]))
		if !known {
			return c.notFound()
		}
		return serve(c, all, v)
	}
}

func getVariable(c *call, all variables, v *variable) answer { return ok(c.variableBody(all, v)) }

// postVariable is POST .../variables. It never replaces; the 409 and its text
// are unconfirmed.
func postVariable(c *call, all variables) answer {
	needed, limit := []string{"name", "value"}, maxVariables
	if all.organization != "" {
		needed, limit = append(needed, "visibility"), maxOrganizationVariables
	}
	fields, refused := c.fields(needed...)
	if refused != nil {
		return *refused
	}
	v := &variable{createdAt: c.now}
	if refused := c.change(all, v, fields); refused != nil {
		return *refused
	}
	if len(all.names) >= limit {
		return *c.unprocessable(fmt.Sprintf("The limit of %d variables is reached.", limit)) // unconfirmed
	}
	all.put(v.name, v)
	return answer{status: http.StatusCreated, body: map[string]any{}}
}

// patchVariable is PATCH .../variables/{name}, which may also rename.
func patchVariable(c *call, all variables, v *variable) answer {
	fields, refused := c.fields()
	if refused != nil {
		return *refused
	}
	changed := *v
	if refused := c.change(all, &changed, fields); refused != nil {
		return *refused
	}
	all.remove(v.name)
	*v = changed
	all.put(v.name, v)
	return noContent()
}

func deleteVariable(_ *call, all variables, v *variable) answer {
	all.remove(v.name)
	return noContent()
}

// change applies the fields that the request has.
func (c *call) change(all variables, v *variable, fields map[string]json.RawMessage) *answer {
	name := v.name
	refused := cmp.Or(decode(c, fields, "name", "a string", &name), decode(c, fields, "value", "a string", &v.value))
	if refused == nil {
		refused = c.checkName("Variable", name)
	}
	if refused != nil {
		return refused
	}
	if len(v.value) > maxSecret {
		return c.unprocessable("Variable values must not be larger than 48 KB.") // unconfirmed
	}
	name = strings.ToUpper(name)
	if _, taken := all.get(name); taken && name != v.name {
		return refuse(c.fail(http.StatusConflict, "Already exists - Variable already exists"))
	}
	v.name, v.updatedAt = name, c.now
	switch {
	case all.organization == "":
	case fields["visibility"] != nil:
		v.access, refused = c.parseAccess(all.organization, fields, false)
	case fields["selected_repository_ids"] != nil && v.visibility != "selected":
		refused = refuse(c.conflict())
	case fields["selected_repository_ids"] != nil:
		v.selected, refused = c.parseSelected(all.organization, fields, false)
	}
	return refused
}

func (c *call) variableBody(all variables, v *variable) map[string]any {
	body := map[string]any{
		"name": v.name, "value": v.value, "created_at": timestamp(v.createdAt), "updated_at": timestamp(v.updatedAt),
	}
	if all.organization != "" {
		v.describe(c, body, "/orgs/"+all.organization+"/actions/variables/"+v.name)
	}
	return body
}
