package cli

import (
	"crypto/rand"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fault"
)

// foreignInputs are all inputs that the actions which people come from ever
// had, taken from each version of their action.yml.
var foreignInputs = map[string]string{
	"tibdex/github-app-token": "app_id private_key installation_id installation_retrieval_mode installation_retrieval_payload " +
		"permissions repositories repository repository_ids revoke github_api_url",
	"peter-murray/workflow-application-token-action": "application_id application_private_key permissions organization " +
		"github_api_base_url https_proxy ignore_environment_proxy revoke_token",
	"getsentry/action-github-app-token": "app_id private_key scope base64_pem_key repo_name installation_id",
	"navikt/github-app-token-generator": "private-key app-id repo",
	"actions/create-github-app-token": "app-id client-id private-key owner repositories enterprise skip-token-revoke " +
		"github-api-url",
}

// Every input of those actions is one of ours, or a fault that says what to do.
func TestForeignInputs(t *testing.T) {
	schema := schemaOf("")
	declared := map[string]bool{}
	for _, in := range schema.Inputs {
		declared[in.Name] = true
	}
	for action, names := range foreignInputs {
		for _, name := range strings.Fields(names) {
			_, _, err := parse(t, map[string]string{"INPUT_" + strings.ToUpper(name): "x"})
			const problem = "is not an input of this action"
			if told := err != nil && strings.Contains(err.Error(), "input "+name+": "+problem); told == declared[name] {
				t.Errorf("%s of %s: declared is %v, and the fault: %v", name, action, declared[name], err)
			}
		}
	}
	for name, known := range renamed {
		if known.ours != "" && !declared[known.ours] {
			t.Errorf("%s leads to %s, which is no input", name, known.ours)
		}
		if declared[name] {
			t.Errorf("%s is an input: the line would never be looked at", name)
		}
	}
}

func TestCheckNames(t *testing.T) {
	for _, c := range []struct {
		action, variable, shown, hint string // no hint: the name is left alone
	}{
		{"", "INPUT_APP_ID", "app_id", "it is called app-id here"},
		{"", "INPUT_app-id", "app-id", "write its variable in capitals: INPUT_APP-ID"},
		{"", "INPUT_CLIENTID", "clientid", "it is called client-id here"},
		{"", "INPUT_INSTALLATON-ID", "installaton-id", "it is called installation-id here"},
		{"", "INPUT_PEM", "pem", "it is called private-key here"},
		{"", "INPUT_ROLE_TO_ASSUME", "role_to_assume", "it is called aws-role-to-assume here"},
		{"", "INPUT_VAULT_ROLE", "vault_role", "it is called vault-role here"},
		{"", "INPUT_REPO", "repo", "it is called repositories here"},
		{"", "INPUT_SCOPES_", "scopes_", "it is called scopes here"},
		{"", "INPUT_PERMISSION_CHECK", "permission_check", "it is called permission-check here"},
		{"", "INPUT_PERMISSIONS_ISSUES", "permissions_issues", "a single permission is permission-issues here"},
		{"", "INPUT_PERMISSIONS_MODE", "", ""}, // with a value that is no level
		{"", "INPUT_DRY-RUN", "dry-run", noDryRun},
		{"", "INPUT_VERSION", "", ""},
		{"", "INPUT_TOKEN", "", ""},
		{"", "INPUT_BIT", "", ""},
		{"", "INPUT_PERMISSION_CONTENTS", "", ""}, // it is read
		{"", "INPUT_", "", ""},
		{"decrypt", "INPUT_KEY", "key", onlySigns},
		{"revoke", "INPUT_KEY", "key", onlySigns},
		{"encrypt", "INPUT_KEY", "", ""},
		{"decrypt", "INPUT_ENCRYPTED_TOKEN", "encrypted_token", "it is called encrypted-token here"},
		{"decrypt", "INPUT_REPOSITORY", "", ""},
		{"revoke", "INPUT_DRY_RUN", "dry_run", noDryRun},
		{"encrypt", "INPUT_NAME", "name", "it is called names here"},
		{"encrypt", "INPUT_RECIPIENT", "recipient", "it is called recipients here"},
		{"sync", "INPUT_DRY_RUN", "dry_run", "it is called dry-run here"},
		{"sync", "INPUT_STATEFILE", "statefile", "it is called state-file here"},
		{"rotate", "INPUT_DRYRUN", "dryrun", "it is called dry-run here"},
		{"rotate", "INPUT_PERMISSIONS", "", ""}, // of a shell that mints as well
	} {
		env := map[string]string{"GITHUB_ACTIONS": "true", c.variable: "some value"}
		var log strings.Builder
		p := Process{
			Getenv: func(name string) string { return env[name] }, Environ: func() []string { return environ(env) },
			Stdout: &log,
		}
		err := p.inputs(p.runner(), c.action).Err()
		got, want := "", ""
		if err != nil {
			got = fault.Text(err.(interface{ Unwrap() []error }).Unwrap()[0])
		}
		if c.hint != "" {
			want = "input " + c.shown + ": is not an input of this action\nhint: " + c.hint
		}
		if got != want {
			t.Errorf("%s, %s:\n%s\nwant\n%s", c.action, c.variable, got, want)
		}
		if log.Len() > 0 {
			t.Errorf("%s: the log is %q", c.variable, log.String())
		}
		env[c.variable] = ""
		if err := p.inputs(p.runner(), c.action).Err(); err != nil {
			t.Errorf("%s, empty: %v", c.variable, err)
		}
	}
}

