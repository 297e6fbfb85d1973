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
	"unicode/utf8"
)

// Limits of issues, in characters (from GitHub's own refusals).
const (
	maxIssueTitle = 256
	maxIssueBody  = 65536
)

func issueRoutes() []route {
	read, write := needs{"issues": "read"}, needs{"issues": "write"}
	var issues, comments []route
	for _, base := range []string{"/repos/{owner}/{repo}", "/repositories/{repository}"} {
		list, one := base+"/issues", base+"/issues/{issue}"
		issues = append(issues,
			route{method: "GET", pattern: list, needs: read, doc: "list-repository-issues", serve: withIssues(listIssues)},
			route{method: "POST", pattern: list, needs: write, doc: "create-an-issue", serve: withIssues(postIssue)},
			route{method: "GET", pattern: one, needs: read, doc: "get-an-issue", serve: ofIssue(getIssue)},
			route{method: "PATCH", pattern: one, needs: write, doc: "update-an-issue", serve: ofIssue(patchIssue)})
		comments = append(comments,
			route{method: "GET", pattern: one + "/comments", needs: read, doc: "list-issue-comments", serve: ofIssue(listComments)},
			route{method: "POST", pattern: one + "/comments", needs: write, doc: "create-an-issue-comment", serve: ofIssue(postComment)},
			route{
				method: "PATCH", pattern: list + "/comments/{comment}", needs: write,
				doc: "update-an-issue-comment", serve: withIssues(patchComment),
			})
	}
	return append(onPage("issues/issues", installationToken, issues...), onPage("issues/comments", installationToken, comments...)...)
}

// withIssues serves an operation on a repository that has issues and, for a
// change, is not archived.
func withIssues(serve func(*call, *repository) answer) func(*call) answer {
	return inRepository(func(c *call, repo *repository) answer {
		switch {
		case repo.noIssues:
			return c.fail(http.StatusGone, "Issues are disabled for this repo")
		case repo.Archived && c.route.method != http.MethodGet:
			return c.fail(http.StatusForbidden, textArchived)
		}
		return serve(c, repo)
	})
}

// ofIssue serves an operation on the issue that the path names.
func ofIssue(serve func(*call, *repository, *issue) answer) func(*call) answer {
	return withIssues(func(c *call, repo *repository) answer {
		n, err := strconv.Atoi(c.params["issue"])
		switch {
		case err != nil || n < 1 || n > len(repo.issues):
			return c.notFound()
		case repo.issues[n-1].deleted:
			return c.fail(http.StatusGone, "This issue was deleted")
		}
		return serve(c, repo, repo.issues[n-1])
	})
}

// listIssues is GET /repos/{o}/{r}/issues, newest first.
func listIssues(c *call, repo *repository) answer {
	query := c.r.URL.Query()
	refused := cmp.Or(
		c.only(query, "page", "state", "creator", "assignee", "labels", "since", "sort", "direction"),
		c.oneOf(query, "state", "open", "closed", "all"), c.oneOf(query, "direction", "asc", "desc"),
		c.oneOf(query, "sort", "created", "updated", "comments"))
	since, malformed := c.instant(query, "since")
	if refused = cmp.Or(refused, malformed); refused != nil {
		return *refused
	}
	if creator := query.Get("creator"); creator != "" && c.accounts[strings.ToLower(creator)] == nil {
		return c.invalidField("Issue", "creator", "invalid", "") // unconfirmed
	}
	var list []*issue
	for _, i := range slices.Backward(repo.issues) {
		if !i.deleted && !i.UpdatedAt.Before(since) && i.selectedBy(query) {
			list = append(list, i)
		}
	}
	switch query.Get("sort") {
	case "updated":
		slices.SortStableFunc(list, func(a, b *issue) int { return b.UpdatedAt.Compare(a.UpdatedAt) })
	case "comments":
		slices.SortStableFunc(list, func(a, b *issue) int { return cmp.Compare(len(b.Comments), len(a.Comments)) })
	}
	if query.Get("direction") == "asc" {
		slices.Reverse(list)
	}
	c.linkPath = fmt.Sprintf("/repositories/%d/issues", repo.ID)
	items, header := page(c, list)
	bodies := make([]any, 0, len(items))
	for _, i := range items {
		bodies = append(bodies, c.issueBody(repo, i))
	}
	return answer{status: http.StatusOK, header: header, body: bodies}
}

// selectedBy reports whether the query of a list asks for an issue.
func (i *issue) selectedBy(query url.Values) bool {
	has := func(list []string, wanted string) bool {
		return slices.ContainsFunc(list, func(one string) bool { return strings.EqualFold(one, wanted) })
	}
	if state := cmp.Or(query.Get("state"), "open"); state != "all" && state != i.State {
		return false
	}
	if creator := query.Get("creator"); creator != "" && !strings.EqualFold(creator, i.Author) {
		return false
	}
	if assignee := query.Get("assignee"); assignee != "" && assignee != "*" && !has(i.Assignees, assignee) {
		return false
	}
	for label := range strings.SplitSeq(query.Get("labels"), ",") {
		if label != "" && !has(i.Labels, label) {
			return false
		}
	}
	return true
}

