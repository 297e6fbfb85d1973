//go:build !nodemo

package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/permission"
)

// Whatever is not understood, or would be ignored, is an error before anything
// is made.
func TestSetupRefuses(t *testing.T) {
	const file = "-key-file key.pem "
	for _, c := range []struct{ args, want string }{
		{"", "-store or -key-file says where the App's key goes, and neither is given"},
		{file, "what the App is for is not said"},
		{file + "-permissions contents:reed", `"reed" is not a level`},
		{file + "-permissions all", "an App can't ask for all permissions"},
		{file + "-scopes gist", "input scopes: gist: an installation token"},
		{file + "-operations GET", "input operations: "},
		{file + "-for mint -manifest a.yml -scopes repo", "-manifest is for -for sync, rotate or pats"},
		{file + "-for explain", `-for is "explain", which no App is for`},
		{file + "-for sync -manifest none.yml", `"none.yml" can't be read`},
		{file + "-organization a/b -scopes repo", "-organization is not the name of an organization"},
		{file + "-name a<b -scopes repo", "-name is not a name for an App"},
		{file + "-name " + strings.Repeat("a", 35) + " -scopes repo", "-name is not a name for an App"},
		{file + "-store acme/api -scopes repo", "-store can't be used with -key-file"},
		{file + "-secret KEY -scopes repo", "-secret needs -store"},
		{file + "-visible-to api -scopes repo", "-visible-to needs -store"},
		{file + "-github-api-url http://ghes.test -scopes repo", "-github-api-url is http, so that anybody on the way"},
		{file + "-github-api-url https://a:b@ghes.test -scopes repo", "-github-api-url holds a user name or password"},
		{"-link -scopes repo " + file, "-link can't be used with -key-file or -store"},
		{"-link -no-browser -scopes repo", "-link can't be used with -no-browser"},
		{"-store acme -scopes repo", "-visible-to is needed with -store ORGANIZATION"},
		{"-store acme -visible-to a/b -scopes repo", "-visible-to has what is not the name of a repository"},
		{"-store acme/api -visible-to all -scopes repo", "-visible-to is for the secret of an organization"},
		{"-store acme/a/b -scopes repo", "-store is neither OWNER/REPOSITORY nor the name of an organization"},
		{"-store acme/ -scopes repo", "-store is neither OWNER/REPOSITORY nor the name of an organization"},
		{"-store acme/api -secret GITHUB_KEY -scopes repo", "-secret is not a name: GITHUB_KEY"},
		{"-store acme/api -variable 1 -scopes repo", "-variable is not a name"},
		{"-store acme/api -scopes repo:status", "-store: gh is not signed in at HOST, and the App may not write to acme/api itself"},
		{
			"-organization acme -store other/api -permissions secrets:write,actions_variables:write",
			"the App may not write to other/api itself",
		},
		{file + "-organization= -scopes repo", "-organization is given, and empty"},
		{file + "-scopes repo more", `"more" is not one`},
	} {
		p := newPerson(t)
		t.Chdir(t.TempDir())
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // it would wait for a browser
		exit := p.run(ctx, strings.Fields(c.args)...)
		cancel()
		got := strings.ReplaceAll(p.log.String(), strings.TrimPrefix(p.web, "http://"), "HOST")
		if exit == exitOK || !strings.Contains(got, c.want) {
			t.Errorf("%s: exit %d, %s, want %s", c.args, exit, got, c.want)
		}
		if len(p.Requests()) > 0 || p.stdout.String() != "" {
			t.Errorf("%s: %v, %s", c.args, p.Requests(), &p.stdout)
		}
	}
}

// A job has nobody at a browser, and its log is for everybody.
func TestSetupIsNotForJobs(t *testing.T) {
	p := newPerson(t)
	p.env["GITHUB_ACTIONS"] = "true"
	exit := p.run(t.Context(), "-scopes", "repo", "-key-file", "key.pem")
	if exit != exitUsage || !strings.Contains(p.log.String(), "this is a job") {
		t.Errorf("exit %d, %s", exit, &p.log)
	}
}

// An API that does not answer is found out before there is an App whose key
// could not be received.
func TestSetupNeedsTheAPI(t *testing.T) {
	p := newPerson(t)
	p.SkipOpenAPI = true
	p.web += "/elsewhere"
	t.Chdir(t.TempDir())
	exit := p.run(t.Context(), "-scopes", "repo", "-key-file", "key.pem")
	if exit != exitFailure || !strings.Contains(p.log.String(), "reach GitHub's API") {
		t.Errorf("exit %d, %s", exit, &p.log)
	}
	if pageAddress.MatchString(p.log.String()) {
		t.Error("the page is served all the same")
	}
}

const setupManifest = `secrets:
  - name: NPM_TOKEN
    to:
      - repositories: [acme/web-*]
        apps: [actions, dependabot]
      - repositories: [acme/api]
        environments: [production]
        create-environments: true
  - name: READER
    mint: { repositories: [acme/api], permissions: { contents: read } }
    to:
      - organization: acme
        visibility: selected
        selected: [acme/api]
rotations:
  - name: key
    deploy-key: { repository: acme/infra, title: ci }
    every: 30d
    store:
      - { repository: other/app, secret: KEY }
  - name: identity
    age: {}
    every: 90d
    store:
      - { organization: acme, secret: IDENTITY, recipient-variable: RECIPIENT }
  - name: token
    installation-token: { repositories: [acme/api], permissions: { issues: write } }
    every: 45m
    store:
      - { repository: acme/api, environment: production, secret: TOKEN }
`

