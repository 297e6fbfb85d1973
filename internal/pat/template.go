package pat

import (
	"strings"
	"unicode/utf8"

	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/wording"
)

// maxReason is how many characters of a reason GitHub takes.
const maxReason = 1024

const repositoriesPlaceholder = "{repositories}"

// canWord reports whether a template can be rendered. It cannot as long as it
// names the repositories of a token and they can still be found out.
func (q *question) canWord(template string) bool {
	if q.Selection == selectedSubset && strings.Contains(template, repositoriesPlaceholder) {
		_, _ = q.opened()
	}
	return len(q.missing) == 0
}

// render returns what the owner is told by a rule: one line of plain text, and
// no more than GitHub takes. Long lists give way to their length before a word
// of the policy does.
func (q *question) render(r *rule) string {
	if r.reason == "" {
		return ""
	}
	permissions, repositories := q.opens()
	text := q.fill(r, wording.Names(permissions), wording.Names(repositories))
	if utf8.RuneCountInString(text) > maxReason {
		text = q.fill(r, count(permissions, "permissions"), count(repositories, "repositories"))
	}
	return cut(text, maxReason)
}

func (q *question) fill(r *rule, permissions, repositories string) string {
	expires := "never"
	if !q.Expires.IsZero() {
		expires = date(q.Expires)
	}
	return redact.OneLine(strings.NewReplacer(
		"{owner}", shown(q.Owner), "{token}", free(q.Name), "{permissions}", permissions,
		repositoriesPlaceholder, repositories, "{expires}", expires, "{rule}", r.name,
	).Replace(r.reason))
}

// opens returns what a token may do and where, for a reader.
func (q *question) opens() (permissions, repositories []string) {
	permissions = texts(q.Permissions.list())
	if len(permissions) == 0 {
		permissions = []string{"no permissions"}
	}
	opened, why := q.opened()
	switch {
	case q.Selection == selectedAll:
		return permissions, []string{"all repositories"}
	case q.Selection == selectedNone:
		return permissions, []string{"no repositories"}
	case why != "", len(opened) == 0:
		return permissions, []string{"some repositories"}
	}
	return permissions, shownAll(opened)
}

func count(list []string, of string) string {
	if len(list) == 1 {
		return list[0]
	}
	return wording.Number(len(list)) + " " + of
}
