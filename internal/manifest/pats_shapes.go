package manifest

var patsShape = &shape{
	name: "pats",
	about: "The policy for the personal access tokens of organizations. Of each list of rules the first that " +
		"matches decides; where none does, a person has to. At least one of `requests`, `grants`, `sso` and `leaks`.",
	anyOf: []string{"requests", "grants", "sso", "leaks"},
	hint:  "a policy says what becomes of tokens; add rules, or take pats out",
	fields: []*field{
		{
			key: "organizations", kind: list, form: organizationName, required: true, unique: true,
			about: "whose tokens", example: "[acme]",
		},
		{
			key: "mode", words: []string{"audit", "enforce"}, defaultText: "audit",
			about:   "`audit` only tells what would be done, `enforce` does it",
			example: "audit",
		},
		{
			key: "requests", kind: objects, of: requestRuleShape,
			about:   "rules for fine-grained tokens that wait for approval",
			example: "[{name: forgotten, if: {waiting-for: 14d}, do: deny}]",
		},
		{
			key: "grants", kind: objects, of: grantRuleShape,
			about:   "rules for fine-grained tokens that were approved",
			example: "[{name: unused, if: {unused-for: 90d}, do: keep}]",
		},
		{
			key: "sso", kind: objects, of: authorizationRuleShape,
			about: "rules for what its owner authorized for SAML single sign-on: the only sight of classic tokens " +
				"(Enterprise Cloud)",
			example: "[{name: broad, if: {kind: classic, scopes: [admin:org]}, do: withdraw}]",
		},
		{
			key: "leaks", kind: object, of: leaksShape,
			about:   "what is done about tokens that secret scanning found, and that still work",
			example: "{do: report}",
		},
		{
			key: "protect", kind: object, of: protectShape,
			about: "what no rule touches", example: "{owners: [acme-release-bot]}",
		},
		{
			key: "limits", kind: object, of: limitsShape,
			about:   "how many of each one run may do in each organization; with more, nothing is done at all",
			example: "{revoke: 20}",
		},
		{
			key: "notices", kind: object, of: noticesShape,
			about: "where owners are told", example: "{repository: acme/token-desk}",
		},
	},
}

var (
	ruleName = &field{
		key: "name", required: true, form: ruleTitle,
		about: "its name, no other rule's of the list; reports and notices go by it", example: "unused",
	}
	ruleMode = &field{
		key: "mode", words: []string{"audit"}, defaultWords: "the policy's",
		about: "`audit` lets this rule only tell what it would do", example: "audit",
	}
	ruleNotice = &field{
		key: "notice", kind: duration, form: noticeTime,
		about: "how long before the end its owner is told, from `1d` to `365d`; it counts from the notice. " +
			"Without it nobody is",
		example: "14d",
	}
)

var requestRuleShape = &shape{
	name: "An entry of requests",
	fields: []*field{
		ruleName,
		{key: "if", kind: object, of: conditionShape.of("requests"), required: true, about: "which ones", example: "{waiting-for: 14d}"},
		{
			key: "do", words: []string{"approve", "deny", "wait"}, required: true,
			about: "`approve`, `deny`, or `wait` for a person", example: "wait",
		},
		{
			key: "reason", form: reasonTemplate,
			about: "what its owner is told, up to 1,024 characters. `{owner}`, `{token}`, `{permissions}`, " +
				"`{repositories}`, `{expires}` and `{rule}` stand for those of the request",
			example: `"{permissions} on {repositories} is for an App; ask in #platform"`,
		},
		ruleMode,
	},
	rules: []rule{{key: "do", is: "wait", not: "reason", hint: "nobody is told of a request that waits; take it out"}},
}

var grantRuleShape = &shape{
	name: "An entry of grants",
	fields: []*field{
		ruleName,
		{key: "if", kind: object, of: conditionShape.of("grants"), required: true, about: "which ones", example: "{unused-for: 90d}"},
		{
			key: "do", words: []string{"notice", "revoke", "keep"}, required: true,
			about: "`notice` to its owner, `revoke`, or `keep`, which passes the later rules by", example: "keep",
		},
		ruleNotice,
		ruleMode,
	},
	rules: []rule{{key: "notice", only: "do", word: "revoke", hint: "only what ends has an end to tell of; take it out"}},
}

var authorizationRuleShape = &shape{
	name: "An entry of sso",
	fields: []*field{
		ruleName,
		{key: "if", kind: object, of: conditionShape.of("sso"), required: true, about: "which ones", example: "{kind: classic}"},
		{
			key: "do", words: []string{"notice", "withdraw", "keep"}, required: true,
			about: "`notice` to its owner, `withdraw`, or `keep`, which passes the later rules by. What is withdrawn " +
				"can't be authorized again",
			example: "keep",
		},
		ruleNotice,
		ruleMode,
	},
	rules: []rule{{key: "notice", only: "do", word: "withdraw", hint: "only what ends has an end to tell of; take it out"}},
}

var leaksShape = &shape{
	name: "leaks",
	fields: []*field{
		{
			key: "do", words: []string{"report", "revoke"}, required: true,
			about: "`report` them, or `revoke` them, whoever made them", example: "report",
		},
		{
			key: "kinds", kind: list, words: leakKinds, unique: true, defaultWords: "all five",
			about:   "prefixes of the tokens: `ghp`, `github_pat`, `gho`, `ghu` and `ghr`",
			example: "[ghp, github_pat]",
		},
		{
			key: "resolve", kind: boolean, defaultText: "false",
			about: "close the alert afterwards, with `do: revoke`", example: "true",
		},
	},
	rules: []rule{{key: "resolve", only: "do", word: "revoke", hint: "an alert of a token that works is not resolved; take it out"}},
}

var leakKinds = []string{"ghp", "github_pat", "gho", "ghu", "ghr"}

var protectShape = &shape{
	name:       "protect",
	atLeastOne: true,
	hint:       "name owners or tokens, or take protect out",
	fields: []*field{
		{key: "owners", kind: list, form: login, unique: true, about: "logins", example: "[acme-release-bot]"},
		{
			key: "token-ids", kind: integers, least: 1, most: 1<<53 - 1, unique: true,
			about: "ids of tokens, as reports show them", example: "[98716]",
		},
	},
}

var limitsShape = &shape{
	name:       "limits",
	about:      "`0` is none at all.",
	atLeastOne: true,
	hint:       "give one of them, or take limits out",
	fields: []*field{
		{key: "approve", kind: integer, most: 10_000, defaultText: "100", about: "requests that are approved", example: "100"},
		{key: "deny", kind: integer, most: 10_000, defaultText: "100", about: "requests that are denied", example: "100"},
		{key: "revoke", kind: integer, most: 10_000, defaultText: "20", about: "grants that are revoked", example: "20"},
		{key: "withdraw", kind: integer, most: 10_000, defaultText: "10", about: "authorizations that are withdrawn", example: "10"},
		{
			key: "share", kind: integer, least: 1, most: 100, form: percent, defaultText: "10",
			about: "percent of an organization's grants or authorizations; to end more has to be confirmed", example: "10",
		},
	},
}

var noticesShape = &shape{
	name:  "notices",
	about: "Each owner has one issue there. It is edited in place, and closed when nothing is left to tell.",
	fields: []*field{
		{key: "repository", form: repositoryName, required: true, about: "one repository", example: "acme/token-desk"},
		{
			key: "mention", words: []string{"owner", "nobody"}, defaultText: "nobody",
			about: "`owner` lets GitHub tell them", example: "owner",
		},
	},
}
