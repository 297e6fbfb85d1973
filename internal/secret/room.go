package secret

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/valetkey/valetkey/internal/fault"
)

// Repository is what a plan needs to know about a repository.
type Repository struct {
	ID                 int64
	Archived, Disabled bool
}

// repositoryID returns the id of a place's repository; 0 if it is not known.
// Sometimes only the id of a name is known.
func (s *Sync) repositoryID(at Place) int64 {
	if s.Repository == nil || at.IsOrganization() {
		return 0
	}
	r, _ := s.Repository(at.Owner, at.Repository)
	return r.ID
}

// repositories holds those that a dry run asked about, each once, whatever the
// number of its places.
type repositories struct{ asked sync.Map }

// closed returns why nothing can be written to a place; nil if nothing is known
// to prevent it. If the lists did not tell, a dry run asks GitHub; a run would
// learn it from its writes.
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

// MaxSecrets returns how many secrets GitHub allows in a place.
// https://docs.github.com/en/actions/reference/security/secrets#limits-for-secrets
func (p Place) MaxSecrets() int {
	if p.IsOrganization() && p.App != "codespaces" {
		return 1000
	}
	return 100
}

// failOverflow makes the new secrets fail for which a listed place has no room.
func failOverflow(changes []Change, at found) {
	if !at.listed {
		return
	}
	for i := range changes {
		c := &changes[i]
		if c.Action != Create {
			continue
		}
		if there := len(at.entries); there >= c.MaxSecrets() {
			c.Action, c.Reason = Fail, ""
			c.Err = fault.New(
				fmt.Sprintf("%s has %d secrets, and GitHub allows %d", c.Place, there, c.MaxSecrets()),
				"delete one that nobody needs, or put several values into one secret",
			)
			continue
		}
		at.entries = append(at.entries, Entry{Name: c.Name})
	}
}
