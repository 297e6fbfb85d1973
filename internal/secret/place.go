// Package secret makes GitHub's secrets what a caller wants them to be: in
// repositories, environments and organizations, for Actions, Dependabot,
// Codespaces and agents.
//
// It never reads a manifest or the environment, makes no HTTP client (its
// caller provides an [apicall.Func]) and keeps no value longer than it takes to
// seal it. Start at [Sync] for a fleet, at [NewWriter] for one secret.
//
// It runs unattended, and nobody can restore what it deletes. So it keeps four
// rules, which every change here has to keep as well:
//
//   - Make before break, checked at the moment of the break. Nothing is deleted
//     in a run in which anything failed, and each deletion checks once more
//     right before it.
//   - Absence in a list is not absence in the world. An incomplete list decides
//     nothing, and a repository out of reach is not gone.
//   - An id is an identity, a name is not. A repository that was renamed is
//     recognized by its id, and a repository that has its old name is another
//     one.
//   - A destructive step has a brake. If a plan has more deletions than a run
//     may make, none is made.
package secret

import (
	"net/url"
	"strings"
)

// Place is where secrets are kept: a repository, an environment of one, or an
// organization (Repository is empty). Each place has one key pair.
type Place struct {
	Owner       string
	Repository  string // without owner
	Environment string // only with Repository and the App actions
	App         string // the reader of the secrets: one of Apps
}

// Apps returns the readers whose secrets GitHub keeps separately.
func Apps() []string { return []string{"actions", "dependabot", "codespaces", "agents"} }

// IsOrganization reports whether the place is an organization.
func (p Place) IsOrganization() bool { return p.Repository == "" }

// String returns the name of the place for people: "acme/api", "acme/api
// (dependabot)", "acme/api, environment production", "organization acme".
func (p Place) String() string {
	text := p.Owner + "/" + p.Repository
	if p.IsOrganization() {
		text = "organization " + p.Owner
	}
	if p.Environment != "" {
		text += ", environment " + p.Environment
	}
	if p.App != "actions" {
		text += " (" + p.App + ")"
	}
	return text
}

// Key returns the same text for two places that are one to GitHub: names are
// not case-sensitive.
func (p Place) Key() string {
	return strings.ToLower(strings.Join([]string{p.Owner, p.Repository, p.Environment, p.App}, "/"))
}

// Permission returns the name of the permission that writing needs. Codespaces
// needs write for reading as well, so all use one level.
// https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
func (p Place) Permission() string {
	if p.Environment != "" {
		return "environments"
	}
	name := map[string]string{
		"actions": "secrets", "dependabot": "dependabot_secrets", "codespaces": "codespaces_secrets", "agents": "agent_secrets",
	}[p.App]
	if p.IsOrganization() {
		return "organization_" + name
	}
	return name
}

// SecretsPath returns the path of the place's secrets in the REST API.
func (p Place) SecretsPath() string {
	if p.Environment != "" {
		return p.Path() + "/environments/" + url.PathEscape(p.Environment) + "/secrets"
	}
	return p.Path() + "/" + p.App + "/secrets"
}

// Path returns the path of the repository or the organization in the REST API,
// escaped.
func (p Place) Path() string {
	if p.IsOrganization() {
		return "orgs/" + url.PathEscape(p.Owner)
	}
	return "repos/" + url.PathEscape(p.Owner) + "/" + url.PathEscape(p.Repository)
}
