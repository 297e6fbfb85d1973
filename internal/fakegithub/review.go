package fakegithub

import (
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"
)

// maxReviewReason is in characters, and maxReviews in ids of one bulk call
// (https://docs.github.com/en/rest/orgs/personal-access-tokens).
const (
	maxReviewReason = 1024
	maxReviews      = 100
)

// Review is what became of a request or a grant.
type Review struct {
	Kind    string // "request" or "grant"
	ID      int64  // of the request or grant
	TokenID int64
	Action  string // "approve", "deny" or "revoke"
	Reason  string
	By      string // login: the bot of an App, or a person
	Bulk    bool
	Time    time.Time
}

// decision is what a review says.
type decision struct {
	action, reason, by string
	bulk               bool
}

// Reviews returns all reviews of an organization, in order.
func (s *Server) Reviews(org string) []Review {
	defer s.lock()()
	return slices.Clone(s.organization(org).reviews)
}

// ReviewRequest approves or denies a request as a person would on the page, and
// reports whether it still waited.
func (s *Server) ReviewRequest(org string, request int64, action, reason, by string) bool {
	defer s.lock()()
	o := s.organization(org)
	a := o.requests.byID[request]
	if a == nil {
		return false
	}
	reviewRequest(s, o, a, decision{action: action, reason: reason, by: s.user(by).Login})
	return true
}

// RevokeGrant ends a grant likewise.
func (s *Server) RevokeGrant(org string, grant int64, by string) bool {
	defer s.lock()()
	o := s.organization(org)
	a := o.grants.byID[grant]
	if a == nil {
		return false
	}
	revokeGrant(s, o, a, decision{action: "revoke", by: s.user(by).Login})
	return true
}

// single is POST .../personal-access-token-requests/{id} and
// .../personal-access-tokens/{id}.
func (book bookkeeping) single(c *call, o *organization) answer {
	d, _, refused := book.decision(c, false)
	if refused != nil {
		return *refused
	}
	a := book.inPath(c, o)
	if a == nil {
		return c.notFound()
	}
	book.review(c.Server, o, a, d)
	return noContent()
}

// bulk is POST .../personal-access-token-requests and .../personal-access-tokens.
// The answer says nothing about the ids: some may be unknown, or never change
// (unconfirmed).
func (book bookkeeping) bulk(c *call, o *organization) answer {
	d, ids, refused := book.decision(c, true)
	if refused != nil {
		return *refused
	}
	c.enqueue(func() {
		for _, id := range ids {
			if a := book.of(o).byID[id]; a != nil && !c.queue.never[id] {
				book.review(c.Server, o, a, d)
			}
		}
	})
	return answer{status: http.StatusAccepted, body: map[string]any{}}
}

// decision reads the body. That the ids of requests are needed is unconfirmed:
// the schema does not say so.
func (book bookkeeping) decision(c *call, bulk bool) (d decision, ids []int64, refused *answer) {
	required := []string{"action"}
	if bulk {
		required = append(required, book.ids)
	}
	fields, refused := c.fields(required...)
	if refused != nil {
		return d, nil, refused
	}
	if refused = decode(c, fields, "action", "a string", &d.action); refused == nil && !slices.Contains(book.actions, d.action) {
		refused = c.invalid(fmt.Sprintf("%q is not a member of %q.", d.action, book.actions))
	}
	if refused == nil && string(fields["reason"]) != "null" && book.since == "created_at" {
		refused = decode(c, fields, "reason", "a string", &d.reason)
	}
	if n := utf8.RuneCountInString(d.reason); refused == nil && n > maxReviewReason {
		refused = c.invalid(fmt.Sprintf("Only %d characters are allowed; %d were supplied.", maxReviewReason, n))
	}
	if refused == nil && bulk {
		refused = decode(c, fields, book.ids, "an array of integers", &ids)
	}
	if refused == nil && bulk && (len(ids) < 1 || len(ids) > maxReviews) {
		refused = c.invalid(fmt.Sprintf("Between 1 and %d items are allowed; %d were supplied.", maxReviews, len(ids)))
	}
	d.by, d.bulk = c.bot(), bulk
	return d, ids, refused
}

// bot returns the login that the caller's App acts as.
func (c *call) bot() string { return c.apps[c.token.installation.AppID].Slug + "[bot]" }

// reviewRequest approves or denies.
func reviewRequest(s *Server, o *organization, a *programmaticAccess, d decision) {
	now := s.now()
	o.requests.remove(a)
	if d.action == "approve" {
		s.grant(o, a, now)
	}
	o.reviews = append(o.reviews, Review{"request", a.id, a.token.id, d.action, d.reason, d.by, d.bulk, now})
}

// revokeGrant takes the organization off the token, which lives on: its owner
// may ask again.
func revokeGrant(s *Server, o *organization, a *programmaticAccess, d decision) {
	o.grants.remove(a)
	o.reviews = append(o.reviews, Review{"grant", a.id, a.token.id, d.action, "", d.by, d.bulk, s.now()})
}
