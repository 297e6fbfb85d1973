package fakegithub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

const issuesPath = "/repos/octo-corp/api/issues"

func TestCreateIssue(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	f.AddMember("octo-corp", "monalisa")
	r := f.expect(201, "POST", issuesPath, token,
		`{"title": "Tokens of monalisa", "body": "<!-- marker -->", "labels": ["tokens", {"name": "notice"}], "assignees": ["monalisa"]}`)
	user, _ := r.body["user"].(map[string]any)
	via, _ := r.body["performed_via_github_app"].(map[string]any)
	if user["login"] != "warden[bot]" || user["type"] != "Bot" || via["slug"] != "warden" || r.body["number"] != 1.0 ||
		r.body["state"] != "open" || r.Header.Get("Location") != r.body["url"] {
		t.Errorf("created: %s", r.text)
	}
	if got := f.expect(200, "GET", issuesPath+"/1", token, ""); got.text != r.text {
		t.Errorf("got %s, want %s", got.text, r.text)
	}
	got := f.Issues("octo-corp", "api")
	if len(got) != 1 || fmt.Sprint(got[0].Labels, got[0].Assignees) != "[tokens notice] [monalisa]" || got[0].Author != "warden[bot]" ||
		got[0].App != "warden" {
		t.Errorf("issues: %+v", got)
	}
	f.SkipOpenAPI = true // the requests are wrong on purpose
	for _, test := range []struct{ body, message string }{
		{`{}`, `Invalid request.` + "\n\n" + `"title" wasn't supplied.`},
		{`{"title": ""}`, "Validation Failed"},
		{`{"title": null}`, "Validation Failed"},
		{`{"title": "x", "body": "` + strings.Repeat("ä", 65537) + `"}`, "Validation Failed"},
		{`{"title": "` + strings.Repeat("ä", 257) + `"}`, "Validation Failed"},
		{`{"title": "x", "assignees": ["stranger"]}`, "Validation Failed"},
	} {
		f.want(f.send("POST", issuesPath, token, test.body), 422, test.message)
	}
	f.expect(422, "POST", issuesPath, token, `{"title": "x", "labels": "x"}`)
	f.expect(422, "POST", issuesPath, token, `{"title": "x", "labels": [7]}`)
	f.expect(201, "POST", issuesPath, token, `{"title": "x", "body": "`+strings.Repeat("ä", 65536)+`"}`)
}

func TestListIssues(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for i, one := range []fakegithub.Issue{
		{Title: "one", Author: "warden[bot]", Labels: []string{"tokens", "notice"}},
		{Title: "two", Author: "monalisa", Labels: []string{"Tokens"}},
		{Title: "three", State: "closed", Author: "warden[bot]"},
		{Title: "four", PullRequest: true, Assignees: []string{"monalisa"}},
	} {
		one.CreatedAt = at.Add(time.Duration(i) * day)
		f.AddIssue("octo-corp", "api", one)
	}
	f.AddComment("octo-corp", "api", 2, "hubot", "hello")
	for _, test := range []struct{ query, want string }{
		{"?per_page=1", "4 2 1"},
		{"?state=closed", "3"},
		{"?state=all", "4 3 2 1"},
		{"?state=all&creator=Warden[bot]", "3 1"},
		{"?labels=tokens", "2 1"},
		{"?labels=tokens,notice", "1"},
		{"?assignee=monalisa", "4"},
		{"?direction=asc", "1 2 4"},
		{"?sort=updated", "2 4 1"},
		{"?sort=comments", "2 4 1"},
		{"?since=2026-11-03T00:00:00Z", "4 2"},
	} {
		list, _ := f.all(issuesPath+test.query, token)
		if got := values(list, "number"); got != test.want {
			t.Errorf("%s: got %s, want %s", test.query, got, test.want)
		}
	}
	if list, _ := f.all(issuesPath, token); list[0]["pull_request"] == nil || list[1]["pull_request"] != nil {
		t.Errorf("pull requests: %v", list)
	}
	r := f.send("GET", issuesPath+"?per_page=1", token, "")
	if want := fmt.Sprintf("/repositories/%d/issues?", f.api.ID); !strings.HasPrefix(r.link("next"), want) {
		t.Errorf("link: %s", r.link("next"))
	}
	f.SkipOpenAPI = true // the queries are wrong on purpose
	for _, query := range []string{"?state=x", "?sort=x", "?direction=x", "?since=x", "?creator=nobody", "?milestone=1"} {
		f.expect(422, "GET", issuesPath+query, token, "")
	}
}

