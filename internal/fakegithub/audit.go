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
	id     int64 // in order of time
	fields map[string]any
}

func (e event) at() int64 { at, _ := e.fields["@timestamp"].(int64); return at }

// SetAuditLog says whether the plan of an organization has an audit log that can
// be read. At first only those of an Enterprise Server have.
func (s *Server) SetAuditLog(org string, on bool) {
	defer s.lock()()
	s.organization(org).auditable = on
}

// AddAuditEvent adds an event at a time; zero is now. The fields are as GitHub
// answers them; those that every event has are filled in.
func (s *Server) AddAuditEvent(org string, at time.Time, fields map[string]any) {
	defer s.lock()()
	o := s.organization(org)
	if at.IsZero() {
		at = s.now()
	}
	e := event{s.newID(), maps.Clone(fields)}
	e.fields["@timestamp"], e.fields["created_at"] = at.UnixMilli(), at.UnixMilli()
	e.fields["org"], e.fields["org_id"], e.fields["_document_id"] = o.account.Login, o.account.ID, cursorOf(e.id)
	i, _ := slices.BinarySearchFunc(o.events, e, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at(), b.at()), cmp.Compare(a.id, b.id))
	})
	o.events = slices.Insert(o.events, i, e)
}

func auditLogRoutes() []route {
	return onPage("orgs/orgs", installationToken, everyOrganization(route{
		method: "GET", pattern: "/orgs/{account}/audit-log", needs: needs{"organization_administration": "read"},
		doc: "get-the-audit-log-for-an-organization", serve: ofOrganization(listAuditLog),
	})...)
}

// listAuditLog is GET /orgs/{org}/audit-log. It has cursors and no page numbers.
func listAuditLog(c *call, o *organization) answer {
	query := c.r.URL.Query()
	if !o.auditable {
		return c.notFound()
	}
	if refused := cmp.Or(c.oneOf(query, "order", "asc", "desc"), c.oneOf(query, "include", "web", "git", "all")); refused != nil {
		return *refused
	}
	matches, refused := c.parsePhrase(query.Get("phrase"))
	if refused != nil {
		return *refused
	}
	include := cmp.Or(query.Get("include"), "web")
	list := slices.Clone(o.events)
	if query.Get("order") != "asc" {
		slices.Reverse(list)
	}
	list = slices.DeleteFunc(list, func(e event) bool {
		isGit := strings.HasPrefix(fmt.Sprint(e.fields["action"]), "git.")
		return include != "all" && isGit != (include == "git") || !matches(e)
	})
	items, header := pageByCursor(c.byNumber(o.account), query, list, func(e event) int64 { return e.id })
	bodies := make([]any, 0, len(items))
	for _, e := range items {
		bodies = append(bodies, e.fields)
	}
	return answer{status: http.StatusOK, header: header, body: bodies}
}

// parsePhrase reads a search phrase: terms of field:value, each with a minus to
// exclude, that must all match. A value of `action` is one action or a group of
// them. A range of `created` and words without a field are refused here, as
// nothing needs them.
func (c *call) parsePhrase(phrase string) (matches func(event) bool, refused *answer) {
	type term struct {
		field, value string
		exclude      bool
	}
	var terms []term
	for _, word := range strings.Fields(phrase) {
		text, exclude := strings.CutPrefix(word, "-")
		field, value, found := strings.Cut(text, ":")
		if !found || field == "created" {
			return nil, c.unprocessable(fmt.Sprintf("The fake of the audit log does not know %q.", word))
		}
		terms = append(terms, term{field, strings.Trim(value, `"`), exclude})
	}
	return func(e event) bool {
		for _, t := range terms {
			got := fmt.Sprint(e.fields[t.field])
			hit := e.fields[t.field] != nil && strings.EqualFold(got, t.value)
			if t.field == "action" {
				hit = hit || strings.HasPrefix(got, t.value+".")
			}
			if hit == t.exclude {
				return false
			}
		}
		return true
	}, nil
}
