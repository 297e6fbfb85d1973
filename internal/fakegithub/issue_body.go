package fakegithub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// issueBody is the schema `issue`.
func (c *call) issueBody(repo *repository, i *issue) map[string]any {
	full := repo.Owner + "/" + repo.Name
	number := strconv.Itoa(i.Number)
	url := c.api + "/repos/" + full + "/issues/" + number
	labels := []any{}
	for _, name := range i.Labels {
		labels = append(labels, map[string]any{
			"name": name, "color": "ededed", "default": false, "description": nil,
			"url": c.api + "/repos/" + full + "/labels/" + name,
		})
	}
	assignees := []any{}
	for _, login := range i.Assignees {
		assignees = append(assignees, c.simpleUser(login))
	}
	body := map[string]any{
		"id": i.id, "node_id": nodeID("I", i.id), "number": i.Number, "title": i.Title, "body": nil,
		"state": i.State, "state_reason": nil, "locked": i.Locked, "active_lock_reason": nil,
		"user": c.simpleUser(i.Author), "author_association": "NONE", "performed_via_github_app": c.via(i.App),
		"labels": labels, "assignee": nil, "assignees": assignees, "milestone": nil, "comments": len(i.Comments),
		"created_at": timestamp(i.CreatedAt), "updated_at": timestamp(i.UpdatedAt), "closed_at": nil, "closed_by": nil,
		"url": url, "repository_url": c.api + "/repos/" + full, "html_url": c.web + "/" + full + "/issues/" + number,
		"labels_url": url + "/labels{/name}", "comments_url": url + "/comments", "events_url": url + "/events",
	}
	if len(assignees) > 0 && !c.atLeast("2026-03-10") {
		body["assignee"] = assignees[0]
	}
	if i.Body != "" {
		body["body"] = i.Body
	}
	if i.StateReason != "" {
		body["state_reason"] = i.StateReason
	}
	if i.State == "closed" {
		body["closed_at"] = timestamp(i.ClosedAt)
	}
	if i.State == "closed" && i.ClosedBy != "" {
		body["closed_by"] = c.simpleUser(i.ClosedBy)
	}
	if i.PullRequest {
		html := c.web + "/" + full + "/pull/" + number
		body["pull_request"] = map[string]any{
			"url": c.api + "/repos/" + full + "/pulls/" + number, "html_url": html,
			"diff_url": html + ".diff", "patch_url": html + ".patch", "merged_at": nil,
		}
		body["html_url"] = html
	}
	return body
}

// via returns the App that an issue or comment was written by, or nil.
func (c *call) via(slug string) any {
	for _, app := range c.apps {
		if slug != "" && app.Slug == slug {
			return c.appBody(app)
		}
	}
	return nil
}

func (c *call) commentBody(repo *repository, i *issue, one Comment) map[string]any {
	full := repo.Owner + "/" + repo.Name
	id := strconv.FormatInt(one.ID, 10)
	return map[string]any{
		"id": one.ID, "node_id": nodeID("IC", one.ID), "body": one.Body, "user": c.simpleUser(one.Author),
		"author_association": "NONE", "performed_via_github_app": c.via(one.App),
		"created_at": timestamp(one.CreatedAt), "updated_at": timestamp(one.UpdatedAt),
		"url":       c.api + "/repos/" + full + "/issues/comments/" + id,
		"issue_url": fmt.Sprintf("%s/repos/%s/issues/%d", c.api, full, i.Number),
		"html_url":  fmt.Sprintf("%s/%s/issues/%d#issuecomment-%s", c.web, full, i.Number, id),
	}
}

// listComments is GET /repos/{o}/{r}/issues/{n}/comments, oldest first.
func listComments(c *call, repo *repository, i *issue) answer {
	since, refused := c.instant(c.r.URL.Query(), "since")
	if refused != nil {
		return *refused
	}
	var list []Comment
	for _, one := range i.Comments {
		if !one.UpdatedAt.Before(since) {
			list = append(list, one)
		}
	}
	c.linkPath = fmt.Sprintf("/repositories/%d/issues/%d/comments", repo.ID, i.Number)
	items, header := page(c, list)
	bodies := make([]any, 0, len(items))
	for _, one := range items {
		bodies = append(bodies, c.commentBody(repo, i, one))
	}
	return answer{status: http.StatusOK, header: header, body: bodies}
}

// postComment is POST /repos/{o}/{r}/issues/{n}/comments.
func postComment(c *call, repo *repository, i *issue) answer {
	text, refused := c.commentText()
	switch {
	case refused != nil:
		return *refused
	case i.Locked:
		return c.fail(http.StatusForbidden, "Unable to create comment because issue is locked.")
	}
	c.comment(i, Comment{Body: text, Author: c.bot(), App: c.slug()})
	body := c.commentBody(repo, i, i.Comments[len(i.Comments)-1])
	return answer{status: http.StatusCreated, header: map[string]string{"Location": body["url"].(string)}, body: body}
}

// patchComment is PATCH /repos/{o}/{r}/issues/comments/{id}.
func patchComment(c *call, repo *repository) answer {
	text, refused := c.commentText()
	if refused != nil {
		return *refused
	}
	for _, i := range repo.issues {
		for n := range i.Comments {
			if one := &i.Comments[n]; !i.deleted && strconv.FormatInt(one.ID, 10) == c.params["comment"] {
				one.Body, one.UpdatedAt = text, c.now
				return ok(c.commentBody(repo, i, *one))
			}
		}
	}
	return c.notFound()
}

// commentText reads the body of a request that writes a comment.
func (c *call) commentText() (text string, refused *answer) {
	var fields map[string]json.RawMessage
	if fields, refused = c.fields("body"); refused == nil {
		refused = decode(c, fields, "body", "a string", &text)
	}
	switch {
	case refused != nil:
	case strings.TrimSpace(text) == "":
		refused = refuse(c.invalidField("IssueComment", "body", "missing_field", ""))
	case utf8.RuneCountInString(text) > maxIssueBody:
		refused = refuse(c.tooLong("IssueComment", "body", maxIssueBody))
	}
	return text, refused
}
