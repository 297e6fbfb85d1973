package pictures_test

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakerunner"
)

const day = 24 * time.Hour

// scenes return the text of each picture, in Markdown.
var scenes = map[string]func(t *testing.T) string{
	"mint": mintScene, "sync": syncScene, "rotate": rotateScene, "pats": patsScene, "annotations": annotationsScene,
}

// mintScene is a job with two tokens: all is well with the first, and the
// second was asked for without permissions.
func mintScene(t *testing.T) string {
	j := newJob(t, "")
	j.succeed(t, "mint", map[string]string{"repositories": "api", "permissions": "contents: read, issues: write"})
	j.succeed(t, "mint", map[string]string{"repositories": "api, web-1", "operations": "git clone", "permissions": "issues: write"})
	return j.summary
}

// syncScene is the plan for a fleet in which somebody made a repository, and
// somebody else changed a secret by hand.
func syncScene(t *testing.T) string {
	j := newJob(t, `secrets:
  - name: NPM_TOKEN
    to:
      - repositories: [acme/web-*, "!acme/web-legacy"]
        apps: [actions, dependabot]
      - repositories: [acme/api]
        environments: [production]
      - organization: acme
  - {name: DATABASE_URL, to: [{repositories: [acme/api, acme/app]}]}
`)
	given := map[string]string{"NPM_TOKEN": "value of npm", "DATABASE_URL": "value of database", "state-file": "state"}
	j.succeed(t, "sync", given)
	time.Sleep(3 * day)
	j.AddRepository(fakegithub.Repository{Owner: "acme", Name: "web-3", Private: true})
	j.SetSecret(fakegithub.Place{Owner: "acme", Repository: "web-1"}, fakegithub.Secret{Name: "NPM_TOKEN", Value: "by hand"})
	j.summary = ""
	given["dry-run"], given["DATABASE_URL"] = "true", "another value"
	j.succeed(t, "sync", given)
	return j.summary
}

// rotateScene is a run after a month.
func rotateScene(t *testing.T) string {
	j := newJob(t, `rotations:
  - name: infra-deploy-key
    deploy-key: {repository: acme/infra, title: ci}
    every: 30d
    keep: 1
    store: [{repository: acme/app, secret: INFRA_DEPLOY_KEY}]
  - name: cache-passphrase
    random: {bytes: 32, encoding: hex}
    every: 90d
    store: [{repository: acme/api, secret: CACHE_PASSPHRASE}, {repository: acme/app, secret: CACHE_PASSPHRASE}]
  - name: jobs-identity
    age: {}
    every: 90d
    store: [{repository: acme/api, secret: VALETKEY_IDENTITY, recipient-variable: VALETKEY_RECIPIENT}]
`)
	j.succeed(t, "rotate", nil)
	time.Sleep(30*day + time.Hour)
	j.summary = ""
	j.succeed(t, "rotate", nil)
	return j.summary
}

// patsScene is a night in which a policy finds something of each kind.
func patsScene(t *testing.T) string {
	j := newJob(t, `pats:
  organizations: [acme]
  mode: enforce
  requests:
    - {name: readers, if: {team: platform, at-most: {repository: {contents: read}}, expires-within: 30d}, do: approve}
    - name: too much
      if: {any-of: {repository: {administration: write}}}
      do: deny
      reason: "{permissions} on {repositories} is for an App."
  grants:
    - {name: left, if: {membership: not-a-member}, do: revoke}
    - {name: unused, if: {unused-for: 90d, granted-for: 30d}, do: revoke, notice: 14d}
  leaks: {do: revoke, resolve: true}
  limits: {share: 50}
  notices: {repository: acme/token-desk, mention: owner}
`)
	j.SetOwner("acme", "olga")
	j.AddTeam("acme", "platform", "mona", "hubot")
	token := func(owner, name, may, level string, since, used time.Duration) fakegithub.FineGrainedToken {
		one := fakegithub.FineGrainedToken{
			Owner: owner, Name: name, Repositories: []string{"api"}, ExpiresAt: start.Add(20 * day), Since: start.Add(-since),
			Permissions: map[string]map[string]string{"repository": {"metadata": "read", may: level}},
		}
		if used > 0 {
			one.LastUsedAt = start.Add(-used)
		}
		return one
	}
	j.RequestAccess("acme", token("mona", "reader", "contents", "read", 0, 0))
	j.RequestAccess("acme", token("octocat", "manager", "administration", "write", 0, 0))
	j.GrantAccess("acme", token("hubot", "nightly", "contents", "write", 200*day, 120*day))
	j.GrantAccess("acme", token("mona", "release", "contents", "write", 90*day, 2*day))
	j.GrantAccess("acme", token("hubot", "old release", "contents", "write", 150*day, 100*day))
	j.GrantAccess("acme", token("mallory", "import", "issues", "write", 90*day, 30*day))
	j.RemoveMember("acme", "mallory")
	j.AuthorizeCredential("acme", fakegithub.Credential{Login: "octocat", Note: "laptop", Scopes: []string{"repo"}})
	j.AddAlert("acme", "api", fakegithub.Alert{Secret: j.Authorizations("acme")[0].Value})
	j.succeed(t, "pats", nil)
	return j.summary
}

// annotationsScene is what the page of a run shows of two steps that fail.
func annotationsScene(t *testing.T) string {
	j := newJob(t, "")
	j.fail(t, "mint", map[string]string{"repositories": "api", "permissions": "contents: read, pages: write"})
	j.fail(t, "mint", map[string]string{"repositories": "api", "permissions": "content: reed", "app_id": "917"})
	var b strings.Builder
	count := 0
	for line := range strings.Lines(j.log) {
		message, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "::error::")
		if !ok {
			continue
		}
		count++
		said := html.EscapeString(fakerunner.Unescape(message))
		fmt.Fprintf(&b, "<div class=\"annotation\"><strong>build</strong><pre>%s</pre></div>\n\n", said)
	}
	return fmt.Sprintf("#### Annotations\n\n%d errors\n\n%s", count, b.String())
}

// settled returns a text without what is another one in each run.
func settled(text string) string {
	text = regexp.MustCompile(`hashed_token:[A-Za-z0-9+/]{43}=`).ReplaceAllString(text,
		"hashed_token:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=") // of nothing
	text = strings.ReplaceAll(text, "https://api.github.com/organizations/", "https://github.com/organizations/") // the fake has one host
	return regexp.MustCompile(`\(request [0-9A-F:]+\)`).ReplaceAllString(text, "(request 1F2E:3D4C5B)")
}

func (j *job) succeed(t *testing.T, action string, given map[string]string) {
	t.Helper()
	if code := j.step(t, action, given); code != 0 {
		t.Fatalf("%s: exit %d:\n%s", action, code, shown(j.log))
	}
}

func (j *job) fail(t *testing.T, action string, given map[string]string) {
	t.Helper()
	if code := j.step(t, action, given); code == 0 {
		t.Fatalf("%s succeeds:\n%s", action, shown(j.log))
	}
}

// shown returns a log as people see it.
func shown(text string) string {
	var log fakerunner.Log
	for line := range strings.Lines(text) {
		log.Show(strings.TrimSuffix(line, "\n"))
	}
	return log.Shown()
}
