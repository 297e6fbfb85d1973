package fakegithub

import (
	"cmp"
	"slices"
	"time"
)

// The secret types of GitHub's own credentials
// (https://docs.github.com/en/code-security/reference/secret-security/supported-secret-scanning-patterns).
// Classic and fine-grained tokens share one. What the tokens of an App's users
// are listed as is documented nowhere.
const (
	PersonalTokenSecret = "github_personal_access_token"
	OAuthTokenSecret    = "github_oauth_access_token"
	RefreshTokenSecret  = "github_refresh_token"
	AppTokenSecret      = "github_app_installation_access_token"
)

// Alert is a secret that secret scanning found in a repository.
type Alert struct {
	Number            int    // assigned
	Type              string // GitHub's secret_type; empty means PersonalTokenSecret
	Secret            string
	Validity          string // "active", "inactive" or "unknown"; empty: whether the token works here
	PubliclyLeaked    bool
	State             string // "open" or "resolved"; empty means open
	Resolution        string // "false_positive", "wont_fix", "revoked" or "used_in_tests"
	ResolutionComment string
	ResolvedBy        string    // login
	CreatedAt         time.Time // zero: now
	ResolvedAt        time.Time
}

type alert struct {
	Alert
	id         int64
	repository *repository
	updatedAt  time.Time
}

// AddAlert adds an alert to a repository and returns its number.
func (s *Server) AddAlert(owner, repository string, a Alert) (number int) {
	defer s.lock()()
	repo := s.mustRepository(owner, repository)
	a.Number = len(repo.alerts) + 1
	a.Type, a.State = cmp.Or(a.Type, PersonalTokenSecret), cmp.Or(a.State, "open")
	if a.CreatedAt.IsZero() {
		a.CreatedAt = s.now()
	}
	if a.State == "resolved" {
		a.ResolvedBy = s.user(cmp.Or(a.ResolvedBy, "security-manager")).Login
		a.Resolution = cmp.Or(a.Resolution, "revoked")
		if a.ResolvedAt.IsZero() {
			a.ResolvedAt = s.now()
		}
	}
	repo.alerts = append(repo.alerts, &alert{Alert: a, id: s.newID(), repository: repo, updatedAt: a.CreatedAt})
	return a.Number
}

// Alerts returns the alerts of a repository by number, with the validity that
// they have now.
func (s *Server) Alerts(owner, repository string) []Alert {
	defer s.lock()()
	var list []Alert
	for _, a := range s.mustRepository(owner, repository).alerts {
		one := a.Alert
		one.Validity = s.validity(a)
		list = append(list, one)
	}
	return list
}

// SetSecretScanning switches secret scanning of an organization off or on. At
// first it is on.
func (s *Server) SetSecretScanning(org string, on bool) {
	defer s.lock()()
	s.organization(org).scanning = on
}

// validity returns whether a secret still works, as far as GitHub knows. What
// it has ended itself it knows to be inactive (unconfirmed).
func (s *Server) validity(a *alert) string {
	p := s.personal[a.Secret]
	switch {
	case p != nil && !p.works(s.now()):
		return "inactive"
	case a.Validity != "":
		return a.Validity
	case p != nil || s.liveToken(a.Secret) != nil:
		return "active"
	case s.tokenByValue[a.Secret] != nil:
		return "inactive"
	}
	return "unknown"
}

// newestAlerts returns the alerts of some repositories, newest first.
func newestAlerts(repositories []*repository) []*alert {
	var list []*alert
	for _, repo := range repositories {
		list = append(list, repo.alerts...)
	}
	slices.SortStableFunc(list, func(a, b *alert) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.id, a.id))
	})
	return list
}
