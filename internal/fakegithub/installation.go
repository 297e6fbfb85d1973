package fakegithub

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// getApp is GET /app.
func getApp(c *call) answer {
	count := 0
	for _, in := range c.installations {
		if in.AppID == c.app.ID {
			count++
		}
	}
	body := c.appBody(c.app)
	body["installations_count"] = count
	return ok(body)
}

// appBody is the schema `integration`.
func (c *call) appBody(app *App) map[string]any {
	return map[string]any{
		"id": app.ID, "slug": app.Slug, "client_id": app.ClientID, "node_id": nodeID("A", app.ID),
		"owner": c.simpleUser(app.Owner), "name": app.Name, "description": nil,
		"external_url": c.web + "/" + app.Owner, "html_url": c.web + "/apps/" + app.Slug,
		"created_at": timestamp(app.createdAt), "updated_at": timestamp(app.createdAt),
		"permissions": app.Permissions, "events": []string{},
	}
}

// listInstallations is GET /app/installations.
func listInstallations(c *call) answer {
	since, _ := time.Parse(time.RFC3339, c.r.URL.Query().Get("since")) // nonsense means no bound
	list := []any{}
	for _, id := range slices.Sorted(maps.Keys(c.installations)) {
		if in := c.installations[id]; in.AppID == c.app.ID && !in.updatedAt().Before(since) {
			list = append(list, c.installationBody(in))
		}
	}
	items, header := page(c, list)
	return answer{status: http.StatusOK, header: header, body: items}
}

// getInstallation is GET /app/installations/{id}. A suspended installation is
// returned like any other.
func getInstallation(c *call) answer {
	in := c.installationInPath()
	if in == nil {
		return c.notFound()
	}
	return ok(c.installationBody(in))
}

// deleteInstallation is DELETE /app/installations/{id}. Its tokens die with it.
func deleteInstallation(c *call) answer {
	in := c.installationInPath()
	if in == nil {
		return c.notFound()
	}
	delete(c.installations, in.ID)
	if c.atLeast("2026-03-10") {
		return answer{status: http.StatusAccepted, body: map[string]any{}}
	}
	return noContent()
}

// suspendInstallation is PUT /app/installations/{id}/suspended. That
// suspended_by names the App's owner is unconfirmed.
func suspendInstallation(c *call) answer {
	in := c.installationInPath()
	if in == nil {
		return c.notFound()
	}
	if in.suspendedAt.IsZero() {
		in.suspendedAt, in.suspendedBy = c.now, c.app.Owner
	}
	return noContent()
}

// unsuspendInstallation is DELETE /app/installations/{id}/suspended.
func unsuspendInstallation(c *call) answer {
	in := c.installationInPath()
	if in == nil {
		return c.notFound()
	}
	in.suspendedAt, in.suspendedBy = time.Time{}, ""
	return noContent()
}

// repositoryInstallation is GET /repos/{o}/{r}/installation and GET
// /repositories/{id}/installation. "Not installed", "no such repository" and
// "not selected" are all the same 404.
func repositoryInstallation(c *call) answer {
	repo, moved := c.repositoryInPath()
	if repo == nil {
		return c.notFound()
	}
	for _, in := range c.installations {
		if in.AppID != c.app.ID || !in.covers(repo) {
			continue
		}
		if moved {
			return c.movedTo(repo)
		}
		return ok(c.installationBody(in))
	}
	return c.notFound()
}

// accountInstallation looks up the installation on an account of one of these
// types, by its name.
func accountInstallation(types ...string) func(*call) answer {
	return func(c *call) answer {
		login := strings.ToLower(c.params["account"])
		account := c.accounts[login]
		if account == nil {
			account = c.formerLogins[login]
		}
		if account == nil || !slices.Contains(types, account.Type) {
			return c.notFound()
		}
		for _, in := range c.installations {
			if in.AppID == c.app.ID && in.Account == account.Login {
				return ok(c.installationBody(in))
			}
		}
		return c.notFound()
	}
}

// installationInPath returns the installation that the path names, or nil if it
// does not belong to the App that asks.
func (c *call) installationInPath() *installation {
	id, err := strconv.ParseInt(c.params["installation"], 10, 64)
	if in := c.installations[id]; err == nil && in != nil && in.AppID == c.app.ID {
		return in
	}
	return nil
}

func (in *installation) updatedAt() time.Time {
	if in.suspendedAt.After(in.createdAt) {
		return in.suspendedAt
	}
	return in.createdAt
}

func (c *call) installationBody(in *installation) map[string]any {
	app, account := c.apps[in.AppID], c.accounts[strings.ToLower(in.Account)]
	settings := c.web + "/settings/installations/" + strconv.FormatInt(in.ID, 10)
	var owner any = c.simpleUser(account.Login)
	switch account.Type {
	case "Organization":
		settings = c.web + "/organizations/" + account.Login + "/settings/installations/" + strconv.FormatInt(in.ID, 10)
	case "Enterprise":
		settings = c.web + "/enterprises/" + account.Login + "/settings/installations/" + strconv.FormatInt(in.ID, 10)
		owner = c.enterpriseBody(account)
	}
	body := map[string]any{
		"id": in.ID, "app_id": app.ID, "client_id": app.ClientID, "app_slug": app.Slug,
		"account": owner, "target_id": account.ID, "target_type": account.Type,
		"repository_selection":      in.selection(),
		"access_tokens_url":         c.api + "/app/installations/" + strconv.FormatInt(in.ID, 10) + "/access_tokens",
		"repositories_url":          c.api + "/installation/repositories",
		"html_url":                  settings,
		"permissions":               in.Permissions,
		"events":                    []string{},
		"single_file_name":          nil,
		"single_file_paths":         []string{},
		"has_multiple_single_files": false,
		"created_at":                timestamp(in.createdAt), "updated_at": timestamp(in.updatedAt()),
		"suspended_by": nil, "suspended_at": nil,
	}
	if !in.suspendedAt.IsZero() {
		body["suspended_by"], body["suspended_at"] = c.simpleUser(in.suspendedBy), timestamp(in.suspendedAt)
	}
	return body
}
