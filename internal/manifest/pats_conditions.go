package manifest

import (
	"slices"
	"strings"
)

// conditionShape has the conditions of all lists of rules.
var conditionShape = &shape{
	name: "if",
	about: "What a token has to be; all that is written has to be so. One that would match everything is an error. " +
		"A time is a number and `d` or `w`.",
	atLeastOne: true,
	empty:      "an if that matches everything",
	hint:       "say which tokens the rule is for",
	fields: []*field{
		{key: "owner", form: loginPattern, about: "whose it is: a login, or a pattern with `*` and `?`", example: "acme-bot-*"},
		{key: "team", form: teamSlug, about: "its owner is in this team of the organization (its slug)", example: "platform"},
		{
			key: "membership", words: []string{"member", "not-a-member"},
			about: "whether its owner belongs to the organization: `member` or `not-a-member`", example: "not-a-member",
		},
		{
			key: "repositories", lists: "requests and grants", kind: list, form: repositoryGlob,
			about: "it opens repositories, and all of them are these: names and patterns; `!` excludes", example: "[acme/ci-*]",
		},
		{
			key: "any-repository", lists: "requests and grants", kind: list, form: repositoryGlob,
			about: "it opens at least one of these", example: "[acme/infra]",
		},
		{
			key: "selection", lists: "requests and grants", words: []string{"none", "all", "subset"},
			about: "how its repositories were chosen: `none`, `all` or `subset`", example: "all",
		},
		{
			key: "any-of", lists: "requests and grants", kind: object, of: permissionsShape,
			about: "it has at least one of these permissions, at this level or above", example: "{repository: {administration: write}}",
		},
		{
			key: "at-most", lists: "requests and grants", kind: object, of: permissionsShape,
			about: "it has no permission besides these, and none above its level; `metadata: read`, which every " +
				"token has, goes without saying",
			example: "{repository: {contents: read}}",
		},
		{key: "expires-within", kind: duration, form: days, about: "it ends that soon, or has ended", example: "14d"},
		{key: "never-expires", kind: boolean, onlyTrue: true, about: "`true`: it has no end", example: "true"},
		{
			key: "lifetime-over", lists: "requests and grants", kind: duration, form: days,
			about: "it was made for longer than that, or without an end", example: "90d",
		},
		{
			key: "unused-for", lists: "grants and sso", kind: duration, form: idleTime,
			about: "nobody used it for that long, at least `7d`; one that was never used counts from its grant", example: "90d",
		},
		{
			key: "granted-for", lists: "grants and sso", kind: duration, form: days,
			about: "it was granted or authorized that long ago", example: "30d",
		},
		{
			key: "waiting-for", lists: "requests", kind: duration, form: interval,
			about: "it has waited that long, at least `10m`; here `m` and `h` count too", example: "14d",
		},
		{
			key: "reason", lists: "requests", form: expression,
			about:   "its owner's reason contains a match of this regular expression (of RE2, without lookahead)",
			example: `"[A-Z]+-[0-9]+"`,
		},
		{key: "token-name", form: tokenNamePattern, about: "its name: a text, or a pattern with `*` and `?`", example: "renovate*"},
		{
			key: "would-be", lists: "grants", words: []string{"approve", "deny"},
			about: "what the rules for requests would do with it today: `approve` or `deny`", example: "deny",
		},
		{
			key: "kind", lists: "sso", words: []string{"classic", "fine-grained", "ssh-key", "oauth-app", "github-app"},
			about: "`classic`, `fine-grained`, `ssh-key`, `oauth-app` or `github-app`", example: "classic",
		},
		{
			key: "scopes", lists: "sso", kind: list, form: scopeName, unique: true,
			about: "it has at least one of these scopes, by name; one that includes it is another", example: "[admin:org, delete_repo]",
		},
	},
	rules: []rule{
		{key: "never-expires", not: "expires-within", hint: "no token is both; make two rules"},
		{key: "selection", is: "none", not: "repositories", hint: "such a token opens none; make two rules"},
		{key: "selection", is: "none", not: "any-repository", hint: "such a token opens none; make two rules"},
		{key: "kind", is: "fine-grained", not: "scopes", hint: "only classic tokens and those of OAuth apps have scopes"},
		{key: "kind", is: "ssh-key", not: "scopes", hint: "only classic tokens and those of OAuth apps have scopes"},
		{key: "kind", is: "github-app", not: "scopes", hint: "only classic tokens and those of OAuth apps have scopes"},
	},
}

// of returns the part of a shape that one list of rules has.
func (s *shape) of(listed string) *shape {
	part := *s
	part.whole = s
	part.fields = slices.DeleteFunc(slices.Clone(s.fields), func(f *field) bool {
		return f.lists != "" && !slices.Contains(strings.Fields(f.lists), listed)
	})
	part.rules = slices.DeleteFunc(slices.Clone(s.rules), func(r rule) bool {
		return part.field(r.key) == nil || part.field(r.not) == nil
	})
	return &part
}

var permissionsShape = &shape{
	name: "any-of and at-most",
	about: "Permissions with their levels, in GitHub's families: the same name means another thing in another one. At least " +
		"one family.",
	atLeastOne: true,
	hint:       "name permissions of one of them",
	fields: []*field{
		{
			key: "repository", kind: levels, form: permissionName, words: accesses,
			about: "of repositories", example: "{contents: read}",
		},
		{
			key: "organization", kind: levels, form: permissionName, words: accesses,
			about: "of the organization", example: "{members: write}",
		},
		{key: "other", kind: levels, form: permissionName, words: accesses, about: "the rest", example: "{gists: write}"},
	},
}