// A proxy that the environment names is used.
func TestIgnoredProxyFalseIsWhatHappens(t *testing.T) {
	for value, want := range map[string]bool{"false": true, "true": false} {
		if _, _, err := parse(t, map[string]string{"INPUT_IGNORE_ENVIRONMENT_PROXY": value}); (err == nil) != want {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// A value that is a level shows that a permission was meant, whatever its name.
func TestPermissionsWithALevel(t *testing.T) {
	for value, want := range map[string]bool{"read": false, " Write": false, "admin": false, "0644": true, "roles.json": true} {
		if _, _, err := parse(t, map[string]string{"INPUT_PERMISSIONS-NEW-THING": value}); (err == nil) != want {
			t.Errorf("permissions-new-thing: %s: %v", value, err)
		}
	}
}

// An input that asks for what happens anyway is not a fault.
func TestRevokeTrueIsWhatHappens(t *testing.T) {
	for value, want := range map[string]bool{"true": true, " True": true, "false": false, "yes": false} {
		if _, _, err := parse(t, map[string]string{"INPUT_REVOKE": value, "INPUT_REVOKE_TOKEN": value}); (err == nil) != want {
			t.Errorf("revoke: %s: %v", value, err)
		}
	}
}

// A key under another name is masked before the fault is written.
func TestMisnamedKeyIsMasked(t *testing.T) {
	s := newStep(t, map[string]string{
		"INPUT_PRIVATE-KEY": "", "INPUT_PRIVATE_KEY": testKey(), "INPUT_PERMISSION-GHP_" + rand.Text() + rand.Text(): "read",
	})
	s.run(t, "mint")
	if s.exit != exitFailure || !strings.Contains(s.log.String(), "::add-mask::"+strings.Split(testKey(), "\n")[1]+"\n") {
		t.Errorf("exit %d: %s", s.exit, s.log.String())
	}
	if strings.Contains(strings.ToLower(s.log.String()), "ghp_") {
		t.Errorf("a token that was a name is shown: %s", s.log.String())
	}
}

// Git also runs in steps of other actions, whose inputs are in the environment.
// The helper ignores these, except those that say what the token may do.
func TestGitCredentialInOtherSteps(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want string // the permissions of the token, or the error
	}{
		{
			"actions/checkout",
			map[string]string{"INPUT_REPOSITORY": "acme/web", "INPUT_TOKEN": "x", "INPUT_REF": "main", "INPUT_SCOPE": "x"},
			"contents=read",
		},
		{"a permission by itself", map[string]string{"INPUT_PERMISSION-CONTENTS": "write"}, "contents=write"},
		{"with underscores", map[string]string{"INPUT_PERMISSION_ISSUES": "read"}, "issues=read"},
		{
			"a misspelt one",
			map[string]string{"INPUT_PERMISSION_CONTENT": "read"},
			"error: input permission_content: content: no permission of that name",
		},
		{"what is no permission", map[string]string{"INPUT_PERMISSION-CHECK": "strict"}, "contents=read"},
		{"an empty one", map[string]string{"INPUT_PERMISSION_ISSUES": ""}, "contents=read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.env["INPUT_PERMISSIONS"], c.env["GITHUB_ACTIONS"] = "", ""
			s := newStep(t, c.env)
			p := s.process(t)
			var out, log strings.Builder
			p.Args = []string{"valetkey", "git-credential", "get"}
			p.Stdout, p.Stderr, p.Stdin = &out, &log, strings.NewReader("protocol=https\nhost=github.test\npath=acme/api.git\n\n")
			Main(p)
			got, _, _ := strings.Cut(log.String(), "\n")
			for _, token := range s.Tokens() {
				var list []string
				for name, level := range token.Permissions {
					if name != "metadata" {
						list = append(list, name+"="+level)
					}
				}
				got = strings.Join(list, ",")
			}
			if got != c.want {
				t.Errorf("got %q, want %q; the log:\n%s", got, c.want, log.String())
			}
		})
	}
}

// The permissions of a manifest's tokens pass the same check as the mint's.
func TestManifestPermissions(t *testing.T) {
	const secrets = "secrets:\n  - {name: TOKEN, from: mint, mint: {repositories: [fleet/r0], permissions: {%}}, " +
		"to: [{repositories: [fleet/r0]}]}\n"
	const rotations = "rotations:\n  - {name: token, installation-token: {repositories: [fleet/r0], permissions: {%}}, every: 45m, " +
		"store: [{repository: fleet/r0, secret: TOKEN}]}\n"
	for _, c := range []struct {
		permissions, line, hint, warning string
	}{
		{"contents: read", "", "", ""},
		{"content: read", "permissions: content: no permission of that name", "did you mean contents?", ""},
		{"workflows: read", `permissions: workflows: "read" is not one of its levels`, "its only level is write", ""},
		{
			"id-token: write", "permissions: id_token: not a permission of an App, but a word of the workflow's own token",
			"it goes under the job's permissions:", "",
		},
		{"future-thing: read", "", "", "::warning::line 2: future_thing is not a permission this release knows"},
	} {
		for text, stage := range map[string]string{secrets: "sync", rotations: "rotate"} {
			s := newFleetStep(t, 1, strings.Replace(text, "%", c.permissions, 1), map[string]string{"INPUT_DRY-RUN": "true"})
			s.run(t, stage)
			line, hint := s.annotation("error")
			named := strings.Contains(line, c.line) && strings.Contains(line, "valetkey.yml:2") && strings.Contains(hint, c.hint)
			if c.line != "" && (!named || len(s.Requests()) != 0) {
				t.Errorf("%s: exit %d, %q, hint %q", c.permissions, s.exit, line, hint)
			}
			if c.line == "" && strings.Contains(line, "no permission") || !strings.Contains(s.log.String(), c.warning) {
				t.Errorf("%s: %q; %s", c.permissions, line, withoutMasks(s.log.String()))
			}
		}
	}
}

// The permissions in a policy are those that GitHub shows of personal access
// tokens. A manifest with nothing else is for another action.
func TestPolicyInAManifest(t *testing.T) {
	const policy = "pats:\n  organizations: [fleet]\n  grants:\n    - {name: a, if: {any-of: {%}}, do: keep}\n"
	const others = "add secrets: to it; docs/manifest.md says how; its pats: are for the action pats"
	for _, c := range []struct {
		permissions, line, hint, warning string
	}{
		{"repository: {contents: write}", "has no secrets to sync", others, ""},
		{"organization: {administration: write, members: read}", "has no secrets to sync", others, ""},
		{"repository: {hooks: write}", "has no secrets to sync", others, ""},
		{
			"repository: {contnets: write}", "valetkey.yml:4:21: repository: contnets: no permission of that name",
			"did you mean contents?", "",
		},
		{"organization: {member: write}", "organization: member: no permission of that name", "did you mean members?", ""},
		{
			"other: {future-thing: read}", "has no secrets to sync", others,
			"::warning::line 4: other: future_thing is not a permission of that family that this release knows",
		},
		{
			"repository: {members: write}", "has no secrets to sync", others,
			"::warning::line 4: repository: members is not a permission of that family that this release knows",
		},
		{"other: {starring: write}", "has no secrets to sync", others, ""},
	} {
		s := newFleetStep(t, 1, strings.Replace(policy, "%", c.permissions, 1), nil)
		s.run(t, "sync")
		line, hint := s.annotation("error")
		if s.exit != exitFailure || !strings.Contains(line, c.line) || hint != c.hint || len(s.Requests()) != 0 {
			t.Errorf("%s: exit %d, %q, hint %q", c.permissions, s.exit, line, hint)
		}
		log := withoutMasks(s.log.String())
		if !strings.Contains(log, c.warning) || c.warning == "" && strings.Contains(log, "::warning::") {
			t.Errorf("%s: %s", c.permissions, log)
		}
	}
	s := newFleetStep(t, 1, strings.Replace(policy, "%", "repository: {contents: write}", 1), nil)
	s.run(t, "rotate")
	if line, hint := s.annotation("error"); !strings.Contains(line, "has no rotations") || !strings.Contains(hint, "for the action pats") {
		t.Errorf("%q, hint %q", line, hint)
	}
}

// The table of docs/coming-from.md for people who come from other actions names
// every input of those actions, and each row leads to an input that exists.
func TestMigrationTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/coming-from.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n| there | here |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	declared := map[string]bool{"HTTPS_PROXY": true, "NO_PROXY": true, "env": true}
	for _, in := range schemaOf("").Inputs {
		declared[in.Name] = true
	}
	named := regexp.MustCompile("`([A-Za-z0-9_-]+)(?::[^`]*)?`")
	action, there := "", map[string]map[string]bool{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if name := strings.TrimSpace(cells[1]); strings.HasPrefix(name, "**") {
			action = strings.Trim(name, "*")
			there[action] = map[string]bool{}
			continue
		}
		for _, m := range named.FindAllStringSubmatch(cells[1], -1) {
			there[action][m[1]] = true
		}
		for _, m := range named.FindAllStringSubmatch(cells[2], -1) {
			if !declared[m[1]] {
				t.Errorf("%s leads to %s, which is no input", strings.TrimSpace(cells[1]), m[1])
			}
		}
	}
	for action, names := range foreignInputs {
		if action == "actions/create-github-app-token" {
			continue // it has a section of its own
		}
		for _, name := range strings.Fields(names) {
			if !there[action][name] {
				t.Errorf("%s of %s is not in the table", name, action)
			}
			delete(there[action], name)
		}
		for name := range there[action] {
			t.Errorf("%s has no input %s", action, name)
		}
	}
}
