package fakegithub

import (
	"maps"
	"slices"
	"strings"
)

// levels orders the permission levels; a higher one includes the lower ones.
var levels = map[string]int{"read": 1, "write": 2, "admin": 3}

// allows reports whether permissions hold key at least at level.
func allows(permissions map[string]string, key, level string) bool {
	return levels[level] > 0 && levels[permissions[key]] >= levels[level]
}

// allowsAll reports whether permissions hold each key at least at its level.
func allowsAll(permissions, needed map[string]string) bool {
	for key, level := range needed {
		if !allows(permissions, key, level) {
			return false
		}
	}
	return true
}

// withMetadata returns a copy with `metadata: read` added when it holds a
// repository permission: GitHub grants it along with every other one
// (https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps).
func withMetadata(permissions map[string]string) map[string]string {
	granted := maps.Clone(permissions)
	if granted == nil {
		granted = map[string]string{}
	}
	if granted["metadata"] != "" {
		return granted
	}
	for key := range permissions {
		if slices.Contains(repositoryPermissions, key) {
			granted["metadata"] = "read"
			break
		}
	}
	return granted
}

// repositoryPermissions are the keys that apply to repositories, as the
// permissions page names them. Organization, account and enterprise permissions
// bring no metadata with them.
var repositoryPermissions = strings.Fields(`
	actions actions_variables administration agent_secrets agent_variables artifact_metadata attestations checks
	code_quality codespaces codespaces_lifecycle_admin codespaces_metadata codespaces_secrets content_references contents
	copilot_agent_settings dependabot_secrets deployments discussions environments issues merge_queues metadata packages
	pages pull_requests repo_secret_scanning_dismissal_requests repository_advisories repository_custom_properties
	repository_hooks repository_pre_receive_hooks repository_projects secret_scanning_alerts
	secret_scanning_bypass_requests secrets security_events single_file statuses vulnerability_alerts workflows`)
