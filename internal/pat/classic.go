package pat

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/wording"
)

// ClassicUser is a person who works with classic tokens, and would be stopped
// if their organization forbade them.
type ClassicUser struct {
	Organization string         `json:"organization"`
	Owner        string         `json:"owner"`
	Tokens       int            `json:"tokens"`           // that are authorized for single sign-on
	Scopes       []string       `json:"scopes,omitempty"` // of all of them
	LastUsed     time.Time      `json:"last_used,omitzero"`
	Events       int            `json:"events"`            // in the audit log
	Actions      map[string]int `json:"actions,omitempty"` // what the events are
}

// ClassicReport is who would be stopped, by organization and by how much they
// do.
type ClassicReport struct {
	Users  []ClassicUser
	Notes  []string // what could not be seen, and why
	Errors []error
}

const (
	// auditDays is how far back the report looks, which is what the search of
	// the audit log goes back to by default.
	auditDays = 90

	// maxAuditPages bounds what is read of an audit log, which GitHub answers
	// 1,750 times in an hour.
	maxAuditPages = 200

	// classicType is what the audit log calls a classic token.
	classicType = "Personal access token (classic)"

	noAudit = "GitHub shows no audit log there, which takes Enterprise Cloud or an Enterprise Server; what tokens do can't be seen"
)

// ClassicNeeds returns the permissions that [Engine.Classic] needs.
func ClassicNeeds(policy *manifest.PATs) []Need {
	var needs []Need
	for _, o := range policy.Organizations {
		needs = append(needs, Need{o, "", "organization_administration", "read"})
	}
	return needs
}

// Classic reports who would be stopped if classic tokens were forbidden: what
// is authorized for single sign-on, beside what the audit log says was done
// with such a token. It changes nothing.
func (e *Engine) Classic(ctx context.Context) ClassicReport {
	r := &run{Engine: e}
	var report ClassicReport
	for _, name := range e.Policy.Organizations {
		users := classicUsers{organization: name, byLogin: map[string]*ClassicUser{}}
		tokens, answer, err := r.list(ctx, name, Authorization, nil)
		switch {
		case err != nil && answer.Status == http.StatusNotFound:
			r.lacks(noSSO, name)
		case err != nil:
			report.Errors = append(report.Errors, err)
		}
		for i := range tokens {
			users.addToken(&tokens[i])
		}
		if err := r.readAudit(ctx, name, &users); err != nil {
			report.Errors = append(report.Errors, err)
		}
		report.Users = append(report.Users, users.sorted()...)
	}
	report.Notes = r.notes
	for _, what := range slices.Sorted(maps.Keys(r.lacking)) {
		report.Notes = append(report.Notes, wording.Names(r.lacking[what])+": "+what)
	}
	return report
}

// classicUsers collects what is known about the people of one organization.
type classicUsers struct {
	organization string
	byLogin      map[string]*ClassicUser
}

func (u *classicUsers) of(login string) *ClassicUser {
	key := strings.ToLower(login)
	if u.byLogin[key] == nil {
		u.byLogin[key] = &ClassicUser{Organization: u.organization, Owner: shown(login), Actions: map[string]int{}}
	}
	return u.byLogin[key]
}

func (u *classicUsers) addToken(t *Token) {
	if kindOf(t.Credential) != classic {
		return
	}
	user := u.of(t.Owner)
	user.Tokens++
	user.LastUsed = latest(user.LastUsed, t.LastUsed)
	for _, scope := range shownAll(t.Scopes) {
		if !slices.Contains(user.Scopes, scope) {
			user.Scopes = append(user.Scopes, scope)
		}
	}
}

func (u *classicUsers) addEvent(event *auditEvent) {
	if event.Type != classicType || event.Actor == "" {
		return
	}
	user := u.of(event.Actor)
	user.Events++
	user.Actions[shown(event.Action)]++
	user.LastUsed = latest(user.LastUsed, time.UnixMilli(event.Timestamp).UTC())
}

// sorted returns the people, those who do most first.
func (u *classicUsers) sorted() []ClassicUser {
	var all []ClassicUser
	for _, login := range slices.Sorted(maps.Keys(u.byLogin)) {
		all = append(all, *u.byLogin[login])
	}
	slices.SortStableFunc(all, func(a, b ClassicUser) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(b.Tokens, a.Tokens))
	})
	return all
}

// auditEvent is the part of an event that the report uses.
// GitHub describes them under "identifying audit log events performed by an
// access token".
type auditEvent struct {
	Action    string `json:"action,omitempty"`
	Actor     string `json:"actor,omitempty"`
	Timestamp int64  `json:"@timestamp,omitzero"` // milliseconds
	Type      string `json:"programmatic_access_type,omitempty"`
}

// readAudit adds what the audit log says about classic tokens, the latest
// first. A log grows while it is read, so its pages are read once, and what is
// beyond the bound is said. Whether the search knows the kind of a token is
// documented nowhere, and a search that finds nothing would pass for nobody who
// uses one, so each event is looked at here.
func (r *run) readAudit(ctx context.Context, organization string, users *classicUsers) error {
	since := r.Now().AddDate(0, 0, -auditDays).UTC().Format(time.DateOnly)
	query := url.Values{
		"phrase": {"created:>=" + since}, "include": {"all"}, "order": {"desc"}, "per_page": {"100"},
	}
	req := apicall.Request{
		Owner: organization, Permission: "organization_administration", Level: "read", Method: http.MethodGet,
		Op:   "read the audit log of " + organization,
		Path: "orgs/" + url.PathEscape(organization) + "/audit-log?" + query.Encode(),
	}
	oldest := r.Now()
	for range maxAuditPages {
		var page []json.RawMessage
		req.Result = &page
		answer, err := r.Call(ctx, req)
		if err != nil {
			if answer.Status == http.StatusNotFound {
				r.lacks(noAudit, organization)
				return nil
			}
			return err
		}
		for _, raw := range page {
			var event auditEvent
			if err := apicall.Decode(raw, &event); err != nil {
				return fmt.Errorf("%s: %w", req.Op, err)
			}
			users.addEvent(&event)
			oldest = time.UnixMilli(event.Timestamp)
		}
		if answer.Next == "" {
			return nil
		}
		req.Path = answer.Next
	}
	r.notes = append(r.notes, fmt.Sprintf("%s: only the latest %s events of the audit log were read, back to %s", organization,
		wording.Number(maxAuditPages*100), oldest.UTC().Format(time.DateOnly)))
	return nil
}
