//go:build !nodemo

package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// The key goes to a new file; standard output is the step alone.
func TestSetupWritesAFile(t *testing.T) {
	p, file := newPerson(t), filepath.Join(t.TempDir(), "key.pem")
	exit := p.make(t, "-organization", "acme", "-operations", "git push\nPOST /repos/{owner}/{repo}/pulls", "-key-file", file)
	if exit != exitOK {
		t.Fatalf("exit %d\n%s", exit, &p.log)
	}
	p.checkHidden(t)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := githubapp.ParseKey(redact.New(string(text))); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	got := p.stdout.String()
	if !strings.HasPrefix(got, "- uses: valetkey/valetkey@v1\n") || !strings.Contains(got, "pull_requests: write") {
		t.Errorf("standard output is\n%s", got)
	}
	for _, want := range []string{
		"valetkey-mint-acme", "It is installed on acme", "A token was minted with exactly these permissions, and revoked",
		"gh secret set APP_PRIVATE_KEY", "POST /app-manifests/***: 201",
	} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, &p.log)
		}
	}
	if tokens := p.Tokens(); len(tokens) != 1 || tokens[0].Permissions["pull_requests"] != "write" {
		t.Errorf("%+v", tokens)
	}
	// A second run would overwrite the file, and makes nothing.
	p.ResetRequests()
	if exit := p.run(t.Context(), "-permissions", "contents: read", "-key-file", file); exit != exitFailure || len(p.Requests()) > 0 {
		t.Errorf("exit %d, %v", exit, p.Requests())
	}
	if !strings.Contains(p.log.String(), "can't be written: there is something of that name already") {
		t.Errorf("the log says\n%s", &p.log)
	}
}

// Without gh, an App that may write secrets stores its own key.
func TestSetupStoresByTheApp(t *testing.T) {
	for _, c := range []struct {
		name        string
		permissions string
		store       []string
		where       fakegithub.Place
		all         bool
	}{
		{
			"repository", "secrets: write, actions_variables: write",
			[]string{"-store", "acme/api"},
			fakegithub.Place{Owner: "acme", Repository: "api"},
			false,
		},
		{
			"organization", "organization_secrets: write, organization_actions_variables: write",
			[]string{"-store", "acme", "-visible-to", "api,web", "-secret", "KEEPER_KEY", "-variable", "KEEPER_ID"},
			fakegithub.Place{Owner: "acme"},
			true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPerson(t)
			exit := p.make(t, append(c.store, "-organization", "acme", "-permissions", c.permissions)...)
			if exit != exitOK {
				t.Fatalf("exit %d\n%s", exit, &p.log)
			}
			p.checkHidden(t)
			c.where.App = "actions"
			secrets := p.Secrets(c.where)
			if len(secrets) != 1 || !strings.Contains(secrets[0].Value, "PRIVATE KEY") {
				t.Fatalf("%d secrets", len(secrets))
			}
			if !strings.Contains(p.stdout.String(), "secrets."+secrets[0].Name+" }}") {
				t.Errorf("the step does not read %s:\n%s", secrets[0].Name, &p.stdout)
			}
			if c.all && len(secrets[0].Repositories) != 2 {
				t.Errorf("it is seen by %v", secrets[0].Repositories)
			}
			// The next run finds the names taken, by another App perhaps.
			again := append(c.store, "-organization", "acme", "-permissions", c.permissions, "-name", "another one")
			exit = p.makeAnother(t, again...)
			if exit != exitFailure || !strings.Contains(p.log.String(), "exists, and is not overwritten") {
				t.Errorf("exit %d\n%s", exit, &p.log)
			}
			if !strings.Contains(p.log.String(), "Its key was not kept anywhere") {
				t.Errorf("it does not say what exists:\n%s", &p.log)
			}
		})
	}
}

// makeAnother is make with an empty log.
func (p *person) makeAnother(t *testing.T, args ...string) (exit int) {
	t.Helper()
	p.log.text.Reset()
	return p.make(t, args...)
}

const ghLooks = "api repos/acme/api/actions/secrets/public-key --silent\n" +
	"api repos/acme/api/actions/secrets/APP_PRIVATE_KEY --silent\n" +
	"api repos/acme/api/actions/variables/APP_CLIENT_ID --silent\n"

