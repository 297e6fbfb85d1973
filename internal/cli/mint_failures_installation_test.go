package cli

import (
	"github.com/valetkey/valetkey/internal/fakegithub"
)

// GitHub's words for a repository or a permission that the installation lacks.
const (
	notAccessible = "mint a token for installation 4242: GitHub answered 422: There is at least one repository that does not exist or " +
		"is not accessible to the parent installation."
	notGranted = "mint a token for installation 4242: GitHub answered 422: The permissions requested are not granted to this installation."
)

// installationCases are about where the App is installed, and about what it may
// do there.
var installationCases = []failureCase{
	{
		name: "a repository renamed", requests: 5, // two of them about the name, by a token for it
		env:     map[string]string{"INPUT_REPOSITORIES": "web"},
		prepare: func(s *step) { s.RenameRepository("acme", "web", "site") },
		line:    notAccessible,
		hint:    "acme/web was renamed: use its new name, acme/site",
	},
	{
		name: "the second of two renamed", requests: 6,
		env:     map[string]string{"INPUT_REPOSITORIES": "api, web"},
		prepare: func(s *step) { s.RenameRepository("acme", "web", "site") },
		line:    notAccessible,
		hint:    "acme/web was renamed: use its new name, acme/site",
	},
	{
		name: "not installed there", requests: 3,
		env:  map[string]string{"INPUT_OWNER": "globex"},
		line: "find the installation for globex: GitHub answered 404: Not Found",
		hint: "the App is not installed on globex; it is installed on acme, monalisa; install it at " +
			"https://api.github.test/apps/keeper/installations/new, or check the name",
	},
	{
		name: "installed nowhere", requests: 3,
		env: map[string]string{"INPUT_OWNER": "globex"},
		prepare: unlikeGitHub(fakegithub.Fault{
			Path: "/app/installations", Status: 200, Header: map[string]string{"Content-Type": "application/json"}, Body: "[]",
		}),
		line: "find the installation for globex: GitHub answered 404: Not Found",
		hint: "the App is not installed on globex; it is not installed on any account; install it at ",
	},
	{
		name: "not selected", requests: 2,
		env:  map[string]string{"INPUT_REPOSITORIES": "secret-plans"},
		line: "find the installation for acme/secret-plans: GitHub answered 404: Not Found",
		hint: "the App is installed on acme, but secret-plans is not among its selected repositories: select it at " +
			"https://api.github.test/organizations/acme/settings/installations/4242",
	},
	{
		name: "no such repository", requests: 2,
		env:  map[string]string{"INPUT_OWNER": "monalisa", "INPUT_REPOSITORIES": "dotfile"},
		line: "find the installation for monalisa/dotfile: GitHub answered 404: Not Found",
		hint: "the App is installed on all repositories of monalisa, so there is no dotfile: check its name",
	},
	{
		name: "one of two not selected", requests: 3,
		env:  map[string]string{"INPUT_REPOSITORIES": "api, secret-plans"},
		line: notAccessible,
		hint: "secret-plans is not selected or does not exist: select it at " +
			"https://api.github.test/organizations/acme/settings/installations/4242",
	},
	{
		name: "one of three not selected", requests: 4,
		env:  map[string]string{"INPUT_REPOSITORIES": "api, web, secret-plans"},
		line: notAccessible,
		hint: "secret-plans is not selected or does not exist: select it at ",
	},
	{
		name: "two of three not selected", requests: 4,
		env:  map[string]string{"INPUT_REPOSITORIES": "api, more-plans, secret-plans"},
		line: notAccessible,
		hint: "more-plans, secret-plans are not selected or do not exist: select them at ",
	},
	{
		name: "permissions not granted", requests: 2,
		env:  map[string]string{"INPUT_PERMISSIONS": "contents: write, secrets: write, metadata: read, pull_requests: read"},
		line: notGranted,
		hint: "the installation lacks pull_requests: read (not granted), secrets: write (not granted). Add it in the App's " +
			"settings, have an owner accept it at https://api.github.test/organizations/acme/settings/installations/4242, or ask for less",
	},
	{
		name: "permissions not granted, without lookup", requests: 2,
		env:  map[string]string{"INPUT_PERMISSIONS": "secrets: read", "INPUT_INSTALLATION-ID": "4242"},
		line: notGranted,
		hint: "the installation lacks secrets: read (not granted).",
	},
	{
		name: "permissions that there may not be", requests: 2,
		env:  map[string]string{"INPUT_PERMISSIONS": "contents: write, future_thing: read, secrets: write"},
		line: notGranted,
		hint: "this release knows no permission of this name: future_thing: read (not granted). Check it against " +
			"docs/permissions.md; if it is newer than this release, the App must have it first; the installation lacks secrets: write " +
			"(not granted). Add it in",
	},
	{
		name: "another App's installation", requests: 2,
		env:  map[string]string{"INPUT_INSTALLATION-ID": "7"},
		line: "mint a token for installation 7: GitHub answered 404: Not Found",
		hint: "the App's installations are 4242 (acme), 4243 (monalisa)",
	},
	{
		name: "suspended", requests: 2,
		prepare: func(s *step) { s.Suspend(4242, "monalisa") },
		line:    "mint a token for installation 4242: GitHub answered 403: This installation has been suspended",
		hint: "an owner must unsuspend the installation at https://api.github.test/organizations/acme/settings/installations/4242; " +
			"it was suspended on 2000-01-01 00:00 UTC by monalisa",
	},
	{
		name: "too much in one token", requests: 2,
		env:     map[string]string{"INPUT_REPOSITORIES": "api, web"},
		prepare: says("POST", 422, "The maximum number of repositories with these permissions is 1."),
		line:    "mint a token for installation 4242: GitHub answered 422: The maximum number of repositories with these permissions is 1.",
		hint:    "ask for fewer repositories or fewer permissions at once",
	},
	{
		name: "an archived repository", requests: 2,
		prepare: says("POST", 403, "Repository was archived so is read-only."),
		line:    "mint a token for installation 4242: GitHub answered 403: Repository was archived so is read-only.",
		hint:    "the repository is archived: unarchive it, or leave it out",
	},
}