// What a manifest takes is what its action asks tokens for, and no more.
func TestSetupNeeds(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("valetkey.yml", []byte(setupManifest), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		purpose, manifest string
		want              permission.Set
		note              string
	}{
		{"sync", "valetkey.yml", permission.Set{
			"metadata": "read", "secrets": "write", "dependabot_secrets": "write", "environments": "write", "actions": "read",
			"administration": "write", "organization_secrets": "write", "contents": "read",
		}, ""},
		{"rotate", "valetkey.yml", permission.Set{
			"metadata": "read", "administration": "write", "secrets": "write", "organization_secrets": "write",
			"organization_actions_variables": "write", "issues": "write", "environments": "write",
		}, "the manifest is also about other, which an App of acme does not reach"},
		{"sync", "", permission.Set{"secrets": "write", "issues": "read"}, "without -manifest"},
		{"rotate", "", permission.Set{"secrets": "write"}, "deploy keys take administration: write"},
		{"pats", "", permission.Set{
			"organization_personal_access_token_requests": "read", "organization_personal_access_tokens": "read", "members": "read",
		}, "without -manifest this only reads"},
	} {
		given := setupFlags{API: publicAPI, Organization: "acme", For: c.purpose, Manifest: c.manifest, KeyFile: "key.pem"}
		if c.want["issues"] == "read" { // what is asked for by name adds up with the rest
			given.Permissions = "issues: read"
		}
		req, err := given.parse(Process{Getenv: func(string) string { return "" }, Stderr: &watched{}}.plain())
		if err != nil {
			t.Errorf("%s: %s", c.purpose, fault.Text(err))
			continue
		}
		if diff := cmp.Diff(c.want, req.Plan.Permissions); diff != "" {
			t.Errorf("%s, manifest %q: %s", c.purpose, c.manifest, diff)
		}
		if got := strings.Join(req.Notes, "\n"); !strings.Contains(got, c.note) || c.note == "" && got != "" {
			t.Errorf("%s: notes %q, want %q", c.purpose, got, c.note)
		}
	}
	if err := os.WriteFile("secrets.yml", []byte(setupManifest[:strings.Index(setupManifest, "rotations:")]), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, purpose := range []string{"rotate", "pats"} {
		given := setupFlags{API: publicAPI, For: purpose, Manifest: filepath.Join(".", "secrets.yml"), KeyFile: "key.pem"}
		_, err := given.parse(Process{Getenv: func(string) string { return "" }, Stderr: &watched{}}.plain())
		if err == nil || !strings.Contains(err.Error(), "has nothing for "+purpose) {
			t.Errorf("%s: %v", purpose, err)
		}
	}
}

const setupPolicy = `pats:
  organizations: [acme]
  mode: audit
  requests:
    - { name: a, if: { team: platform }, do: approve }
  grants:
    - { name: b, if: { unused-for: 90d }, do: revoke, notice: 14d }
  leaks: { do: revoke, resolve: true }
  notices: { repository: desk/tokens, mention: owner }
`

// A policy that only looks takes less than one that is enforced.
func TestSetupNeedsOfPolicy(t *testing.T) {
	t.Chdir(t.TempDir())
	for mode, level := range map[string]string{"audit": "read", "enforce": "write"} {
		if err := os.WriteFile("tokens.yml", []byte(strings.Replace(setupPolicy, "audit", mode, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		given := setupFlags{API: publicAPI, Organization: "ACME", For: "pats", Manifest: "tokens.yml", KeyFile: "key.pem"}
		req, err := given.parse(Process{Getenv: func(string) string { return "" }, Stderr: &watched{}}.plain())
		if err != nil {
			t.Fatal(fault.Text(err))
		}
		want := permission.Set{
			"organization_personal_access_token_requests": level, "organization_personal_access_tokens": level, "members": "read",
			"secret_scanning_alerts": level, "issues": level,
		}
		if diff := cmp.Diff(want, req.Plan.Permissions); diff != "" {
			t.Errorf("%s: %s", mode, diff)
		}
		if len(req.Notes) != 1 || !strings.HasPrefix(req.Notes[0], "the manifest is also about desk, which an App of ACME does not reach") {
			t.Errorf("%s: notes %q", mode, req.Notes)
		}
	}
}

func TestAppName(t *testing.T) {
	for organization, want := range map[string]string{
		"acme":                                "valetkey-rotate-acme",
		"an-organization-of-a-very-long-name": "valetkey-rotate-an-organization-of",
	} {
		f := setupFlags{For: "rotate", Organization: organization}
		if got := f.appName(); got != want || !isAppName(got) {
			t.Errorf("%s: %s", organization, got)
		}
	}
	if a, b := (&setupFlags{For: "mint"}).appName(), (&setupFlags{For: "mint"}).appName(); a == b || !isAppName(a) {
		t.Errorf("%s and %s: a name that somebody else has is refused", a, b)
	}
}
