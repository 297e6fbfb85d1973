package manifest

import (
	"fmt"
	"strings"
)

// Example is a manifest that shows most features.
const Example = `secrets:
  - name: NPM_TOKEN              # at the target
    from: env:NPM_TOKEN          # a variable of the step; the one of the same name by default
    to:
      - repositories: [acme/web-*, "!acme/web-legacy", acme/api, topic:payments]
        apps: [actions, dependabot, codespaces, agents]
      - repositories: [acme/api]
        environments: [production]
        create-environments: true
      - organization: acme
        visibility: selected     # or all, or private
        selected: [acme/web-*]
  - name: DEPLOY_TOKEN
    from: mint                   # a fresh installation token
    mint: {repositories: [acme/infra], permissions: {contents: read}}
    to: [{repositories: [acme/app]}]

rotations:
  - name: infra-deploy-key
    deploy-key:
      repository: acme/infra
      title: ci
      read-only: true
    every: 30d
    keep: 1
    retire-after: 1h
    store:
      - {repository: acme/app, secret: INFRA_DEPLOY_KEY}
      - {organization: acme, secret: INFRA_DEPLOY_KEY, visibility: selected, selected: [acme/web-*]}
  - name: renovate-token
    installation-token: {repositories: ["acme/*"], permissions: {contents: write, pull_requests: write}}
    every: 45m
    store: [{repository: acme/renovate, secret: RENOVATE_TOKEN, apps: [actions, dependabot]}]
  - name: cache-key
    random: {bytes: 32, encoding: hex}
    every: 90d
    store: [{repository: acme/api, environment: production, secret: CACHE_KEY}]
  - name: age-identity
    age: {}
    every: 180d
    store: [{repository: acme/app, secret: VALETKEY_IDENTITY, recipient-variable: VALETKEY_RECIPIENT}]

pats:
  organizations: [acme]
  mode: audit                    # tell only; enforce acts
  requests:                      # the first rule that matches decides; without one, a person has to
    - name: readers of ci
      if:
        team: platform
        repositories: [acme/ci-*]
        at-most: {repository: {contents: read, actions: read}}
        expires-within: 30d
        reason: "[A-Z]+-[0-9]+"  # a ticket
      do: approve
    - name: too much
      if: {any-of: {repository: {administration: write, secrets: write}, organization: {members: write}}}
      do: deny
      reason: "{permissions} on {repositories} is for an App; ask again with less, or in #platform"
  grants:
    - {name: left, if: {membership: not-a-member}, do: revoke}
    - {name: unused, if: {unused-for: 90d, granted-for: 30d}, do: revoke, notice: 14d}
    - {name: no end, if: {never-expires: true}, do: notice}
    - {name: outgrown, if: {would-be: deny, any-repository: ["acme/*", "!acme/sandbox-*"]}, do: revoke, notice: 30d, mode: audit}
  sso:                           # the only sight of classic tokens; what is withdrawn can't be authorized again
    - name: broad
      if:
        kind: classic
        scopes: [admin:org, delete_repo]
      do: withdraw
      notice: 14d
  leaks: {do: revoke, kinds: [ghp, github_pat], resolve: true}
  protect: {owners: [acme-release-bot], token-ids: [98716]}
  limits: {approve: 100, deny: 100, revoke: 20, withdraw: 10, share: 10%}
  notices: {repository: acme/token-desk, mention: owner}
`

const intro = `<!-- Made by go generate ./internal/manifest. DO NOT EDIT. -->
# The manifest

` + "`.github/valetkey.yml`" + ` says which secrets go where, which credentials are replaced how often, and what becomes of
personal access tokens. It holds names only, never a value.

` + "```yaml\n" + Example + "```\n"

const outro = `
## How it is read

- A repository is ` + "`OWNER/NAME`" + `. In the name ` + "`*`" + ` stands for any characters, ` +
	"`?`" + ` for one, ` + "`[a-z]`" + ` for one of these; in
  the owner nothing does. Case doesn't count.
- ` + "`topic:NAME`" + ` is about the owners that the same list names, ` + "`topic:OWNER/NAME`" + ` about one.
- ` + "`!`" + ` in front excludes, wherever it stands in the list.
- Anchors and aliases (` + "`&name`, `*name`" + `) repeat a whole value. Merge keys and tags are refused, like keys that are not
  listed here.
`

// Reference returns the text of docs/manifest.md.
func Reference() string {
	var out strings.Builder
	out.WriteString(intro)
	for _, s := range shapes() {
		fmt.Fprintf(&out, "\n## %s\n", s.name)
		if s.about != "" {
			fmt.Fprintf(&out, "\n%s\n", s.about)
		}
		if len(s.fields) == 0 {
			continue
		}
		out.WriteString("\n| key | meaning | default |\n|---|---|---|\n")
		for _, f := range s.fields {
			fmt.Fprintf(&out, "| `%s` | %s | %s |\n", f.key, f.aboutInDocs(), f.defaultInDocs())
		}
	}
	out.WriteString(outro)
	return out.String()
}

// aboutInDocs returns what a key means, after the lists that have it.
func (f *field) aboutInDocs() string {
	if f.lists == "" {
		return f.about
	}
	return f.lists + ": " + f.about
}

// defaultInDocs returns the default for a reader.
func (f *field) defaultInDocs() string {
	switch {
	case f.required:
		return "required"
	case f.defaultText != "" && f.kind == list:
		return "`[" + f.defaultText + "]`"
	case f.defaultText != "":
		return "`" + f.defaultText + "`"
	}
	return f.defaultWords
}
