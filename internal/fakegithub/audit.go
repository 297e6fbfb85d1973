package fakegithub

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// event is an entry of the audit log.
type event struct {
	id     int64
	at     time.Time
	action string
	fields map[string]any
}

func orderEvent(a, b event) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) }

// SetAuditLog says whether the plan of an organization has an audit log that can
// be read. At first only those of an Enterprise Server have.
func (s *Server) SetAuditLog(org string, on bool) {
	defer s.lock()()
	s.organization(org).auditable = on
}

// AddAuditEvent adds an event. The fields are as GitHub answers them, `action`
// among them; those that every event has are filled in, and `@timestamp` is now
// unless it is given, in milliseconds.
func (s *Server) AddAuditEvent(org string, fields map[string]any) {
	defer s.lock()()
	o := s.organization(org)
	e := event{id: s.newID(), at: s.now(), fields: maps.Clone(fields)}
	if at, given := fields["@timestamp"].(int64); given {
		e.at = time.UnixMilli(at)
	}
	e.action, _ = fields["action"].(string)
	e.fields["@timestamp"], e.fields["created_at"] = e.at.UnixMilli(), e.at.UnixMilli()
	e.fields["org"], e.fields["org_id"], e.fields["_document_id"] = o.account.Login, o.account.ID, cursorOf(e.id)
	i, _ := slices.BinarySearchFunc(o.events, e, orderEvent)
	o.events = slices.Insert(o.events, i, e)
}

func auditLogRoutes() []route {
	return onPage("orgs/orgs", installationToken, everyOrganization(route{
		method: "GET", pattern: "/orgs/{account}/audit-log", needs: needs{"organization_administration": "read"},
		doc: "get-the-audit-log-for-an-organization", serve: ofOrganization(listAuditLog),
	})...)
}

// listAuditLog is GET /orgs/{org}/audit-log, newest first. It has cursors and no
// page numbers. GitHub limits it to 1,750 queries an hour; here nothing does.
func listAuditLog(c *call, o *organization) answer {
	query := c.r.URL.Query()
	refused := cmp.Or(c.only(query, "phrase", "include", "after", "before", "order"),
		c.oneOf(query, "order", "asc", "desc"), c.oneOf(query, "include", "web", "git", "all"))
	switch {
	case !o.auditable:
		return c.notFound()
	case refused != nil:
		return *refused
	}
	matches, refused := c.parsePhrase(query.Get("phrase"))
	if refused != nil {
		return *refused
	}
	include := cmp.Or(query.Get("include"), "web")
	var list []event
	for _, e := range slices.Backward(o.events) {
		if isGit := strings.HasPrefix(e.action, "git."); (include == "all" || isGit == (include == "git")) && matches(e) {
			list = append(list, e)
		}
	}
	if query.Get("order") == "asc" {
		slices.Reverse(list)
	}
	items, header := pageByCursor(c.byNumber(o.account), query, list, func(e event) int64 { return e.id })
	bodies := make([]any, 0, len(items))
	for _, e := range items {
		bodies = append(bodies, e.fields)
	}
	return answer{status: http.StatusOK, header: header, body: bodies}
}

// parsePhrase reads a search phrase: terms of field:value that must all match,
// each with a minus to exclude. A value of `action` is an action or a group of
// them, such as team. Without `created` the last three months are searched.
// Words without a field are refused: nothing here needs them.
func (c *call) parsePhrase(phrase string) (matches func(event) bool, refused *answer) {
	terms := []func(event) bool{}
	since := c.now.AddDate(0, -3, 0)
	for _, word := range strings.Fields(phrase) {
		text, exclude := strings.CutPrefix(word, "-")
		field, value, found := strings.Cut(text, ":")
		matches := matchField(field, strings.Trim(value, `"`))
		if field == "created" {
			since = time.Time{}
			matches, found = matchCreated(value)
		}
		if !found {
			return nil, c.unprocessable(fmt.Sprintf("This fake of GitHub does not know %q in the phrase for an audit log.", word))
		}
		terms = append(terms, func(e event) bool { return matches(e) != exclude })
	}
	return func(e event) bool {
		return !e.at.Before(since) && !slices.ContainsFunc(terms, func(matches func(event) bool) bool { return !matches(e) })
	}, nil
}

func matchField(field, value string) func(event) bool {
	if field == "action" {
		return func(e event) bool { return e.action == value || strings.HasPrefix(e.action, value+".") }
	}
	return func(e event) bool {
		got, known := e.fields[field]
		return known && strings.EqualFold(fmt.Sprint(got), value)
	}
}

// matchCreated reads a bound of `created`, such as >=2026-09-01. The day is that
// of UTC.
func matchCreated(bound string) (matches func(event) bool, known bool) {
	for _, operator := range []string{">=", "<=", ">", "<"} {
		text, found := strings.CutPrefix(bound, operator)
		if !found {
			continue
		}
		day, err := time.Parse(time.DateOnly, text)
		next := day.AddDate(0, 0, 1)
		return func(e event) bool {
			switch operator {
			case ">=":
				return !e.at.Before(day)
			case "<=":
				return e.at.Before(next)
			case ">":
				return !e.at.Before(next)
			}
			return e.at.Before(day)
		}, err == nil
	}
	return nil, false
}
