package permission

import (
	"fmt"
	"slices"
	"strings"
)

// Need is what one scope, API operation or git command takes.
type Need struct {
	// From names the scope, operation or command in the spelling of the tables,
	// never as it was typed: "repo", "GET /repos/{owner}/{repo}/issues", "git
	// push".
	From string

	// Permissions is the least that is enough. It is never empty, because a
	// token asked for without permissions gets all that its installation has:
	// where any token is enough, it is "metadata: read", the least that there
	// is.
	Permissions Set

	// Perhaps is what only some requests of this kind take beyond Permissions;
	// Notice says which. It is nil for most.
	Perhaps Set

	// Chosen names the choice where the facts offer alternatives: "issues: read
	// rather than pull_requests: read".
	Chosen string

	// Narrower names the parts of a scope, each for one job. It is nil for most.
	Narrower []string

	// Notice is a sentence or two that a careful user would want to read; it is
	// empty for most.
	Notice string
}

// Cover unites needs: every permission that one of them takes, at the highest
// level that one of them takes.
func Cover(needs []Need) Set {
	all := Set{}
	for _, n := range needs {
		all.raise(n.Permissions)
	}
	return all
}

// raise adds to s what it lacks of more. raise and covers are not inlined:
// their loops over maps are long, they are called in many places, and the
// binary is meant to stay small.
//
//go:noinline
func (s Set) raise(more Set) {
	for name, level := range more {
		if rank(level) > rank(s[name]) || s[name] == "" {
			s[name] = level
		}
	}
}

// covers reports whether s holds all of want, at its levels or higher ones.
//
//go:noinline
func (s Set) covers(want Set) bool {
	for name, level := range want {
		if got, ok := s[name]; !ok || rank(got) < rank(level) {
			return false
		}
	}
	return true
}

// Administers reports whether the need makes an administrator of repositories,
// an organization or an enterprise, and more than that: whoever has it was not
// asked what for.
func (n Need) Administers() bool {
	return len(n.Permissions) > 2 && (n.Permissions["administration"] == "write" ||
		n.Permissions["organization_administration"] == "write" || n.Permissions["enterprise_administration"] == "write")
}

// phrases returns the permissions of a set in one line: "contents: read and
// issues: write".
func (s Set) phrases() string {
	var list []string
	for _, name := range sorted(s) {
		list = append(list, phrase(name, s[name]))
	}
	return strings.Join(list, " and ")
}

// Excess returns which of the asked-for permissions the needs do not take, in
// sorted phrases: "issues: write (read is enough)", "secrets: read (not
// needed)". What a need takes perhaps does not count, and neither does
// "metadata: read", which comes with every token.
func Excess(asked Set, needs []Need) []string {
	taken := Set{"metadata": "read"}
	for _, n := range needs {
		taken.raise(n.Permissions)
		taken.raise(n.Perhaps)
	}
	var excess []string
	for _, name := range sorted(asked) {
		switch level, ok := taken[name]; {
		case !ok:
			excess = append(excess, phrase(name, asked[name])+" (not needed)")
		case rank(asked[name]) > rank(level):
			excess = append(excess, phrase(name, asked[name])+" ("+level+" is enough)")
		}
	}
	slices.Sort(excess)
	return excess
}

// workflowKeys are the permissions that "permissions:" of a workflow can give
// to the GITHUB_TOKEN, each at read and write. Workflows also have id-token,
// which no App has
// (https://docs.github.com/en/actions/reference/workflow-syntax-for-github-actions#permissions).
var workflowKeys = []string{
	"actions", "attestations", "checks", "contents", "deployments", "discussions", "issues",
	"packages", "pages", "pull_requests", "repository_projects", "security_events", "statuses",
}

// WorkflowToken reports whether the GITHUB_TOKEN of a workflow could hold all
// of s, and returns the "permissions:" block that gives it. That token opens
// only the repository of the workflow; the caller has to know whether that is
// enough. An empty set asks for everything and so is never ok.
func WorkflowToken(s Set) (yaml string, ok bool) {
	if len(s) == 0 {
		return "", false
	}
	var b strings.Builder
	for _, name := range sorted(s) {
		level := s[name]
		if name == "metadata" && level == "read" { // every GITHUB_TOKEN has it
			continue
		}
		if !slices.Contains(workflowKeys, name) || level != "read" && level != "write" {
			return "", false
		}
		fmt.Fprintf(&b, "  %s: %s\n", strings.ReplaceAll(name, "_", "-"), level)
	}
	if b.Len() == 0 {
		return "permissions: {}\n", true
	}
	return "permissions:\n" + b.String(), true
}
