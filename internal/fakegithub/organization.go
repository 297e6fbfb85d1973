package fakegithub

import (
	"fmt"
	"strings"
	"time"
)

// organization is what an organization has besides repositories, secrets and
// variables.
type organization struct {
	account   *Account
	members   people
	outside   people // collaborators that are no members
	teams     index[*team]
	approval  bool // fine-grained tokens need one
	requests  accesses
	grants    accesses
	reviews   []Review
	scanning  bool // secret scanning is on
	saml      bool
	auditable bool // the plan has an audit log
	events    []event

	authorizations authorizations
}

// organization returns what belongs to an account. It panics when there is no
// such organization. The caller holds s.mu.
func (s *Server) organization(login string) *organization {
	account := s.accounts[strings.ToLower(login)]
	if account == nil || account.Type != "Organization" {
		panic(fmt.Sprintf("fakegithub: no organization %q: add it first", login))
	}
	return s.organizationOf(account)
}

func (s *Server) organizationOf(account *Account) *organization {
	o := s.organizations[account.ID]
	if o == nil {
		o = &organization{account: account, approval: true, scanning: true, auditable: s.config.EnterpriseServer}
		s.organizations[account.ID] = o
	}
	return o
}

// ofOrganization serves an operation on what belongs to the organization in the
// path. It checks as inOrganization does.
func ofOrganization(serve func(*call, *organization) answer) func(*call) answer {
	return inOrganization(func(c *call, account *Account) answer { return serve(c, c.organizationOf(account)) })
}

// user returns the account of a person, added when unknown. It panics when the
// login belongs to something else.
func (s *Server) user(login string) *Account {
	account := s.addAccount(Account{Login: login, Type: "User"})
	if account.Type != "User" {
		panic(fmt.Sprintf("fakegithub: %s is of type %s, not a person", login, account.Type))
	}
	return account
}

// queue holds what GitHub accepted with a 202 and does later, in order.
type queue struct {
	delay time.Duration
	never map[int64]bool
	jobs  []job
}

type job struct {
	due time.Time
	do  func()
}

// SetQueueDelay sets how long it takes until the reviews of a bulk call and the
// withdrawals for a whole member happen, of which GitHub only says that they
// are accepted. It is a second at first; with 0 they happen at once.
func (s *Server) SetQueueDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.delay = d
}

// IgnoreInBulk makes bulk reviews pass over these ids of requests or grants
// without a word, as GitHub does with those that it cannot change.
func (s *Server) IgnoreInBulk(ids ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.queue.never[id] = true
	}
}

// enqueue does something after the queue's delay. The caller holds s.mu.
func (s *Server) enqueue(do func()) {
	s.queue.jobs = append(s.queue.jobs, job{s.now().Add(s.queue.delay), do})
	s.settle()
}

// settle does what is due. The caller holds s.mu.
func (s *Server) settle() {
	for len(s.queue.jobs) > 0 && !s.now().Before(s.queue.jobs[0].due) {
		next := s.queue.jobs[0]
		s.queue.jobs = s.queue.jobs[1:]
		next.do()
	}
}

// lock is for methods that look at what a job may change.
func (s *Server) lock() (unlock func()) {
	s.mu.Lock()
	s.settle()
	return s.mu.Unlock
}
