package fakegithub

import "slices"

// person is somebody's place in an organization or team.
type person struct {
	account *Account
	role    string // admin or member in an organization, maintainer or member in a team
	pending bool   // invited, and has not accepted
}

// people are persons by id of their account, and so in order of creation.
type people struct {
	ids  ids
	byID map[int64]*person
}

func (p *people) get(account *Account) *person {
	if account == nil {
		return nil
	}
	return p.byID[account.ID]
}

func (p *people) put(one *person) {
	if p.byID == nil {
		p.byID = map[int64]*person{}
	}
	id := one.account.ID
	if i, found := slices.BinarySearch(p.ids, id); !found {
		p.ids = slices.Insert(p.ids, i, id)
	}
	p.byID[id] = one
}

func (p *people) remove(account *Account) {
	delete(p.byID, account.ID)
	p.ids = p.ids.without(account.ID)
}

// active returns those that have accepted and whom want selects.
func (p *people) active(want func(*person) bool) []*person {
	list := []*person{}
	for _, id := range p.ids {
		if one := p.byID[id]; !one.pending && want(one) {
			list = append(list, one)
		}
	}
	return list
}

// team is a team of an organization, found by its slug.
type team struct {
	id     int64
	people people
}

// AddMember makes a person, added when unknown, a member of an organization. An
// owner stays one.
func (s *Server) AddMember(org, login string) {
	defer s.lock()()
	s.addMember(s.organization(org), s.user(login))
}

func (s *Server) addMember(o *organization, account *Account) {
	o.outside.remove(account)
	if one := o.members.get(account); one != nil {
		one.pending = false
		return
	}
	o.members.put(&person{account: account, role: "member"})
}

// SetOwner makes a person an owner of an organization. Owners need no approval
// for their own tokens.
func (s *Server) SetOwner(org, login string) {
	defer s.lock()()
	o, account := s.organization(org), s.user(login)
	o.outside.remove(account)
	o.members.put(&person{account: account, role: "admin"})
}

// Invite makes a person a member who has not accepted yet.
func (s *Server) Invite(org, login string) {
	defer s.lock()()
	s.organization(org).members.put(&person{account: s.user(login), role: "member", pending: true})
}

// RemoveMember takes a person out of an organization and its teams. Grants of
// the person's tokens stay in the list (unconfirmed).
func (s *Server) RemoveMember(org, login string) {
	defer s.lock()()
	o, account := s.organization(org), s.user(login)
	o.members.remove(account)
	for _, t := range o.teams.items {
		t.people.remove(account)
	}
}

// AddOutsideCollaborator gives a person access to repositories of an
// organization without a membership.
func (s *Server) AddOutsideCollaborator(org, login string) {
	defer s.lock()()
	o, account := s.organization(org), s.user(login)
	o.members.remove(account)
	o.outside.put(&person{account: account})
}

// AddTeam adds members of a team, which they make members of the organization,
// and the team when it is missing.
func (s *Server) AddTeam(org, slug string, logins ...string) {
	defer s.lock()()
	mustBeName(slug)
	o := s.organization(org)
	t, known := o.teams.get(slug)
	if !known {
		t = &team{id: s.newID()}
		o.teams.put(slug, t)
	}
	for _, login := range logins {
		account := s.user(login)
		s.addMember(o, account)
		t.people.put(&person{account: account, role: "member"})
	}
}

// RemoveFromTeam takes a person out of a team.
func (s *Server) RemoveFromTeam(org, slug, login string) {
	defer s.lock()()
	if t, known := s.organization(org).teams.get(slug); known {
		t.people.remove(s.user(login))
	}
}

// RemoveTeam deletes a team. Its members stay in the organization.
func (s *Server) RemoveTeam(org, slug string) {
	defer s.lock()()
	s.organization(org).teams.remove(slug)
}
