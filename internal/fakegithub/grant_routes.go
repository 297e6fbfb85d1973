package fakegithub

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bookkeeping is what the operations on requests and on grants differ in.
type bookkeeping struct {
	path       string // below the organization
	permission string
	since      string // the field with the time
	actions    []string
	ids        string // the field of a bulk call
	of         func(*organization) *accesses
	review     func(*Server, *organization, *programmaticAccess, decision)
}

var requestBook = bookkeeping{
	path: "personal-access-token-requests", permission: "organization_personal_access_token_requests",
	since: "created_at", actions: []string{"approve", "deny"}, ids: "pat_request_ids",
	of: func(o *organization) *accesses { return &o.requests }, review: reviewRequest,
}

var grantBook = bookkeeping{
	path: "personal-access-tokens", permission: "organization_personal_access_tokens",
	since: "access_granted_at", actions: []string{"revoke"}, ids: "pat_ids",
	of: func(o *organization) *accesses { return &o.grants }, review: revokeGrant,
}

func personalTokenRoutes() []route {
	var routes []route
	add := func(book bookkeeping, docs ...string) {
		base := "/orgs/{account}/" + book.path
		read, write := needs{book.permission: "read"}, needs{book.permission: "write"}
		routes = append(routes,
			route{method: "GET", pattern: base, needs: read, doc: docs[0], serve: ofOrganization(book.list)},
			route{method: "POST", pattern: base, needs: write, doc: docs[1], serve: ofOrganization(book.bulk)},
			route{method: "POST", pattern: base + "/{access}", needs: write, doc: docs[2], serve: ofOrganization(book.single)},
			route{
				method: "GET", pattern: base + "/{access}/repositories", needs: read,
				doc: docs[3], serve: ofOrganization(book.repositories),
			})
	}
	add(requestBook, "list-requests-to-access-organization-resources-with-fine-grained-personal-access-tokens",
		"review-requests-to-access-organization-resources-with-fine-grained-personal-access-tokens",
		"review-a-request-to-access-organization-resources-with-a-fine-grained-personal-access-token",
		"list-repositories-requested-to-be-accessed-by-a-fine-grained-personal-access-token")
	add(grantBook, "list-fine-grained-personal-access-tokens-with-access-to-organization-resources",
		"update-the-access-to-organization-resources-via-fine-grained-personal-access-tokens",
		"update-the-access-a-fine-grained-personal-access-token-has-to-organization-resources",
		"list-repositories-a-fine-grained-personal-access-token-has-access-to")
	return onPage("orgs/personal-access-tokens", installationToken, everyOrganization(routes...)...)
}

// list is GET .../personal-access-token-requests and .../personal-access-tokens.
func (book bookkeeping) list(c *call, o *organization) answer {
	wanted, refused := c.parseFilter(o)
	if refused != nil {
		return *refused
	}
	list := book.of(o).byAge
	switch {
	case wanted.tokens != nil:
		list = book.of(o).ofTokens(wanted.tokens)
		fallthrough
	case !wanted.everything():
		list = slices.DeleteFunc(slices.Clone(list), func(a *programmaticAccess) bool { return !wanted.matches(a) })
	}
	start, end, header := c.byNumber(o.account).pageBounds(len(list), 30, 100)
	bodies := make([]any, 0, end-start)
	for i := start; i < end; i++ {
		at := i
		if !wanted.ascending {
			at = len(list) - 1 - i
		}
		bodies = append(bodies, book.body(c, o, list[at]))
	}
	return answer{status: http.StatusOK, header: header, body: bodies}
}

// ofTokens returns those of some tokens, oldest first.
func (x *accesses) ofTokens(tokens []int64) []*programmaticAccess {
	var list []*programmaticAccess
	for _, id := range tokens {
		if a := x.byToken[id]; a != nil && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, orderSince)
	return list
}

// filter is what the query of a list asks for.
type filter struct {
	ascending        bool
	owners           []string
	tokens           []int64 // nil: any
	repository       int64   // 0: any
	byRepository     bool
	name, level      string // of a permission
	usedFrom, usedTo time.Time
}

