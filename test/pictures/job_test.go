// Package pictures_test makes the texts that the pictures in docs/pictures are
// made from, by running the program against an embedded GitHub, and tells
// whether those pictures are still of these texts.
package pictures_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/cli"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
)

// start is the time at which every scene begins.
var start = time.Date(2026, time.December, 1, 9, 0, 0, 0, time.UTC)

// job is a job whose steps run the program, on the GitHub that they meet.
type job struct {
	*fakegithubtest.GitHub
	dir     string
	summary string // of all its steps
	log     string
}

// newJob waits for the time at which scenes begin. It has to be called in a
// bubble of testing/synctest, whose time goes by at once.
func newJob(t *testing.T, manifest string) *job {
	t.Helper()
	time.Sleep(time.Until(start))
	permissions := map[string]string{
		"metadata": "read", "contents": "write", "issues": "write", "administration": "write", "actions": "read", "environments": "write",
		"organization_personal_access_token_requests": "write", "organization_personal_access_tokens": "write",
		"organization_administration": "write", "members": "read", "secret_scanning_alerts": "write",
	}
	for _, name := range []string{"secrets", "dependabot_secrets", "actions_variables"} {
		permissions[name], permissions["organization_"+name] = "write", "write"
	}
	j := &job{dir: t.TempDir(), GitHub: fakegithubtest.New(t, fakegithubtest.Setup{
		App: fakegithub.App{
			ID: 917, ClientID: "Iv23liPICTUREkeeper0", Slug: "acme-keeper", Owner: "acme", Permissions: permissions,
		},
		Repositories: []string{"api", "web-1", "web-2", "web-legacy", "infra", "app", "token-desk"},
		Installation: fakegithub.Installation{ID: 4242},
	})}
	j.AddEnvironment("acme", "api", "production")
	j.write(t, ".github/valetkey.yml", manifest)
	j.write(t, "event.json", `{"repository": {"default_branch": "main"}}`)
	j.write(t, ".git/HEAD", commit)
	return j
}

const commit = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e"

func (j *job) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(j.dir, name)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600))
	if err != nil {
		t.Fatal(err)
	}
}

// step runs the main stage of an action with inputs, and variables whose names
// are in capitals. It adds to the job's summary and log, and returns the exit
// code.
func (j *job) step(t *testing.T, action string, given map[string]string) int {
	t.Helper()
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/website", "GITHUB_REPOSITORY_OWNER": "acme", "GITHUB_REPOSITORY_ID": "4711",
		"GITHUB_API_URL": "https://api.github.com", "GITHUB_SERVER_URL": "https://github.com",
		"GITHUB_WORKSPACE": j.dir, "GITHUB_EVENT_NAME": "schedule", "GITHUB_EVENT_PATH": filepath.Join(j.dir, "event.json"),
		"GITHUB_REF": "refs/heads/main", "GITHUB_SHA": commit,
		"INPUT_CLIENT-ID": j.App.ClientID, "INPUT_PRIVATE-KEY": fakegithubtest.PEM(fakegithubtest.Key()),
	}
	for name, value := range given {
		if name != strings.ToUpper(name) {
			name = "INPUT_" + strings.ToUpper(name)
		}
		env[name] = value
	}
	for _, file := range []string{"OUTPUT", "STATE", "ENV", "STEP_SUMMARY"} {
		j.write(t, file, "")
		env["GITHUB_"+file] = filepath.Join(j.dir, file)
	}
	t.Chdir(j.dir) // where a step starts
	var out strings.Builder
	code := cli.Main(cli.Process{
		Args: []string{"valetkey", action}, Stdout: &out, Stderr: &out, Stdin: strings.NewReader(""),
		Getenv: func(name string) string { return env[name] },
		Environ: func() (list []string) {
			for name, value := range env {
				list = append(list, name+"="+value)
			}
			return list
		},
		Transport: transporttest.InMemory{Handler: j.GitHub},
	})
	summary, err := os.ReadFile(filepath.Join(j.dir, "STEP_SUMMARY"))
	if err != nil {
		t.Fatal(err)
	}
	j.summary += string(summary)
	j.log += out.String()
	return code
}
