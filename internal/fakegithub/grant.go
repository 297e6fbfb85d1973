package fakegithub

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// FineGrainedToken is a fine-grained personal access token with the access to
// an organization that it asks for or has.
type FineGrainedToken struct {
	ID           int64                        // of the token, the same in all lists; assigned when zero
	Name         string                       // made up when empty
	Owner        string                       // login; asking makes the person a member, as only members can ask
	Permissions  map[string]map[string]string // family ("organization", "repository" or "other") → name → level
	Selection    string                       // "none", "all" or "subset"; empty means subset with Repositories and none without
	Repositories []string                     // names, without owner, of a subset
	Reason       string                       // of a request
	ExpiresAt    time.Time                    // zero: never
	LastUsedAt   time.Time                    // zero: never
	Value        string                       // with it, GET /user uses the token and POST /credentials/revoke ends it; may be empty
	Since        time.Time                    // when it was requested or granted; zero: now
}

// fineGrained is the token itself, which a request and a grant share.
type fineGrained struct {
	id                    int64
	name, value           string
	owner                 *Account
	expiresAt, lastUsedAt time.Time
	ended                 bool
}

// programmaticAccess is a request or a grant.
type programmaticAccess struct {
	id           int64
	token        *fineGrained
	permissions  map[string]map[string]string // by family: organization, repository, other
	selection    string
	repositories ids
	reason       string
	since        time.Time
}

// accesses are the requests or the grants of an organization.
type accesses struct {
	byAge   []*programmaticAccess // oldest first
	byID    map[int64]*programmaticAccess
	byToken map[int64]*programmaticAccess
}

func orderSince(a, b *programmaticAccess) int {
	return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.id, b.id))
}

func (x *accesses) add(a *programmaticAccess) {
	if x.byID == nil {
		x.byID, x.byToken = map[int64]*programmaticAccess{}, map[int64]*programmaticAccess{}
	}
	x.byID[a.id], x.byToken[a.token.id] = a, a
	i, _ := slices.BinarySearchFunc(x.byAge, a, orderSince)
	x.byAge = slices.Insert(x.byAge, i, a)
}

func (x *accesses) remove(a *programmaticAccess) {
	if a == nil || x.byID[a.id] != a {
		return
	}
	delete(x.byID, a.id)
	delete(x.byToken, a.token.id)
	i, _ := slices.BinarySearchFunc(x.byAge, a, orderSince)
	x.byAge = slices.Delete(x.byAge, i, i+1)
}

// RequestAccess makes a person ask for access with a token and returns the id of
// the request. A request of the same token that still waits is replaced. It
// returns 0 when no approval is needed: for owners of the organization, and
// where SetApproval switched it off. The access is granted at once then.
func (s *Server) RequestAccess(org string, t FineGrainedToken) (request int64) {
	defer s.lock()()
	o := s.organization(org)
	a := s.access(o, t)
	if !o.approval || o.members.get(a.token.owner).role == "admin" {
		s.grant(o, a, a.since)
		return 0
	}
	o.requests.remove(o.requests.byToken[a.token.id])
	o.requests.add(a)
	return a.id
}

// GrantAccess gives a token access without a request, as if it had been approved
// before, and returns the id of the grant.
func (s *Server) GrantAccess(org string, t FineGrainedToken) (grant int64) {
	defer s.lock()()
	o := s.organization(org)
	a := s.access(o, t)
	return s.grant(o, a, a.since)
}

// SetApproval says whether the organization has to approve tokens. At first it
// has to.
func (s *Server) SetApproval(org string, needed bool) {
	defer s.lock()()
	s.organization(org).approval = needed
}

// AccessRequests returns the requests that wait, by id.
func (s *Server) AccessRequests(org string) map[int64]FineGrainedToken {
	defer s.lock()()
	return s.asTokens(s.organization(org).requests)
}

// Grants returns the grants, by id.
func (s *Server) Grants(org string) map[int64]FineGrainedToken {
	defer s.lock()()
	return s.asTokens(s.organization(org).grants)
}

func (s *Server) asTokens(x accesses) map[int64]FineGrainedToken {
	tokens := map[int64]FineGrainedToken{}
	for id, a := range x.byID {
		tokens[id] = s.asToken(a)
	}
	return tokens
}

// access makes a request or grant of what a test gives.
func (s *Server) access(o *organization, t FineGrainedToken) *programmaticAccess {
	owner := s.user(t.Owner)
	s.addMember(o, owner)
	token := s.fineGrained[t.ID]
	switch {
	case token == nil:
		token = s.newFineGrained(owner, t)
	case token.owner != owner || token.ended:
		panic(fmt.Sprintf("fakegithub: token %d is not %s's any more, or never was", t.ID, t.Owner))
	}
	a := &programmaticAccess{id: s.newID(), token: token, since: t.Since}
	if a.since.IsZero() {
		a.since = s.now()
	}
	s.set(o, a, t)
	return a
}

func (s *Server) newFineGrained(owner *Account, t FineGrainedToken) *fineGrained {
	token := &fineGrained{id: t.ID, owner: owner, value: t.Value}
	if token.id == 0 {
		token.id = s.newID()
	}
	s.fineGrained[token.id] = token
	if t.Value != "" {
		s.personal[t.Value] = &personal{PersonalToken: PersonalToken{Value: t.Value, Login: owner.Login}, fineGrained: token}
	}
	return token
}

func (s *Server) asToken(a *programmaticAccess) FineGrainedToken {
	t := FineGrainedToken{
		ID: a.token.id, Name: a.token.name, Owner: a.token.owner.Login, Permissions: cloneFamilies(a.permissions),
		Selection: a.selection, Reason: a.reason, ExpiresAt: a.token.expiresAt, LastUsedAt: a.token.lastUsedAt,
		Value: a.token.value, Since: a.since,
	}
	for _, repo := range s.existing(a.repositories) {
		t.Repositories = append(t.Repositories, repo.Name)
	}
	return t
}

func cloneFamilies(families map[string]map[string]string) map[string]map[string]string {
	clone := map[string]map[string]string{}
	for family, permissions := range families {
		if !slices.Contains([]string{"organization", "repository", "other"}, family) {
			panic("fakegithub: permissions have no family " + family)
		}
		clone[family] = maps.Clone(permissions)
	}
	return clone
}

// grant turns an access into a grant. One that the token has already gets the
// new permissions and repositories, and keeps its id (unconfirmed).
func (s *Server) grant(o *organization, a *programmaticAccess, at time.Time) (id int64) {
	granted := *a
	granted.id, granted.reason, granted.since = s.newID(), "", at
	if old := o.grants.byToken[a.token.id]; old != nil {
		granted.id = old.id
		o.grants.remove(old)
	}
	o.grants.add(&granted)
	return granted.id
}

func mustAccess(x accesses, id int64) *programmaticAccess {
	if x.byID[id] == nil {
		panic(fmt.Sprintf("fakegithub: no request or grant %d", id))
	}
	return x.byID[id]
}
