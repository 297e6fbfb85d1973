//go:build unix

// Package examples_test runs the workflows of examples as a runner would, as
// far as their steps use actions of ours, against an embedded GitHub. What is in
// those files is what runs: nothing of it is repeated here.
package examples_test

import (
	"crypto/rand"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/test/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// world is a GitHub that has what the examples name, and a workspace with their
// manifest.
type world struct {
	*fakegithubtest.GitHub
	program  string
	contexts map[string]string // what expressions stand for
	env      []string
	work     string
	dir      string
	summary  string // of the last step
}

func newWorld(t *testing.T) *world {
	t.Helper()
	permissions := map[string]string{
		"metadata": "read", "contents": "write", "issues": "write", "administration": "write", "actions": "read", "environments": "write",
		"organization_personal_access_token_requests": "write", "organization_personal_access_tokens": "write",
		"organization_administration": "write", "members": "read", "secret_scanning_alerts": "write",
	}
	for _, name := range []string{"secrets", "dependabot_secrets", "actions_variables"} {
		permissions[name], permissions["organization_"+name] = "write", "write"
	}
	github := fakegithubtest.New(t, fakegithubtest.Setup{
		App: fakegithub.App{ID: 917, ClientID: "Iv23liEXAMPLEkeeper0", Slug: "keeper", Owner: "acme", Permissions: permissions},
		Repositories: []string{
			"api", "shared", "web", "web-1", "web-2", "web-legacy", "app", "infra", "ci-tools", "token-desk", "deploy",
		},
		Installation: fakegithub.Installation{ID: 4242},
	})
	github.AddRepository(fakegithub.Repository{Owner: "acme", Name: "billing", Private: true, Topics: []string{"payments"}})
	github.AddEnvironment("acme", "api", "production")
	github.SetOwner("acme", "olga")
	github.AddTeam("acme", "platform", "mona")
	github.SetSingleSignOn("acme", true)
	github.SetAuditLog("acme", true)
	leaked := "ghp_" + rand.Text() + rand.Text()[:10]
	github.AuthorizeCredential("acme", fakegithub.Credential{Login: "mona", Note: "laptop", Scopes: []string{"repo"}, Value: leaked})
	github.GrantAccess("acme", fakegithub.FineGrainedToken{
		ID: 501, Owner: "mona", Name: "nightly", Repositories: []string{"api"}, Since: time.Now().Add(-time.Hour),
		Permissions: map[string]map[string]string{"repository": {"metadata": "read"}}, ExpiresAt: time.Now().Add(300 * 24 * time.Hour),
	})
	server := httptest.NewServer(github)
	t.Cleanup(server.Close)
	key := fakegithubtest.PEM(fakegithubtest.Key())
	path, err := exec.LookPath("valetkey")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{GitHub: github, program: path, dir: t.TempDir(), work: t.TempDir(), contexts: map[string]string{
		"vars.APP_CLIENT_ID": github.App.ClientID, "secrets.APP_PRIVATE_KEY": key,
		"vars.READER_CLIENT_ID": github.App.ClientID, "secrets.READER_PRIVATE_KEY": key,
		"secrets.NPM_TOKEN": "value of npm", "inputs.force": "", "inputs.compromised": "", "inputs.login": "mona", "inputs.confirm": "mona",
		"strategy.job-index": "3", "strategy.job-total": "10", "secrets.LEAKED_TOKENS": leaked,
	}}
	w.checkOut(t)
	w.env = []string{
		"GITHUB_API_URL=" + server.URL, "GITHUB_SERVER_URL=" + server.URL, "GITHUB_REPOSITORY=acme/api", "GITHUB_REPOSITORY_OWNER=acme",
		"GITHUB_WORKSPACE=" + w.work, "GITHUB_EVENT_NAME=schedule", "GITHUB_REF=refs/heads/main", "GITHUB_SHA=" + commit,
		"GITHUB_EVENT_PATH=" + filepath.Join(w.work, "event.json"), "GITHUB_REPOSITORY_ID=4711", "RUNNER_TEMP=" + w.dir,
	}
	return w
}

const commit = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e"

// checkOut makes the workspace a checkout of the default branch, which has the
// manifest of the examples.
func (w *world) checkOut(t *testing.T) {
	t.Helper()
	manifest, err := os.ReadFile("../../examples/valetkey.yml")
	for path, text := range map[string]string{
		".github/valetkey.yml": string(manifest), "event.json": `{"repository": {"default_branch": "main"}}`, ".git/HEAD": commit,
	} {
		path = filepath.Join(w.work, path)
		err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// stage runs a stage of a step, which has to succeed.
func (w *world) stage(t *testing.T, s fakerunner.Step) fakerunner.Result {
	t.Helper()
	s.Program, s.Dir, s.Work, s.Env = w.program, w.dir, w.work, slices.Concat(w.env, s.Env)
	result, err := fakerunner.Run(t.Context(), s)
	if err != nil || result.Exit != 0 {
		var log fakerunner.Log
		for _, line := range result.Log {
			log.Show(line)
		}
		t.Fatalf("%s %s: %v, exit %d:\n%s", s.Stage, s.Action, err, result.Exit, log.Shown())
	}
	if result.Summary != "" {
		w.summary = result.Summary
	}
	return result
}

// Every example does what it says, and leaves no token behind.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yml")
		if name == "valetkey" || name == "custody-aws" { // the manifest, and what takes a cloud
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			got := w.run(t, file)
			check, ok := checks[name]
			if !ok {
				t.Fatal("nothing says what this example does")
			}
			check(t, w, got)
			for _, token := range w.Tokens() {
				if w.Alive(token.Value) {
					t.Errorf("a token is alive afterwards, with %v", token.Permissions)
				}
			}
		})
	}
}

