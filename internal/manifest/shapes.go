package manifest

var fileShape = &shape{
	name:       "The file",
	about:      "At least one of the three.",
	atLeastOne: true,
	hint:       "list secrets to copy under secrets:, credentials to replace under rotations:, rules for personal tokens under pats:",
	fields: []*field{
		{
			key: "secrets", kind: objects, of: secretShape,
			about:   "secrets, and where they go",
			example: "[{name: NPM_TOKEN, to: [{repositories: [acme/api]}]}]",
		},
		{
			key: "rotations", kind: objects, of: rotationShape,
			about:   "credentials that are replaced again and again",
			example: "[{name: cache-key, random: {}, every: 90d, store: [{repository: acme/api, secret: CACHE_KEY}]}]",
		},
		{
			key: "pats", kind: object, of: patsShape,
			about:   "what becomes of the personal access tokens of organizations",
			example: "{organizations: [acme], leaks: {do: report}}",
		},
	},
}

var secretShape = &shape{
	name:  "An entry of secrets",
	about: "The same name may come twice, with other targets.",
	fields: []*field{
		{key: "name", required: true, form: secretName, about: "its name at the target", example: "NPM_TOKEN"},
		{
			key: "from", form: valueSource, private: true,
			about:        "`env:VARIABLE`, a variable of the step that holds the value, or `mint`, a fresh installation token",
			defaultWords: "`env:` and the name",
			example:      "env:NPM_TOKEN",
		},
		{
			key: "mint", kind: object, of: scopeShape,
			about:   "what that token opens; means `from: mint`",
			example: "{repositories: [acme/infra], permissions: {contents: read}}",
		},
		{key: "to", kind: objects, of: targetShape, required: true, about: "where it goes", example: "[{repositories: [acme/api]}]"},
	},
	rules: []rule{
		{
			key: "from", is: "mint", needs: "mint",
			hint: "say what the token opens, such as mint: {repositories: [acme/infra], permissions: {contents: read}}",
		},
		{key: "mint", only: "from", word: "mint", hint: "take out one of them"},
	},
}

var targetShape = &shape{
	name:       "An entry of to",
	about:      "Repositories, environments of them, or an organization.",
	exactlyOne: []string{"repositories", "organization"},
	hint:       "name one of them; make two entries for both",
	fields: []*field{
		{
			key: "repositories", kind: list, form: repositoryPattern,
			about: "names, patterns (`*`, `?`, `[a-z]`) and topics; `!` excludes. Patterns and topics pass " +
				"archived repositories by",
			example: "[acme/web-*, acme/api]",
		},
		{
			key: "environments", kind: list, form: environmentName, unique: true,
			about:   "environments of the repositories, instead of themselves",
			example: "[production]",
		},
		{
			key: "create-environments", kind: boolean, defaultText: "false",
			about:   "make those that are missing; without it a missing one is an error",
			example: "true",
		},
		{key: "organization", form: organizationName, about: "an organization's own secrets", example: "acme"},
		{
			key: "apps", kind: list, words: apps, unique: true, defaultText: "actions",
			about:   "which secrets: of Actions, Dependabot, Codespaces or coding agents",
			example: "[actions, dependabot]",
		},
		{
			key: "visibility", words: visibilities,
			defaultWords: "what it has",
			about:        "which repositories see an organization's secret: `all`, `private` or `selected`",
			example:      "private",
		},
		{
			key: "selected", kind: list, form: repositoryPattern,
			about:   "those repositories, with `visibility: selected`",
			example: "[acme/web-*]",
		},
		{
			key: "allow-empty", kind: boolean, defaultText: "false",
			about:   "patterns, topics and exclusions may select nothing today; without it that is an error",
			example: "true",
		},
	},
	rules: []rule{
		{
			key: "environments", needs: "repositories", only: "apps", word: "actions",
			hint: "environments belong to repositories, and only Actions reads their secrets",
		},
		{key: "create-environments", needs: "environments", hint: "name the environments, or take it out"},
		{key: "visibility", needs: "organization", hint: "only an organization's secret has a visibility; take it out"},
		{
			key: "selected", needs: "visibility", only: "visibility", word: "selected",
			hint: "write visibility: selected, or take the list out",
		},
		{key: "visibility", is: "selected", needs: "selected", hint: "say which repositories see it, such as selected: [acme/web-*]"},
	},
}

var scopeShape = &shape{
	name:  "mint and installation-token",
	about: "What a token opens.",
	fields: []*field{
		{
			key: "repositories", kind: list, form: repositoryPattern, required: true,
			about:   "repositories of one owner, as in `to`; `acme/*` alone is all of them",
			example: "[acme/infra]",
		},
		{
			key: "permissions", kind: levels, form: permissionName, words: accesses, required: true,
			about:   "what it may do there, `read`, `write` or `admin`, as in [permissions.md](permissions.md)",
			example: "{contents: read}",
		},
	},
}

