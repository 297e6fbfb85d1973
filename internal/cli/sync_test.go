package cli

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/internal/secret"
)

// newFleetDay is a day with the organization fleet, where the App may do all that
// sync and rotate take, and a manifest. Its repositories are r0, r1 and so on.
func newFleetDay(t *testing.T, repositories int, manifest string, env map[string]string) *day {
	t.Helper()
	d := newDay(t, env)
	for i := range repositories {
		d.AddRepository(fakegithub.Repository{Owner: "fleet", Name: fmt.Sprintf("r%d", i), Private: true})
	}
	permissions := map[string]string{"metadata": "read", "contents": "write", "actions": "read", "administration": "write", "environments": "write"}
	for _, name := range []string{"secrets", "dependabot_secrets", "codespaces_secrets", "agent_secrets", "actions_variables"} {
		permissions[name], permissions["organization_"+name] = "write", "write"
	}
	d.AddAccount(fakegithub.Account{Login: "fleet", Type: "Organization"})
	d.Install(fakegithub.Installation{ID: 4245, AppID: 917, Account: "fleet", All: true, Permissions: permissions})
	d.env["INPUT_MANIFEST"] = filepath.Join(t.TempDir(), "valetkey.yml")
	d.write(t, manifest)
	return d
}

// write puts another manifest in the place of the one before.
func (d *day) write(t *testing.T, manifest string) {
	t.Helper()
	if err := os.WriteFile(d.env["INPUT_MANIFEST"], []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (d *day) outputs(t *testing.T) map[string]string {
	t.Helper()
	written, err := fakerunner.ReadPairs(d.env["GITHUB_OUTPUT"])
	if err != nil {
		t.Fatal(err)
	}
	return written
}

const oneSecret = `
secrets:
  - name: VALUE
    to:
      - repositories: ["fleet/*"]
`

const oneRotation = `
rotations:
  - {name: webhook, random: {}, every: 90d, store: [{repository: fleet/r0, secret: WEBHOOK}]}
`

func TestSyncFaults(t *testing.T) {
	for _, c := range []struct {
		name     string
		env      map[string]string
		manifest string
		line     string
		hint     string
	}{
		{"no manifest", map[string]string{"INPUT_MANIFEST": "no/such.yml"}, oneSecret, `input manifest: "no/such.yml" can't be read: no such file or directory`, "checkout"},
		{"no value", map[string]string{"VALUE": ""}, oneSecret, "VALUE: the variable VALUE is empty or not set", "env: VALUE: ${{ secrets.VALUE }}"},
		{"the runner's own", map[string]string{"ACTIONS_RUNTIME_TOKEN": "opensesame"}, strings.Replace(oneSecret, "    to:", "    from: env:ACTIONS_RUNTIME_TOKEN\n    to:", 1), "VALUE: the variable ACTIONS_RUNTIME_TOKEN is the runner's own", "under another name"},
		{"too large", map[string]string{"VALUE": strings.Repeat("x", secret.MaxValue+1)}, oneSecret, "the value of VALUE has 49153 bytes, and GitHub takes 49152", "encrypted file"},
		{"token and App", map[string]string{"INPUT_TOKEN": "abcd"}, oneSecret, "input token: can't be used with client-id, app-id or private-key", "give the App, or a token"},
		{"prune without state", map[string]string{"INPUT_PRUNE": "true"}, oneSecret, "input prune: needs state-file", "only the state file tells"},
		{"state without App", map[string]string{"INPUT_TOKEN": "abcd", "INPUT_CLIENT-ID": "", "INPUT_PRIVATE-KEY": "", "INPUT_STATE-FILE": "x"}, oneSecret, "input state-file: can't be used with token", "fingerprints"},
		{"shard", map[string]string{"INPUT_SHARD": "10/10"}, oneSecret, `input shard: "10/10" is no INDEX/TOTAL`, "strategy.job-index"},
		{"concurrency", map[string]string{"INPUT_CONCURRENCY": "101"}, oneSecret, `input concurrency: "101" is no number from 1 to 100`, "leave it out"},
		{"points", map[string]string{"INPUT_POINTS-PER-MINUTE": "many"}, oneSecret, `input points-per-minute: "many" is no number`, "leave it out"},
		{"one file for two", map[string]string{"INPUT_STATE-FILE": "a/../b", "INPUT_REPORT-FILE": "b"}, oneSecret, "input report-file: is the state-file", "a file of its own"},
		{"no such directory", map[string]string{"INPUT_REPORT-FILE": "no/such/report.json"}, oneSecret, "input report-file: is in a directory that is not there", "make the directory"},
		{"two targets that disagree", nil, `
secrets:
  - name: VALUE
    to:
      - {organization: fleet}
      - {organization: fleet, visibility: all}
`, "VALUE for organization fleet comes from line 5 too", "let one target name it"},
		{"points for no write", map[string]string{"INPUT_POINTS-PER-MINUTE": "4"}, oneSecret, "input points-per-minute: is less than one write costs, which is 5", "5 or more"},
		{"mint with a token", map[string]string{"INPUT_TOKEN": "abcd", "INPUT_CLIENT-ID": "", "INPUT_PRIVATE-KEY": ""}, `
secrets:
  - {name: T, from: mint, mint: {repositories: [fleet/r0], permissions: {contents: read}}, to: [{repositories: [fleet/r1]}]}
`, "from: mint takes an App, and the step has a token", "client-id"},
		{"said twice", nil, oneSecret + `
  - name: value
    from: env:VALUE
    to: [{repositories: [fleet/r0]}]
`, "value for fleet/r0 comes from line 5 too", "! leaves a repository out"},
		{"rotated as well", nil, oneSecret + `
rotations:
  - {name: w, random: {}, every: 90d, store: [{repository: fleet/R1, secret: value}]}
`, "VALUE for fleet/r1 is what the rotation of line 8 stores", "let one of the two write it"},
		{"nothing to sync", nil, `
rotations:
  - {name: w, random: {}, every: 90d, store: [{repository: fleet/r0, secret: W}]}
`, "has no secrets to sync", "docs/manifest.md"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newFleetDay(t, 2, c.manifest, map[string]string{"VALUE": "opensesame-value"})
			maps.Copy(d.env, c.env)
			d.run(t, "sync")
			if line, hint := d.said("error"); d.exit != exitFailure || !strings.Contains(line, c.line) || !strings.Contains(hint, c.hint) {
				t.Errorf("exit %d, %q, hint %q", d.exit, line, hint)
			}
			for _, r := range d.Requests() {
				if r.Method == "PUT" {
					t.Errorf("%s %s", r.Method, r.Path)
				}
			}
			d.checkHidden(t)
		})
	}
}

// Each token opens what its part of the plan takes, and no two kinds are mixed.
func TestSyncTokensOpenThePlanAndNoMore(t *testing.T) {
	d := newFleetDay(t, 4, `
secrets:
  - name: VALUE
    to:
      - repositories: [fleet/r0, fleet/r1]
        apps: [actions, dependabot]
      - repositories: [fleet/r2]
        environments: [staging]
        create-environments: true
      - organization: fleet
        apps: [codespaces]
`, map[string]string{"VALUE": "opensesame-value"})
	d.run(t, "sync")
	if d.exit != exitOK {
		t.Fatal(d.log.String())
	}
	var got []string
	for _, token := range d.Tokens() {
		if d.Alive(token.Value) {
			t.Error("a token is alive")
		}
		got = append(got, fmt.Sprintf("%s %d %v", token.RepositorySelection, len(token.Repositories), token.Permissions))
	}
	slices.Sort(got)
	want := []string{
		"all 4 map[organization_codespaces_secrets:write]",
		"selected 1 map[actions:read administration:write metadata:read]",
		"selected 3 map[dependabot_secrets:write environments:write metadata:read secrets:write]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if value, _ := d.SecretValue(fakegithub.Place{Owner: "fleet", Repository: "r2", Environment: "staging"}, "VALUE"); value != "opensesame-value" {
		t.Errorf("the environment has %q", value)
	}
}

// A token does as well as the App, for what it opens.
func TestSyncByToken(t *testing.T) {
	d := newFleetDay(t, 3, oneSecret, map[string]string{"VALUE": "opensesame-value"})
	d.env["INPUT_REPOSITORIES"], d.env["INPUT_OWNER"], d.env["INPUT_PERMISSIONS"] = "*", "fleet", "secrets: write"
	d.run(t, "mint")
	token := d.outputs(t)["token"]
	d.next(t, map[string]string{"INPUT_TOKEN": token, "INPUT_CLIENT-ID": "", "INPUT_PRIVATE-KEY": ""})
	d.run(t, "sync")
	if got := d.outputs(t)["created"]; got != "3" || !d.Alive(token) {
		t.Errorf("created %q, and the token is alive: %t\n%s", got, d.Alive(token), d.log.String())
	}
}

// A token that was minted to be stored, and that no target took, is revoked: nobody
// has it.
func TestSyncRevokesWhatNobodyTook(t *testing.T) {
	d := newFleetDay(t, 2, `
secrets:
  - {name: T, from: mint, mint: {repositories: [fleet/r0], permissions: {contents: read}}, to: [{repositories: [fleet/r1]}]}
`, nil)
	d.Inject(fakegithub.Fault{Method: "PUT", Status: 403, Body: `{"message":"Resource not accessible by integration"}`})
	d.lies = true
	d.run(t, "sync")
	if got := d.outputs(t)["failed"]; got != "1" || d.exit != exitFailure {
		t.Errorf("failed %q, exit %d", got, d.exit)
	}
	for _, token := range d.Tokens() {
		if d.Alive(token.Value) {
			t.Error("a token is alive")
		}
	}
	d.checkHidden(t)
}

// What the App was not granted fails the targets that take it, and no others.
func TestSyncWithoutAPermission(t *testing.T) {
	d := newFleetDay(t, 3, `
secrets:
  - name: VALUE
    to:
      - repositories: [fleet/r0, fleet/r1]
      - repositories: [fleet/r2]
        apps: [dependabot]
      - organization: fleet
        apps: [actions, codespaces]
`, map[string]string{"VALUE": "opensesame-value"})
	permissions := map[string]string{"metadata": "read", "secrets": "write", "organization_secrets": "write"}
	d.Install(fakegithub.Installation{ID: 4245, AppID: 917, Account: "fleet", All: true, Permissions: permissions})
	d.run(t, "sync")
	if out := d.outputs(t); out["created"] != "3" || out["failed"] != "2" || d.exit != exitFailure {
		t.Errorf("exit %d, %v: %s", d.exit, out, d.log.String())
	}
	if log := d.log.String(); !strings.Contains(log, "::error::VALUE for fleet/r2 (dependabot): the installation on fleet lacks dependabot_secrets: write%0Ahint: add it in the App's settings") {
		t.Error(log)
	}
}

// A repository that was renamed answers a write with a redirect. As a GET, which a
// client makes of a 301, it would pass for success.
func TestSyncIsNotFooledByARedirect(t *testing.T) {
	d := newFleetDay(t, 1, oneSecret, map[string]string{"VALUE": "opensesame-value"})
	d.Inject(fakegithub.Fault{Method: "PUT", Status: 301, Header: map[string]string{"Location": "https://api.github.test/repos/fleet/r0"}, Body: `{"message":"Moved Permanently"}`})
	d.lies = true
	d.run(t, "sync")
	line, hint := d.said("error")
	if d.outputs(t)["failed"] != "1" || !strings.Contains(line, "leads to another address") || !strings.Contains(hint, "renamed") {
		t.Errorf("%q, hint %q", line, hint)
	}
}

// What a step leaves for later ones belongs to whoever owns the workspace.
func TestSyncHandsItsFilesOver(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root, which the container runs as, can give files away")
	}
	workspace := t.TempDir()
	if err := os.Chown(workspace, 1001, 1002); err != nil {
		t.Fatal(err)
	}
	files := []string{".valetkey/sync/state", "report.json"}
	d := newFleetDay(t, 1, oneSecret, map[string]string{
		"VALUE": "opensesame-value", "INPUT_STATE-FILE": filepath.Join(workspace, files[0]), "INPUT_REPORT-FILE": filepath.Join(workspace, files[1]),
	})
	d.run(t, "sync")
	for _, name := range append(files, ".valetkey", ".valetkey/sync") {
		info, err := os.Stat(filepath.Join(workspace, name))
		if err != nil {
			t.Fatal(err)
		}
		if owner := fmt.Sprintf("%+v", info.Sys()); !strings.Contains(owner, "Uid:1001 Gid:1002") {
			t.Errorf("%s: %s", name, owner)
		}
	}
}

