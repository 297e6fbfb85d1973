// Package secret brings GitHub's secrets to what is wanted: repositories,
// environments and organizations, for Actions, Dependabot, Codespaces and agents.
//
// It never reads a manifest or the environment, makes no HTTP client (an
// [apicall.Func] is given to it) and keeps no value longer than it takes to seal it.
// Start at [Sync] for a fleet, at [NewWriter] for one secret.
//
// It runs unattended, and what it deletes nobody can read back. So it keeps to four
// rules, to which every change here has to be held:
//
//   - Make before break, checked at the moment of the break. Nothing is deleted in a
//     run in which anything failed, and each deletion looks once more right before.
//   - Absence in a list is not absence in the world. A list that does not come out
//     even decides nothing, and a repository out of reach is not gone.
//   - An id is an identity, a name is not. A repository that has another name by now
//     is told by its id, and what stands under the old name is another's.
//   - A destructive step has a brake. More deletions than a run may make are none.
package secret

import (
	"net/url"
	"strings"
)

// Place is where secrets are kept: a repository, an environment of one, or an
// organization (Repository is empty). There is one key pair for each.
type Place struct {
	Owner       string
	Repository  string // without owner
	Environment string // only with Repository and the App actions
	App         string // who reads them: one of Apps
}

// Apps are the readers of secrets that GitHub keeps apart.
func Apps() []string { return []string{"actions", "dependabot", "codespaces", "agents"} }

// IsOrganization tells an organization's secrets from those of a repository.
func (p Place) IsOrganization() bool { return p.Repository == "" }

// String names the place as people do: "acme/api", "acme/api (dependabot)",
// "acme/api, environment production", "organization acme".
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

// Key is the same for two places that GitHub takes for one: names know no case.
func (p Place) Key() string {
	return strings.ToLower(strings.Join([]string{p.Owner, p.Repository, p.Environment, p.App}, "/"))
}

// Permission is the key of the permission that writing takes. Codespaces wants
// write for reading as well, so there is one level for all.
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

// SecretsPath is where the place's secrets are in the REST API.
func (p Place) SecretsPath() string {
	if p.Environment != "" {
		return p.Path() + "/environments/" + url.PathEscape(p.Environment) + "/secrets"
	}
	return p.Path() + "/" + p.App + "/secrets"
}

// Path is where the repository or the organization is in the REST API, escaped.
func (p Place) Path() string {
	if p.IsOrganization() {
		return "orgs/" + url.PathEscape(p.Owner)
	}
	return "repos/" + url.PathEscape(p.Owner) + "/" + url.PathEscape(p.Repository)
}
