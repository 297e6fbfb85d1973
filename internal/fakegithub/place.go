package fakegithub

import (
	"fmt"
	"strings"
	"time"
)

// Place is where secrets are: in an organization (Repository empty), a
// repository, or an environment of one.
type Place struct {
	Owner       string
	Repository  string
	Environment string // only with Repository, and only for actions
	App         string // "actions", "dependabot", "codespaces" or "agents"; empty means actions
}

// Secret is one secret as a workflow would see it.
type Secret struct {
	Name                 string // upper-case
	Value                string
	CreatedAt, UpdatedAt time.Time
	Visibility           string   // "all", "private" or "selected"; empty except in organizations
	Repositories         []string // names of those selected, without owner
}

// SecretValue returns the stored value, unsealed.
func (s *Server) SecretValue(place Place, name string) (value string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.vaultAt(place); v != nil {
		if found, known := v.secrets.get(strings.ToUpper(name)); known {
			return found.value, true
		}
	}
	return "", false
}

// Secrets returns the secrets of a place in order of names, or none when the
// place does not exist.
func (s *Server) Secrets(place Place) []Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.vaultAt(place)
	if v == nil {
		return nil
	}
	list := make([]Secret, 0, len(v.secrets.names))
	for _, name := range v.secrets.names {
		found := v.secrets.items[name]
		one := Secret{
			Name: name, Value: found.value, CreatedAt: found.createdAt, UpdatedAt: found.updatedAt, Visibility: found.visibility,
		}
		for _, repo := range s.existing(found.selected) {
			one.Repositories = append(one.Repositories, repo.Name)
		}
		list = append(list, one)
	}
	return list
}

// SetSecret creates or changes a secret as somebody else would, without any
// limit. In an organization an empty Visibility is "private". Without UpdatedAt
// the time is now, but at least a second after the last change, so that an
// answer, which has whole seconds, shows it. SetSecret panics when the place
// does not exist.
func (s *Server) SetSecret(place Place, secret Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.mustVault(place)
	if !isSecretName(secret.Name) {
		panic(fmt.Sprintf("fakegithub: %q is not the name of a secret", secret.Name))
	}
	var a access
	if v.organization != "" {
		if a.visibility = secret.Visibility; a.visibility == "" {
			a.visibility = "private"
		}
		for _, name := range secret.Repositories {
			a.selected = a.selected.with(s.mustRepository(place.Owner, name).ID)
		}
	}
	name, when := strings.ToUpper(secret.Name), secret.UpdatedAt
	if when.IsZero() {
		when = s.now()
		if old, known := v.secrets.get(name); known && when.Before(old.updatedAt.Add(time.Second)) {
			when = old.updatedAt.Add(time.Second)
		}
	}
	v.put(name, secret.Value, a, when)
	if created := secret.CreatedAt; !created.IsZero() {
		v.secrets.items[name].createdAt = created
	}
}

// DeleteSecret deletes a secret as somebody else would, and reports whether it
// was there.
func (s *Server) DeleteSecret(place Place, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.vaultAt(place)
	return v != nil && v.secrets.remove(strings.ToUpper(name))
}

// ReplacePublicKey replaces the key pair of a place, as GitHub may do at any
// time: values sealed to the old key are refused from then on.
func (s *Server) ReplacePublicKey(place Place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.mustVault(place)
	v.keyID, v.public, v.private = "", nil, nil
}

func (s *Server) mustVault(place Place) *vault {
	v := s.vaultAt(place)
	if v == nil {
		panic(fmt.Sprintf("fakegithub: no place %+v", place))
	}
	return v
}

// vaultAt returns nil for a place that does not exist. The caller holds s.mu.
func (s *Server) vaultAt(place Place) *vault {
	key := vaultKey{app: place.App, environment: strings.ToLower(place.Environment)}
	if key.app == "" {
		key.app = "actions"
	}
	if !isSecretApp(key.app) || place.Environment != "" && (place.Repository == "" || key.app != "actions") {
		return nil
	}
	if place.Repository == "" {
		account := s.accounts[strings.ToLower(place.Owner)]
		if account == nil || account.Type != "Organization" {
			return nil
		}
		key.organization = strings.ToLower(place.Owner)
		return s.vault(key)
	}
	repo := s.repositoryNamed(place.Owner, place.Repository)
	if repo == nil {
		return nil
	}
	if _, known := repo.environments.get(key.environment); key.environment != "" && !known {
		return nil
	}
	key.repository = repo.ID
	return s.vault(key)
}
