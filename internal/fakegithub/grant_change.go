package fakegithub

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// UseToken makes a token used now.
func (s *Server) UseToken(tokenID int64) {
	defer s.lock()()
	s.mustFineGrained(tokenID).lastUsedAt = s.now()
}

// ExtendToken gives a token another end, as its owner may at any time; zero is
// none.
func (s *Server) ExtendToken(tokenID int64, expiresAt time.Time) {
	defer s.lock()()
	s.extend(s.mustFineGrained(tokenID), expiresAt)
}

// CancelRequest withdraws a request, as the person who made it may.
func (s *Server) CancelRequest(org string, request int64) {
	defer s.lock()()
	o := s.organization(org)
	o.requests.remove(mustAccess(o.requests, request))
}

// ChangeRequest changes a request that waits, while its id stays: what somebody
// judged is then another thing. change gets a copy. It may change all but the
// id, the owner, the value and the time of the request.
func (s *Server) ChangeRequest(org string, request int64, change func(*FineGrainedToken)) {
	defer s.lock()()
	o := s.organization(org)
	s.change(o, mustAccess(o.requests, request), change)
}

// ChangeGrant does the same to a grant.
func (s *Server) ChangeGrant(org string, grant int64, change func(*FineGrainedToken)) {
	defer s.lock()()
	o := s.organization(org)
	s.change(o, mustAccess(o.grants, grant), change)
}

// DeleteToken ends a token everywhere, as its owner may at any time.
func (s *Server) DeleteToken(tokenID int64) {
	defer s.lock()()
	t := s.mustFineGrained(tokenID)
	s.endFineGrained(t)
	if p := s.personal[t.value]; p != nil {
		p.revoked = true
	}
}

// set copies what may change. A token that was used once stays so.
func (s *Server) set(o *organization, a *programmaticAccess, t FineGrainedToken) {
	a.token.name = cmp.Or(t.Name, a.token.name, "token of "+a.token.owner.Login)
	if !t.LastUsedAt.IsZero() {
		a.token.lastUsedAt = t.LastUsedAt
	}
	s.extend(a.token, t.ExpiresAt)
	a.permissions, a.reason, a.repositories = cloneFamilies(t.Permissions), t.Reason, nil
	for _, name := range t.Repositories {
		a.repositories = a.repositories.with(s.mustRepository(o.account.Login, name).ID)
	}
	switch a.selection = t.Selection; {
	case a.selection != "" && a.selection != "subset" && len(t.Repositories) > 0:
		panic("fakegithub: only a subset has Repositories")
	case a.selection == "" && len(t.Repositories) > 0:
		a.selection = "subset"
	case a.selection == "":
		a.selection = "none"
	case !slices.Contains([]string{"none", "all", "subset"}, a.selection):
		panic("fakegithub: no selection " + a.selection)
	}
}

func (s *Server) extend(t *fineGrained, expiresAt time.Time) {
	t.expiresAt = expiresAt
	if p := s.personal[t.value]; p != nil {
		p.ExpiresAt = expiresAt
	}
}

func (s *Server) change(o *organization, a *programmaticAccess, change func(*FineGrainedToken)) {
	t := s.asToken(a)
	change(&t)
	s.set(o, a, t)
}

// endFineGrained takes a token that is over out of every list.
func (s *Server) endFineGrained(t *fineGrained) {
	t.ended = true
	for _, o := range s.organizations {
		o.requests.remove(o.requests.byToken[t.id])
		o.grants.remove(o.grants.byToken[t.id])
	}
}

func (s *Server) mustFineGrained(id int64) *fineGrained {
	if s.fineGrained[id] == nil {
		panic(fmt.Sprintf("fakegithub: no fine-grained token %d", id))
	}
	return s.fineGrained[id]
}