// gh gets the key on its standard input, and nothing of it as an argument.
func TestSetupStoresByGH(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for gh is a shell script")
	}
	for _, c := range []struct {
		name, answers string // of the stand-in, by its first words
		store         []string
		want          string // its calls
		exit          int
	}{
		{
			"repository", "",
			[]string{"-store", "acme/api"},
			"auth status --hostname HOST\n" + ghLooks + ghLooks + "secret set APP_PRIVATE_KEY --repo acme/api\n" +
				"api repos/acme/api/actions/variables --method POST --input - --silent\n" +
				`{"name":"APP_CLIENT_ID","value":"Iv23li…"}` + "\n", exitOK,
		},
		{
			"organization", "",
			[]string{"-store", "acme", "-visible-to", "api, web"},
			"api repos/acme/api --jq .id\napi repos/acme/web --jq .id\n" +
				"secret set APP_PRIVATE_KEY --org acme --visibility selected --repos api,web\n" +
				"api orgs/acme/actions/variables --method POST --input - --silent\n" +
				`{"name":"APP_CLIENT_ID","selected_repository_ids":[7,7],"value":"Iv23li…","visibility":"selected"}` + "\n", exitOK,
		},
		{
			"everybody", "",
			[]string{"-store", "acme", "-visible-to", "all"},
			`{"name":"APP_CLIENT_ID","value":"Iv23li…","visibility":"all"}` + "\n", exitOK,
		},
		{"taken", "api*secrets/APP*) exit 0;;", []string{"-store", "acme/api"}, "", exitFailure},
		{"not allowed", "api*) echo 'gh: Forbidden (HTTP 403)' >&2; exit 1;;", []string{"-store", "acme/api"}, "", exitFailure},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, dir := newPerson(t), t.TempDir()
			script := "#!/bin/sh\nprintf '%s\\n' \"$*\" >> " + dir + "/calls\ncase \"$*\" in\n" + c.answers + `
*public-key*) exit 0;;
*POST*) IFS= read -r body; printf '%s\n' "$body" >> ` + dir + `/calls;;
*.id) echo 7;;
api*) echo 'gh: Not Found (HTTP 404)' >&2; exit 1;;
'secret set'*) while IFS= read -r line; do printf '%s\n' "$line"; done > ` + dir + "/key;;\nesac\n"
			if err := os.WriteFile(filepath.Join(dir, "gh"), []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir)
			args := append(c.store, "-organization", "acme", "-permissions", "contents: read")
			run := p.make
			if c.exit != exitOK {
				run = func(t *testing.T, args ...string) int { return p.run(t.Context(), args...) }
			}
			if exit := run(t, args...); exit != c.exit {
				t.Fatalf("exit %d\n%s", exit, &p.log)
			}
			p.checkHidden(t)
			calls, err := os.ReadFile(filepath.Join(dir, "calls"))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.ReplaceAll(string(calls), strings.TrimPrefix(p.web, "http://"), "HOST")
			got = regexp.MustCompile(`Iv23li\w+`).ReplaceAllString(got, "Iv23li…")
			if !strings.HasSuffix(got, c.want) {
				t.Errorf("gh was called\n%s\nwant\n%s", got, c.want)
			}
			if key, err := os.ReadFile(filepath.Join(dir, "key")); (err == nil) != (c.exit == exitOK) {
				t.Errorf("gh got %d bytes of a key, %v", len(key), err)
			} else if _, wrong := githubapp.ParseKey(redact.New(string(key))); err == nil && wrong != nil {
				t.Errorf("gh got a key that %v", wrong)
			}
			if c.exit != exitOK && len(p.Requests()) > 0 {
				t.Errorf("an App was made all the same: %v", p.Requests())
			}
		})
	}
}

// Nothing is made on Ctrl-C, and it says so.
func TestSetupIsStopped(t *testing.T) {
	p := newPerson(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() {
		done <- p.run(ctx, "-permissions", "contents: read", "-key-file", filepath.Join(t.TempDir(), "key.pem"))
	}()
	p.waitFor(t, pageAddress)
	cancel()
	if exit := <-done; exit != exitFailure || !strings.HasSuffix(p.log.String(), "\nNothing was made.\n") {
		t.Errorf("exit %d\n%s", exit, &p.log)
	}
}

// The link makes nothing and asks nobody.
func TestSetupLink(t *testing.T) {
	p := newPerson(t)
	exit := run(t.Context(), Process{
		Getenv: func(name string) string { return p.env[name] }, Environ: func() []string { return nil }, Stdout: &p.stdout, Stderr: &p.log,
	}, "setup", "-organization", "acme", "-scopes", "repo:status", "-link", "-github-api-url", "https://ghes.test/api/v3")
	want := "https://ghes.test/organizations/acme/settings/apps/new?description="
	if got := p.stdout.String(); exit != exitOK || !strings.HasPrefix(got, want) || !strings.Contains(got, "&statuses=write&") {
		t.Errorf("exit %d: %s\n%s", exit, got, &p.log)
	}
	if len(p.Requests()) > 0 {
		t.Errorf("%v", p.Requests())
	}
}

// GitHub would accept every workflow that is printed.
func TestSetupWorkflows(t *testing.T) {
	file := filepath.Join(t.TempDir(), "valetkey.yml")
	if err := os.WriteFile(file, []byte(setupManifest), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(file))
	for name, given := range map[string]setupFlags{
		"mint":   {For: "mint", Permissions: "contents: read"},
		"sync":   {For: "sync", Manifest: "valetkey.yml"},
		"rotate": {For: "rotate", Manifest: file},
		"pats":   {For: "pats", Store: "acme/api", Secret: "KEEPER_KEY", Variable: "KEEPER_ID"},
	} {
		if given.API = publicAPI; given.Store == "" {
			given.KeyFile = "key.pem"
		}
		req, err := given.parse(Process{Getenv: func(string) string { return "" }, Stderr: &watched{}}.plain())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text := req.workflow()
		for _, want := range map[string][]string{
			"sync":   {`manifest: "valetkey.yml"`, "NPM_TOKEN: ${{ secrets.NPM_TOKEN }}"},
			"rotate": {"valetkey/rotate@v1"},
			"pats":   {"secrets.KEEPER_KEY", "vars.KEEPER_ID"},
		}[name] {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %s:\n%s", name, want, text)
			}
		}
		if strings.Contains(text, "manifest:") != (name == "sync") {
			t.Errorf("%s:\n%s", name, text)
		}
		if name == "mint" {
			text = "on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n" + indented(indented(indented(text)))
		}
		linter, err := actionlint.NewLinter(&bytes.Buffer{}, &actionlint.LinterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if faults, err := linter.Lint("setup.yml", []byte(text), nil); err != nil || len(faults) > 0 {
			t.Errorf("%s: %v, %v in:\n%s", name, faults, err, text)
		}
	}
}
