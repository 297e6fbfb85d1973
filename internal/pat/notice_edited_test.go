package pat

import (
	"regexp"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// edit changes the body of the only open issue, as somebody who may write does.
func (h *house) edit(change func(body string) string) {
	h.t.Helper()
	one := h.openIssue()
	h.EditIssue("acme", "desk", one.Number, func(i *fakegithub.Issue) { i.Body = change(i.Body) })
	if h.openIssue().Body == one.Body {
		h.t.Fatal("nothing was edited")
	}
}

// replacing returns a change of a text by a regular expression.
func replacing(pattern, by string) func(string) string {
	return func(text string) string { return regexp.MustCompile(pattern).ReplaceAllString(text, by) }
}

// Whoever may edit an issue can make a notice no shorter than the issue is old,
// and can't put an end off for ever. What nobody can read counts for nothing.
func TestMarkersThatSomebodyEdited(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(string) string
		want string // the end that holds afterwards
	}{
		"an earlier time":          {replacing(`"s":\d+`, `"s":1`), theEnd},
		"an earlier end too":       {replacing(`"s":\d+,"u":\d+`, `"s":1,"u":2`), "2026-12-04 12:00"},
		"a later time":             {replacing(`"s":\d+`, `"s":4102444800`), "2026-12-05 12:01"},
		"a later end":              {replacing(`"u":\d+`, `"u":4102444800`), "2026-12-04 12:01"},
		"an end in the past":       {replacing(`"u":\d+`, `"u":1`), theEnd},
		"a warning, not an end":    {replacing(`,"u":\d+`, ``), "2026-12-05 12:01"},
		"another rule":             {replacing(`"r":"unused"`, `"r":"ending"`), "2026-12-05 12:01"},
		"another token":            {replacing(`"t":\d+`, `"t":5`), "2026-12-05 12:01"},
		"another grant":            {replacing(`"i":\d+`, `"i":5`), "2026-12-05 12:01"},
		"another organization":     {replacing(`"o":"acme"`, `"o":"beta"`), "2026-12-05 12:01"},
		"a kind that there is not": {replacing(`"k":"grant"`, `"k":"request"`), "2026-12-05 12:01"},
		"a negative id":            {replacing(`"i":\d+`, `"i":-1`), "2026-12-05 12:01"},
		"a time without a form":    {replacing(`"s":\d+`, `"s":"yesterday"`), "2026-12-05 12:01"},
		"half of it":               {func(body string) string { return body[:60] }, "2026-12-05 12:01"},
		"something before it":      {func(body string) string { return "Hello. " + body }, "2026-12-05 12:01"},
		"nothing at all":           {func(string) string { return "" }, "2026-12-05 12:01"},
		"somebody else's":          {replacing(`"owner":"monalisa","id":\d+`, `"owner":"hubot"`), "2026-12-05 12:01"},
		"another version":          {replacing(`notice:1`, `notice:2`), "2026-12-05 12:01"},
	} {
		inHouse(t, name, func(t *testing.T, h *house) {
			h.grant("monalisa", old)
			policy := h.policy(endsWithNotice)
			h.run(policy)
			time.Sleep(day)
			h.edit(c.edit)
			h.wantLines(h.run(policy), "revoke grant of monalisa: noticed until "+c.want)
			due, err := time.Parse("2006-01-02 15:04", c.want)
			if err != nil {
				t.Fatal(err)
			}
			for time.Now().Before(due) {
				h.run(policy)
				if len(h.Grants("acme")) != 1 {
					t.Fatalf("it ended at %s", time.Now())
				}
				time.Sleep(min(day, time.Until(due)))
			}
			h.wantLines(h.run(policy), "revoke grant of monalisa: done")
		})
	}
}

// Only what GitHub says that we wrote is a notice.
func TestIssuesOfOthersAreNoNotices(t *testing.T) {
	for name, change := range map[string]func(*fakegithub.Issue){
		"another author": func(i *fakegithub.Issue) { i.Author, i.App = "mallory", "" },
		"a pull request": func(i *fakegithub.Issue) { i.PullRequest = true },
	} {
		inHouse(t, name, func(t *testing.T, h *house) {
			h.grant("monalisa", old)
			policy := h.policy(endsWithNotice)
			h.run(policy)
			time.Sleep(20 * day)
			h.EditIssue("acme", "desk", 1, change)
			before := h.Issues("acme", "desk")[0]
			h.wantLines(h.run(policy), "revoke grant of monalisa: noticed until 2026-12-24 12:01")
			if after := h.Issues("acme", "desk")[0]; after.Body != before.Body || after.State != "open" {
				t.Error("the issue of somebody else was changed")
			}
		})
	}
	inHouse(t, "of a server that knows no filters", func(_ *testing.T, h *house) {
		h.SkipOpenAPI = true
		h.grant("monalisa", old)
		policy := h.policy(endsWithNotice)
		h.run(policy)
		time.Sleep(20 * day)
		h.EditIssue("acme", "desk", 1, func(i *fakegithub.Issue) { i.Author, i.App = "mallory", "" })
		report := h.run(policy, func(e *Engine) { e.Call = withoutFilters(e.Call) })
		h.wantLines(report, "revoke grant of monalisa: noticed until 2026-12-24 12:01")
	})
	inHouse(t, "the App's name is not known", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		report := h.run(h.policy(endsWithNotice), func(e *Engine) { e.Author = "" })
		h.wantLines(report, "revoke grant of monalisa: not-done, "+errUnknownNotice.Error())
		if len(report.Errors) != 1 {
			t.Errorf("%q", report.Errors)
		}
	})
}