// getIssue is GET /repos/{o}/{r}/issues/{n}.
func getIssue(c *call, repo *repository, i *issue) answer { return ok(c.issueBody(repo, i)) }

// postIssue is POST /repos/{o}/{r}/issues. The App's bot is the author.
func postIssue(c *call, repo *repository) answer {
	fields, refused := c.fields("title")
	one := Issue{State: "open", Author: c.bot(), App: c.slug(), CreatedAt: c.now}
	if refused == nil {
		refused = c.changeIssue(repo, &one, fields)
	}
	if refused != nil {
		return *refused
	}
	body := c.issueBody(repo, c.addIssue(repo, one))
	return answer{status: http.StatusCreated, header: map[string]string{"Location": body["url"].(string)}, body: body}
}

// patchIssue is PATCH /repos/{o}/{r}/issues/{n}.
func patchIssue(c *call, repo *repository, i *issue) answer {
	fields, refused := c.fields()
	changed := i.copy()
	if refused == nil {
		refused = c.changeIssue(repo, &changed, fields)
	}
	if refused != nil {
		return *refused
	}
	i.Issue = changed
	return ok(c.issueBody(repo, i))
}

// changeIssue sets the fields that the request has.
func (c *call) changeIssue(repo *repository, one *Issue, fields map[string]json.RawMessage) *answer {
	state, title := one.State, one.Title
	if string(fields["body"]) == "null" {
		one.Body = ""
	}
	refused := cmp.Or(
		decodeNullable(c, fields, "title", &title), decodeNullable(c, fields, "body", &one.Body),
		decode(c, fields, "state", "a string", &state), decodeNullable(c, fields, "state_reason", &one.StateReason),
		decodeNames(c, fields, "labels", &one.Labels), decodeNames(c, fields, "assignees", &one.Assignees))
	switch {
	case refused != nil:
		return refused
	case title == "":
		return refuse(c.invalidField("Issue", "title", "missing_field", ""))
	case utf8.RuneCountInString(title) > maxIssueTitle:
		return refuse(c.tooLong("Issue", "title", maxIssueTitle))
	case utf8.RuneCountInString(one.Body) > maxIssueBody:
		return refuse(c.tooLong("Issue", "body", maxIssueBody))
	case state != "open" && state != "closed":
		return c.invalid(fmt.Sprintf("%q is not a member of [\"open\", \"closed\"].", state))
	case !slices.Contains([]string{"", "completed", "not_planned", "duplicate", "reopened"}, one.StateReason):
		return c.invalid(fmt.Sprintf("%q is not a state reason.", one.StateReason))
	}
	for _, login := range one.Assignees {
		if !c.assignable(repo, login) {
			return refuse(c.invalidField("Issue", "assignees", "invalid", ""))
		}
	}
	if state != one.State {
		c.turn(one, fields["state_reason"] != nil)
	}
	one.Title, one.UpdatedAt = title, c.now
	return nil
}

// turn closes an open issue or opens a closed one.
func (c *call) turn(one *Issue, reasonGiven bool) {
	reason := "reopened"
	if one.State == "open" {
		one.State, one.ClosedAt, one.ClosedBy, reason = "closed", c.now, c.bot(), "completed"
	} else {
		one.State, one.ClosedBy = "open", ""
	}
	if !reasonGiven {
		one.StateReason = reason
	}
}

// assignable reports whether an issue can be assigned to a person: the owner of
// the repository, or a member of the organization.
func (c *call) assignable(repo *repository, login string) bool {
	account, owner := c.accounts[strings.ToLower(login)], c.accounts[strings.ToLower(repo.Owner)]
	o := c.organizations[owner.ID]
	return account != nil && (account == owner || o != nil && o.members.get(account) != nil)
}

// decodeNames reads a list of names, each a string or an object that has it.
func decodeNames(c *call, fields map[string]json.RawMessage, field string, names *[]string) *answer {
	var list []json.RawMessage
	if refused := decode(c, fields, field, "an array", &list); refused != nil || fields[field] == nil {
		return refused
	}
	*names = nil
	for _, raw := range list {
		var name string
		var object struct{ Name, Login string }
		if json.Unmarshal(raw, &name) != nil && json.Unmarshal(raw, &object) != nil {
			return c.invalid(fmt.Sprintf("For 'properties/%s', %s is not a string.", field, raw))
		}
		*names = append(*names, cmp.Or(name, object.Name, object.Login))
	}
	return nil
}

// invalidField is GitHub's answer to a value that the schema allows and the
// resource does not.
func (c *call) invalidField(resource, field, code, message string) answer {
	detail := map[string]any{"resource": resource, "field": field, "code": code}
	if message != "" {
		detail["message"] = message
	}
	a := c.fail(http.StatusUnprocessableEntity, "Validation Failed")
	a.body.(map[string]any)["errors"] = []any{detail}
	return a
}

func (c *call) tooLong(resource, field string, most int) answer {
	return c.invalidField(resource, field, "custom", fmt.Sprintf("%s is too long (maximum is %d characters)", field, most))
}

// slug returns the slug of the caller's App.
func (c *call) slug() string { return c.apps[c.token.installation.AppID].Slug }
