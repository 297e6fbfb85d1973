package fakegithub

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func secretScanningRoutes() []route {
	read, write := needs{"secret_scanning_alerts": "read"}, needs{"secret_scanning_alerts": "write"}
	routes := everyOrganization(route{
		method: "GET", pattern: "/orgs/{account}/secret-scanning/alerts", needs: read,
		doc: "list-secret-scanning-alerts-for-an-organization", serve: ofOrganization(listOrganizationAlerts),
	})
	for _, base := range []string{"/repos/{owner}/{repo}", "/repositories/{repository}"} {
		list, one := base+"/secret-scanning/alerts", base+"/secret-scanning/alerts/{alert}"
		routes = append(routes,
			route{
				method: "GET", pattern: list, needs: read,
				doc: "list-secret-scanning-alerts-for-a-repository", serve: scanned(listRepositoryAlerts),
			},
			route{method: "GET", pattern: one, needs: read, doc: "get-a-secret-scanning-alert", serve: ofAlert(getAlert)},
			route{method: "PATCH", pattern: one, needs: write, doc: "update-a-secret-scanning-alert", serve: ofAlert(patchAlert)})
	}
	return onPage("secret-scanning/secret-scanning", installationToken, routes...)
}

// scanned serves an operation on a repository with secret scanning.
func scanned(serve func(*call, *repository) answer) func(*call) answer {
	return inRepository(func(c *call, repo *repository) answer {
		if o := c.organizations[c.accounts[strings.ToLower(repo.Owner)].ID]; o != nil && !o.scanning {
			return c.fail(http.StatusNotFound, "Secret scanning is disabled on this repository.")
		}
		return serve(c, repo)
	})
}

// ofAlert serves an operation on the alert that the path names.
func ofAlert(serve func(*call, *alert) answer) func(*call) answer {
	return scanned(func(c *call, repo *repository) answer {
		n, err := strconv.Atoi(c.params["alert"])
		if err != nil || n < 1 || n > len(repo.alerts) {
			return c.notFound()
		}
		return serve(c, repo.alerts[n-1])
	})
}

// listOrganizationAlerts is GET /orgs/{org}/secret-scanning/alerts: those of the
// repositories that the token reaches.
func listOrganizationAlerts(c *call, o *organization) answer {
	if !o.scanning {
		return c.notFound()
	}
	return c.byNumber(o.account).listAlerts(newestAlerts(c.tokenReach(c.token)), true)
}

// listRepositoryAlerts is GET /repos/{o}/{r}/secret-scanning/alerts.
func listRepositoryAlerts(c *call, repo *repository) answer {
	return c.listAlerts(newestAlerts([]*repository{repo}), false)
}

// listAlerts answers with a page of the alerts that the query selects. Types
// that GitHub does not know select nothing (unconfirmed).
func (c *call) listAlerts(list []*alert, withRepository bool) answer {
	query := c.r.URL.Query()
	refused := cmp.Or(
		c.only(query, "page", "state", "secret_type", "resolution", "validity", "is_publicly_leaked", "hide_secret", "sort", "direction",
			"before", "after"),
		c.oneOf(query, "state", "open", "resolved"), c.oneOf(query, "sort", "created", "updated"),
		c.oneOf(query, "direction", "asc", "desc"), c.oneOf(query, "hide_secret", "true", "false"),
		c.oneOf(query, "is_publicly_leaked", "true", "false"))
	if refused != nil {
		return *refused
	}
	list = slices.DeleteFunc(list, func(a *alert) bool { return !c.selects(query, a) })
	if query.Get("sort") == "updated" {
		slices.SortStableFunc(list, func(a, b *alert) int { return b.updatedAt.Compare(a.updatedAt) })
	}
	if query.Get("direction") == "asc" {
		slices.Reverse(list)
	}
	var header map[string]string
	if query.Has("after") || query.Has("before") {
		list, header = pageByCursor(c, query, list, func(a *alert) int64 { return a.id })
	} else {
		list, header = page(c, list)
	}
	bodies := make([]any, 0, len(list))
	for _, a := range list {
		body := c.alertBody(a)
		if withRepository {
			body["repository"] = c.repositoryBody(a.repository)
		}
		bodies = append(bodies, body)
	}
	return answer{status: http.StatusOK, header: header, body: bodies}
}