func TestSyncPlanTellsWhatLimitsAllow(t *testing.T) {
	d := newFleetDay(t, 120, `
secrets:
  - {name: A, from: env:VALUE, to: [{repositories: ["fleet/*"]}]}
  - {name: B, from: env:VALUE, to: [{repositories: ["fleet/*"]}]}
  - {name: C, from: env:VALUE, to: [{repositories: ["fleet/*"]}]}
`, map[string]string{"VALUE": "opensesame-value", "INPUT_DRY-RUN": "true"})
	d.SetRequestsPerHour(300)
	d.run(t, "sync")
	log := d.log.String()
	// 120 keys and 360 writes; the hour has 300 requests less those of the plan itself.
	if !strings.Contains(log, "needs 1,920 points and 480 requests: at least 2 h 0 min (fleet has 300 requests an hour, 176 of them left)") {
		t.Error(log[max(0, len(log)-600):])
	}
	d.next(t, nil)
	d.SetRequestsPerHour(0)
	d.run(t, "sync")
	for _, r := range d.Requests() {
		if r.Method == "PUT" {
			t.Fatalf("a dry run sent %s", r.Path)
		}
	}
}

// What a step that is being cancelled has written is known to the next one, and its
// tokens are revoked.
func TestSyncCancelled(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	d := newFleetDay(t, 40, oneSecret, map[string]string{"VALUE": "opensesame-value", "INPUT_STATE-FILE": state, "INPUT_CONCURRENCY": "2"})
	d.SetLatency(2 * time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	var written atomic.Int64
	d.onWrite = func() {
		if written.Add(1) == 10 {
			cancel()
		}
	}
	d.exit = run(ctx, d.process(t), "sync")
	if d.exit != exitFailure || !strings.Contains(d.log.String(), "cancelled") {
		t.Errorf("exit %d: %s", d.exit, d.log.String())
	}
	for _, token := range d.Tokens() {
		if d.Alive(token.Value) {
			t.Error("a token is alive")
		}
	}
	d.next(t, nil)
	d.run(t, "sync")
	if out := d.outputs(t); out["failed"] != "0" || out["unchanged"] < "8" {
		t.Errorf("the next run: %v", out)
	}
}

func TestProgressOnATerminalIsABar(t *testing.T) {
	var out bytes.Buffer
	show := newProgress(Process{Stdout: &out, Terminal: true, Getenv: func(string) string { return "" }}, nil, 2)
	show.shown = time.Time{}
	show.add(secret.Result{Outcome: secret.Created})
	show.add(secret.Result{Outcome: secret.Failed})
	show.end()
	if text := out.String(); !strings.Contains(text, "[####################....................] 1 of 2: 1 created") || !strings.HasSuffix(text, "] 2 of 2: 1 created, 1 failed\n") {
		t.Errorf("%q", text)
	}
}

// Where one secret of an organization would do the work of many, a dry run says so;
// and without a limit of points it promises nothing of the time.
func TestSyncPlanAdvises(t *testing.T) {
	d := newFleetDay(t, 12, `
secrets:
  - {name: EVERYWHERE, from: env:VALUE, to: [{repositories: ["fleet/*"]}]}
  - {name: MOST, from: env:VALUE, to: [{repositories: ["fleet/*", "!fleet/r1"]}]}
  - {name: FEW, from: env:VALUE, to: [{repositories: [fleet/r1, fleet/r2]}]}
`, map[string]string{"VALUE": "opensesame-value", "INPUT_DRY-RUN": "true", "INPUT_POINTS-PER-MINUTE": "0"})
	d.run(t, "sync")
	log := d.log.String()
	for _, want := range []string{
		"\nEVERYWHERE goes to all 12 repositories of fleet: if that is an organization, one secret of its own takes 1 write instead of 12\n",
		"\nMOST goes to 11 repositories of fleet: if that is an organization, one secret of its own with visibility: selected takes 1 write instead of 11\n",
		"points and 37 requests: no limit of points is set, and what GitHub's own make of it is not known\n",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("it does not say %q:\n%s", want, log[max(0, len(log)-900):])
		}
	}
	if strings.Contains(log, "FEW goes to") {
		t.Error("advice for two repositories")
	}
}
