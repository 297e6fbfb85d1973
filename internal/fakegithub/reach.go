package fakegithub

import (
	"fmt"
	"maps"
	"strings"
)

// key returns the name that repositories are found by, which is
// case-insensitive.
func (repo *repository) key() string { return strings.ToLower(repo.Owner + "/" + repo.Name) }

// index makes a repository findable. The caller holds s.mu, as for every method
// below that is not exported.
func (s *Server) index(repo *repository) {
	s.repositories[repo.ID] = repo
	s.byName[repo.key()] = repo
	owner := strings.ToLower(repo.Owner)
	if s.owned[owner] == nil {
		s.owned[owner] = &holdings{}
	}
	s.owned[owner].add(repo)
}

// unindex is the opposite of index.
func (s *Server) unindex(repo *repository) {
	delete(s.repositories, repo.ID)
	if s.byName[repo.key()] == repo { // not when another one has taken the name
		delete(s.byName, repo.key())
	}
	s.owned[strings.ToLower(repo.Owner)].remove(repo)
}

// DeleteRepository deletes a repository with everything in it, as somebody else
// may at any time.
func (s *Server) DeleteRepository(owner, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.mustRepository(owner, name)
	s.unindex(repo)
	maps.DeleteFunc(s.formerNames, func(_ string, id int64) bool { return id == repo.ID })
	for _, key := range repo.deployKeys {
		delete(s.deployKeys, key.material)
	}
	for _, app := range secretApps {
		delete(s.vaults, vaultKey{repository: repo.ID, app: app.name})
		if v := s.vaults[vaultKey{organization: strings.ToLower(repo.Owner), app: app.name}]; v != nil {
			for _, secret := range v.secrets.items {
				secret.selected = secret.selected.without(repo.ID)
			}
		}
	}
	for _, environment := range repo.environments.names {
		delete(s.vaults, vaultKey{repository: repo.ID, environment: environment, app: "actions"})
	}
	if x := s.variables[strings.ToLower(repo.Owner)]; x != nil {
		for _, v := range x.items {
			v.selected = v.selected.without(repo.ID)
		}
	}
}

func (s *Server) mustRepository(owner, name string) *repository {
	repo := s.repositoryNamed(owner, name)
	if repo == nil {
		panic(fmt.Sprintf("fakegithub: no repository %s/%s", owner, name))
	}
	return repo
}

// repositoryNamed returns the repository that has this name now.
func (s *Server) repositoryNamed(owner, name string) *repository {
	return s.byName[strings.ToLower(owner+"/"+name)]
}

// repositoryFormerly returns the repository that had this name before.
func (s *Server) repositoryFormerly(owner, name string) *repository {
	return s.repositories[s.formerNames[strings.ToLower(owner+"/"+name)]]
}

// holdingsOf never returns nil.
func (s *Server) holdingsOf(login string) *holdings {
	if h := s.owned[strings.ToLower(login)]; h != nil {
		return h
	}
	return &holdings{}
}

// reach returns the repositories of an installation by id, and so in order of
// creation. The caller must not change the list.
func (s *Server) reach(in *installation) []*repository {
	if in.All {
		return s.holdingsOf(in.Account).byID
	}
	return s.existing(in.repositoryIDs)
}

// tokenReach returns the repositories of a token, likewise.
func (s *Server) tokenReach(t *token) []*repository {
	if !t.narrowed {
		return s.reach(t.installation)
	}
	var list []*repository
	for _, repo := range s.existing(t.repositoryIDs) {
		if t.installation.covers(repo) {
			list = append(list, repo)
		}
	}
	return list
}

func (s *Server) existing(set ids) []*repository {
	list := make([]*repository, 0, len(set))
	for _, id := range set {
		if repo := s.repositories[id]; repo != nil {
			list = append(list, repo)
		}
	}
	return list
}

func (in *installation) covers(repo *repository) bool {
	if in.All {
		return strings.EqualFold(repo.Owner, in.Account)
	}
	return in.repositoryIDs.has(repo.ID)
}

func (t *token) covers(repo *repository) bool {
	return t.installation.covers(repo) && (!t.narrowed || t.repositoryIDs.has(repo.ID))
}