func TestChangeIssue(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	number := f.AddIssue("octo-corp", "api", fakegithub.Issue{Title: "one", Body: "text", Author: "monalisa", Labels: []string{"a"}})
	one := fmt.Sprintf("%s/%d", issuesPath, number)
	r := f.expect(200, "PATCH", one, token, `{"state": "closed", "body": "new"}`)
	by, _ := r.body["closed_by"].(map[string]any)
	if r.body["state_reason"] != "completed" || r.body["closed_at"] == nil || by["login"] != "warden[bot]" || r.body["body"] != "new" {
		t.Errorf("closed: %s", r.text)
	}
	r = f.expect(200, "PATCH", one, token, `{"state": "open", "labels": [], "body": null}`)
	if r.body["state_reason"] != "reopened" || r.body["closed_at"] != nil || r.body["title"] != "one" || r.body["body"] != nil {
		t.Errorf("opened: %s", r.text)
	}
	r = f.expect(200, "PATCH", one, token, `{"state": "closed", "state_reason": "not_planned"}`)
	if r.body["state_reason"] != "not_planned" {
		t.Errorf("closed: %s", r.text)
	}
	f.EditIssue("octo-corp", "api", number, func(i *fakegithub.Issue) { i.State, i.Title = "open", "edited" })
	if r := f.expect(200, "GET", one, token, ""); r.body["title"] != "edited" || r.body["closed_at"] != nil {
		t.Errorf("edited: %s", r.text)
	}
	f.RenameAccount("monalisa", "mona")
	if r := f.expect(200, "GET", one, token, ""); r.body["user"].(map[string]any)["login"] != "mona" {
		t.Errorf("author: %v", r.body["user"])
	}
	f.want(f.send("PATCH", one, f.with("issues", "read"), `{"state": "closed"}`), 403, "Resource not accessible by integration")
	f.SkipOpenAPI = true // the requests are wrong on purpose
	for _, body := range []string{`{"state": "done"}`, `{"state": null}`, `{"state_reason": "bored"}`, `{"title": ""}`} {
		f.expect(422, "PATCH", one, token, body)
	}
	f.SkipOpenAPI = false
	f.DeleteIssue("octo-corp", "api", number)
	f.want(f.send("GET", one, token, ""), 410, "This issue was deleted")
	f.expect(404, "GET", issuesPath+"/2", token, "")
	r = f.expect(201, "POST", issuesPath, token, `{"title": "next"}`)
	if r.body["number"] != 2.0 || len(f.Issues("octo-corp", "api")) != 1 {
		t.Errorf("after the deletion: %s", r.text)
	}
}

func TestComments(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	number := f.AddIssue("octo-corp", "api", fakegithub.Issue{Title: "one"})
	list := fmt.Sprintf("%s/%d/comments", issuesPath, number)
	other := f.AddComment("octo-corp", "api", number, "monalisa", "mine")
	r := f.expect(201, "POST", list, token, `{"body": "ours"}`)
	user, _ := r.body["user"].(map[string]any)
	if user["login"] != "warden[bot]" || r.Header.Get("Location") != r.body["url"] || r.body["performed_via_github_app"] == nil {
		t.Errorf("comment: %s", r.text)
	}
	if items, pages := f.all(list+"?per_page=1", token); values(items, "body") != "mine ours" || pages != 2 {
		t.Errorf("%d pages of %s", pages, values(items, "body"))
	}
	if items, _ := f.all(list+"?since=2999-01-01T00:00:00Z", token); len(items) != 0 {
		t.Errorf("since a later time: %v", items)
	}
	one := fmt.Sprintf("%s/comments/%d", issuesPath, other)
	if r := f.expect(200, "PATCH", one, token, `{"body": "edited"}`); r.body["body"] != "edited" {
		t.Errorf("edited: %s", r.text)
	}
	if got := f.Issues("octo-corp", "api")[0].Comments; len(got) != 2 || got[0].Body != "edited" || got[1].App != "warden" {
		t.Errorf("comments: %+v", got)
	}
	f.expect(404, "PATCH", issuesPath+"/comments/4711", token, `{"body": "x"}`)
	f.expect(422, "POST", list, token, `{"body": " "}`)
	f.expect(422, "POST", list, token, `{"body": "`+strings.Repeat("ä", 65537)+`"}`)
	f.expect(403, "POST", list, f.with("issues", "read"), `{"body": "x"}`)
	f.EditIssue("octo-corp", "api", number, func(i *fakegithub.Issue) { i.Locked = true })
	f.want(f.send("POST", list, token, `{"body": "x"}`), 403, "Unable to create comment because issue is locked.")
}

func TestNoIssues(t *testing.T) {
	f, token := newGovernance(t, fakegithub.Config{})
	number := f.AddIssue("octo-corp", "api", fakegithub.Issue{Title: "one"})
	one := fmt.Sprintf("%s/%d", issuesPath, number)
	f.ArchiveRepository("octo-corp", "api", true)
	for path, method := range map[string]string{issuesPath: "POST", one: "PATCH", one + "/comments": "POST"} {
		f.want(f.send(method, path, token, `{"title": "x", "body": "x"}`), 403, "Repository was archived so is read-only.")
	}
	f.expect(200, "GET", one, token, "")
	f.ArchiveRepository("octo-corp", "api", false)
	f.SetIssues("octo-corp", "api", false)
	for _, path := range []string{issuesPath, one, one + "/comments"} {
		f.want(f.send("GET", path, token, ""), 410, "Issues are disabled for this repo")
	}
	if r := f.expect(200, "GET", "/repos/octo-corp/api", token, ""); r.body["has_issues"] != false {
		t.Errorf("repository: %v", r.body["has_issues"])
	}
	f.expect(404, "GET", "/repos/octo-corp/vault/issues", token, "")
	f.expect(404, "POST", "/repos/octo-corp/nothing/issues", token, `{"title": "x"}`)
	f.RenameRepository("octo-corp", "web", "site")
	f.SkipOpenAPI = true // GitHub describes no redirect of a change
	f.expect(307, "POST", "/repos/octo-corp/web/issues", token, `{"title": "x"}`)
}
