package permission

import (
	"maps"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/nearest"
)

// pageWords are the words of GitHub's settings page and of its documentation
// that differ from the key: people write what the page shows. Spaces are
// underscores here. The second key is the one of an organization.
// https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
var pageWords = map[string][]string{
	"announcement_banner":            {"organization_announcement_banners"},
	"blocking_users":                 {"organization_user_blocking"},
	"code":                           {"contents"},
	"code_scanning":                  {"security_events"},
	"code_scanning_alerts":           {"security_events"},
	"commit_statuses":                {"statuses"},
	"custom_organization_roles":      {"organization_custom_org_roles"},
	"custom_properties":              {"repository_custom_properties", "organization_custom_properties"},
	"custom_repository_roles":        {"organization_custom_roles"},
	"dependabot_alerts":              {"vulnerability_alerts"},
	"github_copilot_business":        {"organization_copilot_seat_management"},
	"hosted_runner_custom_images":    {"organization_runner_custom_images"},
	"projects":                       {"repository_projects", "organization_projects"},
	"repository_security_advisories": {"repository_advisories"},
	"secret_scanning":                {"secret_scanning_alerts"},
	"security_advisories":            {"repository_advisories"},
	"variables":                      {"actions_variables", "organization_actions_variables"},
	"webhooks":                       {"repository_hooks", "organization_hooks"},
}

// jobWords are words of a workflow's own "permissions:" that no App has.
// https://docs.github.com/en/actions/reference/workflow-syntax-for-github-actions#permissions
var jobWords = []string{"id_token", "models", "read_all", "write_all"}

// unknownName returns the error for an unknown name that is not a new
// permission either: a word of the settings page or of a workflow's own token,
// or a misspelling. GitHub would refuse it with a reason that helps nobody. It
// returns nil if the name may be a permission that this release does not know
// yet.
func unknownName(it, name string) error {
	plain := strings.ReplaceAll(name, " ", "_")
	if !wellFormed(plain) {
		return nil
	}
	switch {
	case IsLevel(plain), plain == "none":
		return fault.New(it+": a level without a name", "it takes both for each permission, such as contents: read")
	case plain == "all":
		return fault.New(it+`: "all" is not a permission`,
			"write all alone, as in permissions: all, for all that the installation has, or name each permission with its level")
	case slices.Contains(jobWords, plain):
		return fault.New(it+": not a permission of an App, but a word of the workflow's own token",
			"it goes under the job's permissions:, and here each permission has its name and level, such as contents: read")
	}
	if right := intended(plain); right != "" {
		return fault.New(it+": no permission of that name", "did you mean "+right+"?")
	}
	return nil
}

// intended returns the name that a word stands for, two of them for a word of
// the settings page that has two, or "".
func intended(plain string) string {
	if _, known := Lookup(plain); known {
		return plain
	}
	right := pageWords[plain]
	if right == nil {
		right = withHeading(plain)
	}
	if right == nil {
		most := 2
		if len(plain) < 6 {
			most = 1
		}
		if near := nearest.Word(plain, names(), most); near != "" {
			return near
		}
		right = pageWords[nearest.Word(plain, slices.Sorted(maps.Keys(pageWords)), most)]
	}
	if len(right) == 2 {
		return right[0] + ", or " + right[1] + " for an organization's"
	}
	return strings.Join(right, "")
}

// withHeading returns the names that lack only "repository_" or
// "organization_", which the settings page shows as a heading.
func withHeading(plain string) []string {
	var list []string
	for _, heading := range []string{"repository_", "organization_"} {
		if _, known := Lookup(heading + plain); known {
			list = append(list, heading+plain)
		}
	}
	return list
}
