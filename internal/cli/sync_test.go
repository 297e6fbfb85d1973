package cli

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/secret"
)

func TestSyncFaults(t *testing.T) {
	for _, c := range []struct {
		name     string
		env      map[string]string
		manifest string
		line     string
		hint     string
	}{
		{
			"no manifest",
			map[string]string{"INPUT_MANIFEST": "no/such.yml"},
			oneSecret,
			`input manifest: "no/such.yml" can't be read: no such file or directory`, "checkout",
		},
		{
			"no value",
			map[string]string{"VALUE": ""},
			oneSecret, "VALUE: the variable VALUE is empty or not set",
			"env: VALUE: ${{ secrets.VALUE }}",
		},
		{
			"the runner's own",
			map[string]string{"ACTIONS_RUNTIME_TOKEN": "opensesame"},
			strings.Replace(oneSecret, "    to:", "    from: env:ACTIONS_RUNTIME_TOKEN\n    to:", 1),
			"VALUE: the variable ACTIONS_RUNTIME_TOKEN is the runner's own", "under another name",
		},
		{
			"too large",
			map[string]string{"VALUE": strings.Repeat("x", secret.MaxValue+1)},
			oneSecret,
			"the value of VALUE has 49153 bytes, and GitHub allows 49152", "encrypted file",
		},
		{
			"token and App",
			map[string]string{"INPUT_TOKEN": "abcd"},
			oneSecret,
			"input token: can't be used with client-id, app-id, private-key or key", "give the App, or a token",
		},
		{
			"prune without state",
			map[string]string{"INPUT_PRUNE": "true"},
			oneSecret, "input prune: needs state-file",
			"only the state file shows",
		},
		{
			"state without App",
			map[string]string{"INPUT_TOKEN": "abcd", "INPUT_CLIENT-ID": "", "INPUT_PRIVATE-KEY": "", "INPUT_STATE-FILE": "x"},
			oneSecret,
			"input state-file: can't be used with token", "fingerprints",
		},
		{
			"shard",
			map[string]string{"INPUT_SHARD": "10/10"},
			oneSecret,
			`input shard: "10/10" is not of the form INDEX/TOTAL`, "strategy.job-index",
		},
		{
			"concurrency",
			map[string]string{"INPUT_CONCURRENCY": "101"},
			oneSecret,
			`input concurrency: "101" is not a number from 1 to 100`, "leave it out",
		},
		{
			"points",
			map[string]string{"INPUT_POINTS-PER-MINUTE": "many"},
			oneSecret,
			`input points-per-minute: "many" is not a number`, "leave it out",
		},
		{
			"one file for two",
			map[string]string{"INPUT_STATE-FILE": "a/../b", "INPUT_REPORT-FILE": "b"},
			oneSecret,
			"input report-file: is the state-file", "a file of its own",
		},
		{
			"no such directory",
			map[string]string{"INPUT_REPORT-FILE": "no/such/report.json"},
			oneSecret,
			"input report-file: is in a directory that is not there", "make the directory",
		},
		{"two targets that disagree", nil, `
secrets:
  - name: VALUE
    to:
      - {organization: fleet}
      - {organization: fleet, visibility: all}
`, "VALUE for organization fleet is also on line 5", "let one target name it"},
		{
			"points for no write",
			map[string]string{"INPUT_POINTS-PER-MINUTE": "4"},
			oneSecret,
			"input points-per-minute: is less than one write costs, which is 5", "5 or more",
		},
		{"mint with a token", map[string]string{"INPUT_TOKEN": "abcd", "INPUT_CLIENT-ID": "", "INPUT_PRIVATE-KEY": ""}, `
secrets:
  - {name: T, from: mint, mint: {repositories: [fleet/r0], permissions: {contents: read}}, to: [{repositories: [fleet/r1]}]}
`, "from: mint needs an App, and the step has a token", "client-id"},
		{"said twice", nil, oneSecret + `
  - name: value
    from: env:VALUE
    to: [{repositories: [fleet/r0]}]
`, "value for fleet/r0 is also on line 5", "! leaves a repository out"},
		{"rotated as well", nil, oneSecret + `
rotations:
  - {name: w, random: {}, every: 90d, store: [{repository: fleet/R1, secret: value}]}
`, "VALUE for fleet/r1 is stored by the rotation of line 8", "let one of the two write it"},
		{"nothing to sync", nil, `
rotations:
  - {name: w, random: {}, every: 90d, store: [{repository: fleet/r0, secret: W}]}
`, "has no secrets to sync", "docs/manifest.md"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newFleetStep(t, 2, c.manifest, map[string]string{"VALUE": "opensesame-value"})
			maps.Copy(s.env, c.env)
			s.run(t, "sync")
			if line, hint := s.annotation("error"); s.exit != exitFailure || !strings.Contains(line, c.line) ||
				!strings.Contains(hint, c.hint) {
				t.Errorf("exit %d, %q, hint %q", s.exit, line, hint)
			}
			for _, r := range s.Requests() {
				if r.Method == "PUT" {
					t.Errorf("%s %s", r.Method, r.Path)
				}
			}
			s.checkHidden(t)
		})
	}
}

