package fakegithub

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Issue is an issue of a repository.
type Issue struct {
	Number      int // assigned
	Title, Body string
	State       string // "open" or "closed"; empty means open
	StateReason string // "completed", "not_planned", "reopened" or empty
	Labels      []string
	Assignees   []string // logins
	Author      string   // login: a person, or slug[bot]
	App         string   // slug of the App that wrote it, or empty
	ClosedBy    string   // login
	Locked      bool     // nobody but collaborators may comment
	PullRequest bool     // lists of issues hold pull requests as well
	Comments    []Comment
	CreatedAt   time.Time // zero: now
	UpdatedAt   time.Time
	ClosedAt    time.Time
}

// Comment is a comment on an issue.
type Comment struct {
	ID        int64 // assigned
	Body      string
	Author    string // login
	App       string // slug, or empty
	CreatedAt time.Time
	UpdatedAt time.Time
}

type issue struct {
	Issue
	id      int64
	deleted bool
}

// Issues returns the issues of a repository by number, without those that were
// deleted.
func (s *Server) Issues(owner, repository string) []Issue {
	defer s.lock()()
	var list []Issue
	for _, i := range s.mustRepository(owner, repository).issues {
		if !i.deleted {
			list = append(list, i.copy())
		}
	}
	return list
}

func (i *issue) copy() Issue {
	one := i.Issue
	one.Labels, one.Assignees, one.Comments = slices.Clone(i.Labels), slices.Clone(i.Assignees), slices.Clone(i.Comments)
	return one
}

// AddIssue adds an issue as its author would, who is added when unknown, and
// returns its number.
func (s *Server) AddIssue(owner, repository string, one Issue) (number int) {
	defer s.lock()()
	repo := s.mustRepository(owner, repository)
	one.Author, one.State = cmp.Or(one.Author, "somebody"), cmp.Or(one.State, "open")
	s.meet(one)
	if one.CreatedAt.IsZero() {
		one.CreatedAt = s.now()
	}
	one.UpdatedAt = one.CreatedAt
	return s.addIssue(repo, one).Number
}

// meet adds the people of an issue that are unknown.
func (s *Server) meet(one Issue) {
	for _, login := range append([]string{one.Author, one.ClosedBy}, one.Assignees...) {
		if login != "" && s.accounts[strings.ToLower(login)] == nil {
			s.user(login)
		}
	}
}

func (s *Server) addIssue(repo *repository, one Issue) *issue {
	one.Number = len(repo.issues) + 1
	added := &issue{Issue: one, id: s.newID()}
	repo.issues = append(repo.issues, added)
	return added
}

// EditIssue changes an issue as another person may at any time.
func (s *Server) EditIssue(owner, repository string, number int, change func(*Issue)) {
	defer s.lock()()
	i := s.mustIssue(owner, repository, number)
	changed := i.copy()
	change(&changed)
	s.meet(changed)
	changed.Number, changed.UpdatedAt = number, s.now()
	if changed.State != i.State {
		changed.ClosedAt = time.Time{}
		if changed.State == "closed" {
			changed.ClosedAt = s.now()
		}
	}
	i.Issue = changed
}

// AddComment comments on an issue as another person and returns the id.
func (s *Server) AddComment(owner, repository string, number int, login, body string) (id int64) {
	defer s.lock()()
	return s.comment(s.mustIssue(owner, repository, number), Comment{Body: body, Author: s.user(login).Login})
}

func (s *Server) comment(i *issue, one Comment) (id int64) {
	one.ID, one.CreatedAt, one.UpdatedAt = s.newID(), s.now(), s.now()
	i.Comments = append(i.Comments, one)
	i.UpdatedAt = s.now()
	return one.ID
}

// DeleteIssue deletes an issue. Its number is not used again.
func (s *Server) DeleteIssue(owner, repository string, number int) {
	defer s.lock()()
	s.mustIssue(owner, repository, number).deleted = true
}

// SetIssues switches the issues of a repository off or on.
func (s *Server) SetIssues(owner, repository string, on bool) {
	defer s.lock()()
	s.mustRepository(owner, repository).noIssues = !on
}

func (s *Server) mustIssue(owner, repository string, number int) *issue {
	repo := s.mustRepository(owner, repository)
	if number < 1 || number > len(repo.issues) || repo.issues[number-1].deleted {
		panic(fmt.Sprintf("fakegithub: no issue %d in %s/%s", number, owner, repository))
	}
	return repo.issues[number-1]
}