// checks say of each example what it does.
var checks = map[string]func(t *testing.T, w *world, got map[string]string){
	"mint":          opened,
	"mint-on-macos": opened,
	"another-job":   opened,
	"git-and-gh": func(t *testing.T, w *world, _ map[string]string) {
		t.Helper()
		if tokens := w.Tokens(); len(tokens) != 1 || !slices.Equal(tokens[0].Repositories, []string{"acme/api", "acme/shared"}) {
			t.Errorf("tokens %+v", tokens)
		}
	},
	"sync": func(t *testing.T, w *world, _ map[string]string) {
		t.Helper()
		production := fakegithub.Place{Owner: "acme", Repository: "api", Environment: "production"}
		if value, _ := w.SecretValue(production, "NPM_TOKEN"); value != "value of npm" {
			t.Errorf("NPM_TOKEN of production is %q", value)
		}
		if len(w.Secrets(fakegithub.Place{Owner: "acme", Repository: "web-legacy"})) > 0 {
			t.Error("web-legacy has a secret")
		}
	},
	"sync-ten-jobs": func(t *testing.T, w *world, _ map[string]string) {
		t.Helper()
		if !strings.HasPrefix(w.summary, "#### Secret sync\n") {
			t.Errorf("summary %q", w.summary)
		}
	},
	"rotate": func(t *testing.T, w *world, _ map[string]string) {
		t.Helper()
		passphrase, _ := w.SecretValue(fakegithub.Place{Owner: "acme", Repository: "web"}, "CACHE_PASSPHRASE")
		if len(w.DeployKeys("acme", "infra")) != 1 || len(passphrase) != 64 {
			t.Errorf("%d deploy keys, a passphrase of %d", len(w.DeployKeys("acme", "infra")), len(passphrase))
		}
	},
	"pats-requests":     audited,
	"pats-nightly":      audited,
	"pats-pull-request": audited,
	"pats-bad-day": func(t *testing.T, w *world, _ map[string]string) {
		t.Helper()
		if len(w.Grants("acme")) > 0 || len(w.Authorizations("acme")) > 0 {
			t.Errorf("grants %v, authorizations %v", w.Grants("acme"), w.Authorizations("acme"))
		}
	},
	"pats-before-a-ban": func(t *testing.T, w *world, _ map[string]string) {
		t.Helper()
		if !strings.HasPrefix(w.summary, "#### Before classic tokens are forbidden\n") || !strings.Contains(w.summary, "mona") {
			t.Errorf("summary %q", w.summary)
		}
	},
}

// audited checks that a policy was asked, and nothing changed.
func audited(t *testing.T, w *world, _ map[string]string) {
	t.Helper()
	if !strings.Contains(w.summary, "**Nothing was changed**") || len(w.Grants("acme")) != 1 {
		t.Errorf("grants %v, summary %q", w.Grants("acme"), w.summary)
	}
}

// opened checks that a token opened acme/api alone, to read.
func opened(t *testing.T, w *world, _ map[string]string) {
	t.Helper()
	tokens := w.Tokens()
	if len(tokens) != 1 || !slices.Equal(tokens[0].Repositories, []string{"acme/api"}) || tokens[0].Permissions["contents"] != "read" {
		t.Errorf("tokens %+v", tokens)
	}
}