// GitHub answers a write to a renamed repository with a redirect. A client
// would turn the 301 into a GET, and take its answer for success.
func TestSyncIsNotFooledByARedirect(t *testing.T) {
	s := newFleetStep(t, 1, oneSecret, map[string]string{"VALUE": "opensesame-value"})
	s.Inject(fakegithub.Fault{
		Method: "PUT", Status: 301, Header: map[string]string{"Location": "https://api.github.test/repos/fleet/r0"},
		Body: `{"message":"Moved Permanently"}`,
	})
	s.SkipOpenAPI = true
	s.run(t, "sync")
	line, hint := s.annotation("error")
	if s.outputs(t)["failed"] != "1" || !strings.Contains(line, "leads to another address") || !strings.Contains(hint, "renamed") {
		t.Errorf("%q, hint %q", line, hint)
	}
}

// Files that a step leaves for later ones belong to the owner of the workspace.
func TestSyncHandsItsFilesOver(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root, which the container runs as, can give files away")
	}
	workspace := t.TempDir()
	if err := os.Chown(workspace, 1001, 1002); err != nil {
		t.Fatal(err)
	}
	files := []string{".valetkey/sync/state", "report.json"}
	s := newFleetStep(t, 1, oneSecret, map[string]string{
		"VALUE": "opensesame-value", "INPUT_STATE-FILE": filepath.Join(workspace, files[0]),
		"INPUT_REPORT-FILE": filepath.Join(workspace, files[1]),
	})
	s.run(t, "sync")
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
	s := newFleetStep(t, 120, `
secrets:
  - {name: A, from: env:VALUE, to: [{repositories: ["fleet/*"]}]}
  - {name: B, from: env:VALUE, to: [{repositories: ["fleet/*"]}]}
  - {name: C, from: env:VALUE, to: [{repositories: ["fleet/*"]}]}
`, map[string]string{"VALUE": "opensesame-value", "INPUT_DRY-RUN": "true"})
	s.SetRequestsPerHour(300)
	s.run(t, "sync")
	log := s.log.String()
	// 120 keys and 360 writes; the hour has 300 requests less those of the plan itself.
	const needs = "needs 1,920 points and 480 requests: at least 2 h 0 min (fleet has 300 requests an hour, 176 of them left)"
	if !strings.Contains(log, needs) {
		t.Error(log[max(0, len(log)-600):])
	}
	s.next(t, nil)
	s.SetRequestsPerHour(0)
	s.run(t, "sync")
	for _, r := range s.Requests() {
		if r.Method == "PUT" {
			t.Fatalf("a dry run sent %s", r.Path)
		}
	}
}

// The next run knows what a cancelled step has written, and the tokens of that
// step are revoked.
func TestSyncCancelled(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	s := newFleetStep(t, 40, oneSecret, map[string]string{"VALUE": "opensesame-value", "INPUT_STATE-FILE": state, "INPUT_CONCURRENCY": "2"})
	s.SetLatency(2 * time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	var written atomic.Int64
	s.onWrite = func() {
		if written.Add(1) == 10 {
			cancel()
		}
	}
	s.exit = run(ctx, s.process(t), "sync")
	if s.exit != exitFailure || !strings.Contains(s.log.String(), "cancelled") {
		t.Errorf("exit %d: %s", s.exit, s.log.String())
	}
	for _, token := range s.Tokens() {
		if s.Alive(token.Value) {
			t.Error("a token is alive")
		}
	}
	s.next(t, nil)
	s.run(t, "sync")
	if out := s.outputs(t); out["failed"] != "0" || out["unchanged"] < "8" {
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
	if text := out.String(); !strings.Contains(text, "[####################....................] 1 of 2: 1 created") ||
		!strings.HasSuffix(text, "] 2 of 2: 1 created, 1 failed\n") {
		t.Errorf("%q", text)
	}
}

// A dry run says where one secret of an organization would do the work of many.
// Without a limit of points it does not promise a time.
func TestSyncPlanAdvises(t *testing.T) {
	s := newFleetStep(t, 12, `
secrets:
  - {name: EVERYWHERE, from: env:VALUE, to: [{repositories: ["fleet/*"]}]}
  - {name: MOST, from: env:VALUE, to: [{repositories: ["fleet/*", "!fleet/r1"]}]}
  - {name: FEW, from: env:VALUE, to: [{repositories: [fleet/r1, fleet/r2]}]}
`, map[string]string{"VALUE": "opensesame-value", "INPUT_DRY-RUN": "true", "INPUT_POINTS-PER-MINUTE": "0"})
	s.run(t, "sync")
	log := s.log.String()
	for _, want := range []string{
		"\nEVERYWHERE goes to all 12 repositories of fleet: if that is an organization, one secret of its own takes 1 write instead of " +
			"12\n",
		"\nMOST goes to 11 repositories of fleet: if that is an organization, one secret of its own with visibility: selected takes 1 " +
			"write instead of 11\n",
		"points and 37 requests: no limit of points is set, so only GitHub's own limits tell how long that takes\n",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("it does not say %q:\n%s", want, log[max(0, len(log)-900):])
		}
	}
	if strings.Contains(log, "FEW goes to") {
		t.Error("advice for two repositories")
	}
}