// parseFilter reads the query.
func (c *call) parseFilter(o *organization) (wanted filter, refused *answer) {
	query := c.r.URL.Query()
	refused = cmp.Or(
		c.only(query, "page", "sort", "direction", "owner", "owner[]", "token_id", "token_id[]", "repository", "permission",
			"last_used_before", "last_used_after"),
		c.oneOf(query, "sort", "created_at"), c.oneOf(query, "direction", "asc", "desc"))
	if refused != nil {
		return wanted, refused
	}
	wanted.ascending = query.Get("direction") == "asc"
	if wanted.owners, refused = c.list(query, "owner", 10); refused != nil {
		return wanted, refused
	}
	if wanted.tokens, refused = c.tokenIDs(query); refused != nil {
		return wanted, refused
	}
	if name := query.Get("repository"); name != "" {
		wanted.byRepository = true
		if repo := c.repositoryNamed(o.account.Login, name); repo != nil {
			wanted.repository = repo.ID
		}
	}
	if text := query.Get("permission"); text != "" {
		cut := max(0, strings.LastIndex(text, "_"))
		wanted.name, wanted.level = text[:cut], strings.TrimPrefix(text[cut:], "_")
		if wanted.name == "" || levels[wanted.level] == 0 {
			return wanted, c.invalid(fmt.Sprintf("%q is not a permission.", text)) // unconfirmed
		}
	}
	if wanted.usedTo, refused = c.instant(query, "last_used_before"); refused == nil {
		wanted.usedFrom, refused = c.instant(query, "last_used_after")
	}
	return wanted, refused
}

func (c *call) tokenIDs(query url.Values) (tokens []int64, refused *answer) {
	texts, refused := c.list(query, "token_id", 50)
	for _, text := range texts {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, c.invalid(fmt.Sprintf("%q is not a token id.", text)) // unconfirmed
		}
		tokens = append(tokens, id)
	}
	return tokens, refused
}

// everything reports whether all match.
func (f filter) everything() bool {
	return len(f.owners) == 0 && !f.byRepository && f.name == "" && f.usedFrom.IsZero() && f.usedTo.IsZero()
}

// matches holds a token that was never used against neither bound, and counts a
// permission at exactly its level; both are unconfirmed.
func (f filter) matches(a *programmaticAccess) bool {
	used := a.token.lastUsedAt
	isOwner := func(login string) bool { return strings.EqualFold(login, a.token.owner.Login) }
	switch {
	case len(f.owners) > 0 && !slices.ContainsFunc(f.owners, isOwner):
		return false
	case f.byRepository && (f.repository == 0 || a.selection != "all" && !a.repositories.has(f.repository)):
		return false
	case !f.usedTo.IsZero() && (used.IsZero() || !used.Before(f.usedTo)):
		return false
	case !f.usedFrom.IsZero() && !used.After(f.usedFrom):
		return false
	case f.name == "":
		return true
	}
	for _, permissions := range a.permissions {
		if permissions[f.name] == f.level {
			return true
		}
	}
	return false
}

// body is an item of a list. Its times have fractions and an offset.
func (book bookkeeping) body(c *call, o *organization, a *programmaticAccess) map[string]any {
	families := map[string]any{"organization": map[string]string{}, "repository": map[string]string{}, "other": map[string]string{}}
	for family, permissions := range a.permissions {
		if permissions != nil {
			families[family] = permissions
		}
	}
	t := a.token
	body := map[string]any{
		"id": a.id, "owner": c.simpleUser(t.owner.Login), "permissions": families, "repository_selection": a.selection,
		"repositories_url": fmt.Sprintf("%s/organizations/%d/%s/%d/repositories", c.api, o.account.ID, book.path, a.id),
		book.since:         preciseTime(a.since), "token_id": t.id, "token_name": t.name,
		"token_expired":    !t.expiresAt.IsZero() && !c.now.Before(t.expiresAt),
		"token_expires_at": nullableTime(t.expiresAt, preciseTime), "token_last_used_at": nullableTime(t.lastUsedAt, preciseTime),
	}
	if book.since == "created_at" {
		body["reason"] = nil
		if a.reason != "" {
			body["reason"] = a.reason
		}
	}
	return body
}

// preciseTime formats a time as the lists of tokens do.
func preciseTime(t time.Time) string {
	return t.In(time.FixedZone("", -7*60*60)).Format("2006-01-02T15:04:05.000-07:00")
}

// nullableTime formats a time that may be missing.
func nullableTime(t time.Time, format func(time.Time) string) any {
	if t.IsZero() {
		return nil
	}
	return format(t)
}

// inPath returns the request or grant that the path names.
func (book bookkeeping) inPath(c *call, o *organization) *programmaticAccess {
	id, err := strconv.ParseInt(c.params["access"], 10, 64)
	if err != nil {
		return nil
	}
	return book.of(o).byID[id]
}

// repositories is GET .../{id}/repositories. Only a subset has any; that the
// list of the others is empty is unconfirmed.
func (book bookkeeping) repositories(c *call, o *organization) answer {
	a := book.inPath(c, o)
	if a == nil {
		return c.notFound()
	}
	list, header := page(c.byNumber(o.account), c.existing(a.repositories))
	return answer{status: http.StatusOK, header: header, body: c.repositoryBodies(list)}
}