// selects reports whether an alert is one that the query asks for.
func (c *call) selects(query url.Values, a *alert) bool {
	for name, value := range map[string]string{
		"state": a.State, "secret_type": a.Type, "resolution": a.Resolution, "validity": c.validity(a),
	} {
		if wanted := query.Get(name); wanted != "" && !slices.Contains(strings.Split(wanted, ","), value) {
			return false
		}
	}
	return query.Get("is_publicly_leaked") != "true" || a.PubliclyLeaked
}

// alertBody is the schema `secret-scanning-alert`. With hide_secret the field
// with the value is left out (unconfirmed).
func (c *call) alertBody(a *alert) map[string]any {
	full := a.repository.Owner + "/" + a.repository.Name
	number := strconv.Itoa(a.Number)
	url := c.api + "/repos/" + full + "/secret-scanning/alerts/" + number
	body := map[string]any{
		"number": a.Number, "created_at": timestamp(a.CreatedAt), "updated_at": timestamp(a.updatedAt), "url": url,
		"html_url": c.web + "/" + full + "/security/secret-scanning/" + number, "locations_url": url + "/locations",
		"state": a.State, "resolution": nil, "resolution_comment": nil, "resolved_at": nil, "resolved_by": nil,
		"secret": a.Secret, "secret_type": a.Type, "secret_type_display_name": displayName(a.Type),
		"validity": c.validity(a), "publicly_leaked": a.PubliclyLeaked, "multi_repo": false, "is_base64_encoded": false,
		"push_protection_bypassed": false, "push_protection_bypassed_by": nil, "push_protection_bypassed_at": nil,
	}
	if c.r.URL.Query().Get("hide_secret") == "true" {
		delete(body, "secret")
	}
	if a.State == "resolved" {
		body["resolution"], body["resolved_at"] = a.Resolution, timestamp(a.ResolvedAt)
		body["resolved_by"] = c.simpleUser(a.ResolvedBy)
	}
	if a.ResolutionComment != "" {
		body["resolution_comment"] = a.ResolutionComment
	}
	return body
}

// displayName is the name of a type in words, such as "GitHub Personal Access
// Token".
func displayName(secretType string) string {
	words := strings.Split(secretType, "_")
	for i, word := range words {
		if word != "" {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Replace(strings.Join(words, " "), "Github", "GitHub", 1)
}

func getAlert(c *call, a *alert) answer { return ok(c.alertBody(a)) }

// patchAlert is PATCH /repos/{o}/{r}/secret-scanning/alerts/{n}. The texts are
// unconfirmed.
func patchAlert(c *call, a *alert) answer {
	fields, refused := c.fields()
	if refused != nil {
		return *refused
	}
	if a.repository.Archived {
		return c.fail(http.StatusForbidden, textArchived)
	}
	changed := a.Alert
	if refused := c.changeAlert(&changed, fields); refused != nil {
		return *refused
	}
	a.Alert, a.updatedAt = changed, c.now
	return ok(c.alertBody(a))
}

func (c *call) changeAlert(a *Alert, fields map[string]json.RawMessage) *answer {
	if fields["state"] == nil && fields["assignee"] == nil && fields["validity"] == nil {
		return c.invalid("\"state\" wasn't supplied.")
	}
	var state, resolution, comment, validity string
	refused := cmp.Or(
		decode(c, fields, "state", "a string", &state), decodeNullable(c, fields, "resolution", &resolution),
		decodeNullable(c, fields, "resolution_comment", &comment), decodeNullable(c, fields, "validity", &validity))
	if refused != nil {
		return refused
	}
	if fields["validity"] != nil {
		if validity != "" && validity != "active" && validity != "inactive" {
			return c.invalid(fmt.Sprintf("%q is not a validity.", validity))
		}
		a.Validity = validity
	}
	switch {
	case fields["state"] == nil:
		return nil
	case state == "open" && resolution == "" && comment == "":
		a.State, a.Resolution, a.ResolutionComment, a.ResolvedBy = "open", "", "", ""
		return nil
	case state != "resolved":
		return c.unprocessable("State does not match the resolution or resolution comment.")
	case !slices.Contains([]string{"false_positive", "wont_fix", "revoked", "used_in_tests"}, resolution):
		return c.unprocessable("A resolution is needed to resolve an alert.")
	case a.State == "resolved" && a.Resolution == resolution && a.ResolutionComment == comment:
		return refuse(c.fail(http.StatusBadRequest, "The resolution was not changed."))
	}
	a.State, a.Resolution, a.ResolutionComment, a.ResolvedBy, a.ResolvedAt = state, resolution, comment, c.bot(), c.now
	return nil
}