var rotationShape = &shape{
	name:       "An entry of rotations",
	about:      "Exactly one of `deploy-key`, `installation-token`, `random` and `age`.",
	exactlyOne: []string{"deploy-key", "installation-token", "random", "age"},
	hint:       "say what is replaced, by one of them; make two entries for two",
	fields: []*field{
		{key: "name", required: true, form: rotationName, about: "its name, no other rotation's", example: "cache-key"},
		{
			key: "deploy-key", kind: object, of: deployKeyShape,
			about:   "an SSH key of one repository",
			example: "{repository: acme/infra, title: ci}",
		},
		{
			key: "installation-token", kind: object, of: scopeShape,
			about:   "a token of the App; it lives for an hour, so `every` is at most `50m`",
			example: "{repositories: [acme/*], permissions: {contents: write}}",
		},
		{key: "random", kind: object, of: randomShape, about: "random bytes", example: "{bytes: 32, encoding: hex}"},
		{key: "age", kind: object, of: ageShape, about: "an age identity", example: "{}"},
		{
			key: "every", kind: duration, form: interval, required: true,
			about: "how old it gets: a number and one of `m`, `h`, `d`, `w`, at least `10m`. It is replaced " +
				"by the first run after that, and schedules come late: leave them room",
			example: "30d",
		},
		{
			key: "keep", kind: integer, defaultText: "1", least: 0, most: 10,
			about: "deploy keys: how many replaced ones stay until the next rotation. One that can write " +
				"never stays with `read-only: true`",
			example: "1",
		},
		{
			key: "retire-after", kind: duration, form: grace,
			defaultWords: "`1h`, or `every` where that is less",
			about: "deploy keys: for how long a replaced one stays at least, for jobs that have read it: a " +
				"number and one of `m`, `h`, `d`, `w`, at most `every`; `0m` is not at all. The first run " +
				"after that removes it",
			example: "1h",
		},
		{
			key: "store", kind: objects, of: storeShape, required: true,
			about:   "where the new value goes",
			example: "[{repository: acme/app, secret: CACHE_KEY}]",
		},
	},
	rules: []rule{
		{key: "keep", needs: "deploy-key", hint: "only deploy keys have generations to keep; take it out"},
		{
			key: "retire-after", needs: "deploy-key",
			hint: "any other value is overwritten, and nothing of it is left to retire; take it out",
		},
	},
}

var deployKeyShape = &shape{
	name: "deploy-key",
	about: "A key's title ends with an id of the repository that keeps the manifest, the manifest's path and " +
		"the rotation's name. Keys with that id are this rotation's, whatever stands before it; all others " +
		"are left alone. So when the manifest moves or the rotation gets another name, run it once with " +
		"`force`, and remove its old keys by hand.",
	fields: []*field{
		{key: "repository", required: true, form: repositoryName, about: "whose key it is", example: "acme/infra"},
		{
			key: "title", required: true, form: keyTitle,
			about:   "what its title begins with, up to 60 characters; it may be changed",
			example: "ci",
		},
		{
			key: "read-only", kind: boolean, defaultText: "true",
			about: "`false` lets the key push. When it becomes `true`, the next run replaces the key and " +
				"removes the one that can write at once",
			example: "true",
		},
	},
}

var randomShape = &shape{
	name: "random",
	about: "For what only your own workflows share. Nothing changes at another side that holds the same " +
		"value, such as the settings of a webhook: that would go on with the old one.",
	fields: []*field{
		{key: "bytes", kind: integer, defaultText: "32", least: 16, most: 1024, about: "how many", example: "32"},
		{key: "encoding", words: encodings, defaultText: "hex", about: "`hex`, `base64` or `base64url`", example: "hex"},
	},
}

var ageShape = &shape{name: "age", about: "An empty mapping. A new identity is stored; its recipient can become a variable."}

var storeShape = &shape{
	name:       "An entry of store",
	about:      "A repository, an environment of it, or an organization.",
	exactlyOne: []string{"repository", "organization"},
	hint:       "name one of them; make two entries for both",
	fields: []*field{
		{key: "repository", form: repositoryName, about: "one repository", example: "acme/app"},
		{key: "environment", form: environmentName, about: "an environment of it", example: "production"},
		{key: "organization", form: organizationName, about: "an organization's own secret", example: "acme"},
		{key: "secret", required: true, form: secretName, private: true, about: "the secret's name", example: "CACHE_KEY"},
		{key: "apps", kind: list, words: apps, unique: true, defaultText: "actions", about: "as in `to`", example: "[actions, dependabot]"},
		{key: "visibility", words: visibilities, defaultWords: "what it has", about: "as in `to`", example: "private"},
		{key: "selected", kind: list, form: repositoryPattern, about: "as in `to`", example: "[acme/web-*]"},
		{key: "allow-empty", kind: boolean, defaultText: "false", about: "as in `to`", example: "true"},
		{
			key: "recipient-variable", form: secretName, private: true,
			about: "age: the Actions variable that gets the recipient. One that holds anything else, or was " +
				"written by somebody else, is an error",
			example: "VALETKEY_RECIPIENT",
		},
	},
	rules: []rule{
		{
			key: "environment", needs: "repository", only: "apps", word: "actions",
			hint: "an environment belongs to a repository, and only Actions reads its secrets",
		},
		{key: "visibility", needs: "organization", hint: "only an organization's secret has a visibility; take it out"},
		{
			key: "selected", needs: "visibility", only: "visibility", word: "selected",
			hint: "write visibility: selected, or take the list out",
		},
		{key: "visibility", is: "selected", needs: "selected", hint: "say which repositories see it, such as selected: [acme/web-*]"},
		{key: "allow-empty", needs: "selected", hint: "it is about the list of selected repositories; take it out"},
		{
			key: "recipient-variable", not: "environment",
			hint: "the variable belongs to the repository; store it by an entry without environment",
		},
	},
}
