package secret

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/valetkey/valetkey/internal/fault"
)

// Repository is what a plan needs to know of one.
type Repository struct {
	ID                 int64
	Archived, Disabled bool
}

// repositoryID returns the id of a place's repository; 0 where it is not known. A
// name may be known by its id alone.
func (s *Sync) repositoryID(at Place) int64 {
	if s.Repository == nil || at.IsOrganization() {
		return 0
	}
	r, _ := s.Repository(at.Owner, at.Repository)
	return r.ID
}

// repositories are those that a dry run asked about, each once, whatever the number
// of its places.
type repositories struct{ asked sync.Map }

// closed returns why nothing can be written to a place; nil where nothing is known to
// be in the way. What lists did not tell, a dry run asks GitHub about: a run would
// find out by its writes.
func (s *Sync) closed(ctx context.Context, at Place) error {
	if at.IsOrganization() {
		return nil
	}
	r, known := Repository{}, false
	if s.Repository != nil {
		r, known = s.Repository(at.Owner, at.Repository)
	}
	if !known && s.ListAll {
		var err error
		if r, err = s.ask(ctx, at); err != nil {
			return err
		}
	}
	name := at.Owner + "/" + at.Repository
	switch {
	case r.Archived:
		return fault.New(name+" is archived, so nothing can be written to it", "unarchive it, or take it out of the manifest")
	case r.Disabled:
		return fault.New(name+" is disabled by GitHub, so nothing can be written to it",
			"ask its owner why, or take it out of the manifest")
	}
	return nil
}

func (s *Sync) ask(ctx context.Context, at Place) (Repository, error) {
	once, _ := s.repositories.asked.LoadOrStore(at.Path(), sync.OnceValues(func() (Repository, error) {
		var r struct {
			ID       int64 `json:"id"`
			Archived bool  `json:"archived"`
			Disabled bool  `json:"disabled"`
		}
		_, err := s.Call(ctx, at.Request("look at "+at.Owner+"/"+at.Repository, http.MethodGet, at.Path(), nil, &r))
		return Repository{r.ID, r.Archived, r.Disabled}, err
	}))
	return once.(func() (Repository, error))()
}

// Room is how many secrets GitHub lets a place have.
// https://docs.github.com/en/actions/reference/security/secrets#limits-for-secrets
func (p Place) Room() int {
	if p.IsOrganization() && p.App != "codespaces" {
		return 1000
	}
	return 100
}

// fill fails the secrets for which a place that was listed has no room.
func fill(changes []Change, at found) {
	if !at.listed {
		return
	}
	for i := range changes {
		c := &changes[i]
		if c.Action != Create {
			continue
		}
		if there := len(at.entries); there >= c.Room() {
			c.Action, c.Reason = Fail, ""
			c.Err = fault.New(
				fmt.Sprintf("%s has %d secrets, and GitHub lets it have %d", c.Place, there, c.Room()),
				"delete one that nobody needs, or have several values in one secret",
			)
			continue
		}
		at.entries = append(at.entries, Entry{Name: c.Name})
	}
}
