package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// pruning is a fleet with a state file, whose step prunes.
func pruning(t *testing.T, repositories int, manifest string) *day {
	t.Helper()
	return newFleetDay(t, repositories, manifest, map[string]string{
		"A": "opensesame-a", "B": "opensesame-b", "INPUT_PRUNE": "true", "INPUT_STATE-FILE": filepath.Join(t.TempDir(), "state"),
		"INPUT_REPORT-FILE": filepath.Join(t.TempDir(), "report"),
	})
}

func (d *day) has(name string, want bool) bool {
	_, there := d.SecretValue(fakegithub.Place{Owner: "fleet", Repository: "r0"}, name)
	return there == want
}

// What moves from secrets to rotations is not deleted before the rotation has stored
// its own.
func TestSyncLeavesWhatARotationStores(t *testing.T) {
	const after = "secrets: [{name: B, to: [{repositories: [fleet/r0]}]}]\n" +
		"rotations: [{name: webhook, random: {}, every: 90d, store: [{repository: fleet/r0, secret: A}]}]\n"
	d := pruning(t, 1, "secrets: [{name: A, to: [{repositories: [fleet/r0]}]}]\n")
	d.run(t, "sync")
	d.write(t, after)
	for range 2 {
		d.next(t, nil)
		d.run(t, "sync")
		if d.exit != exitOK || !d.has("A", true) || !d.has("B", true) {
			t.Fatalf("exit %d: %s", d.exit, d.log.String())
		}
	}
	d.write(t, strings.SplitAfter(after, "\n")[0]) // nor after that: it is the rotation's now
	d.next(t, nil)
	d.run(t, "sync")
	if !d.has("A", true) {
		t.Error(d.log.String())
	}
}

// Where it is not known what the manifest means for all targets, nothing is said to
// have fallen out of it, and nothing is deleted.
func TestSyncDoesNotKnowWhatFellOut(t *testing.T) {
	const both = "secrets: [{name: A, to: [{repositories: [\"fleet/*\"]}]}, {name: B, to: [{repositories: [\"globex/*\"]}]}]\n"
	d := pruning(t, 1, both)
	d.AddRepository(fakegithub.Repository{Owner: "globex", Name: "r7", Private: true})
	permissions := map[string]string{"secrets": "write", "metadata": "read"}
	d.Install(fakegithub.Installation{ID: 4246, AppID: 917, Account: "globex", All: true, Permissions: permissions})
	d.run(t, "sync")
	if d.exit != exitOK {
		t.Fatal(d.log.String())
	}
	d.Suspend(4246, "monalisa")
	for _, prune := range []string{"true", "false"} {
		d.write(t, strings.Replace(both, "{name: A", "{name: C, from: env:A", 1))
		d.next(t, map[string]string{"INPUT_PRUNE": prune})
		d.run(t, "sync")
		if report := d.report(t); d.exit != exitFailure || report.Stale != nil || report.Counts["failed"] != 1 || !d.has("A", true) {
			t.Errorf("prune %s: exit %d, %v, %v: %s", prune, d.exit, report.Counts, report.Stale, d.log.String())
		}
	}
}

// A state file is of one GitHub: ids and names of another are not its own.
func TestSyncStateOfAnotherGitHub(t *testing.T) {
	d := pruning(t, 1, "secrets: [{name: A, to: [{repositories: [fleet/r0]}]}]\n")
	d.run(t, "sync")
	d.ResetRequests()
	d.next(t, map[string]string{"INPUT_GITHUB-API-URL": "https://github.example/api/v3"})
	d.run(t, "sync")
	line, hint := d.said("error")
	if d.exit == exitOK || !strings.Contains(line, " belongs to the manifest ") || !strings.Contains(line, " at api.github.test, not ") ||
		!strings.HasSuffix(line, " at github.example") || !strings.HasPrefix(hint, "give each manifest a state file of its own") ||
		len(d.Requests()) > 0 {
		t.Errorf("exit %d, %q, hint %q", d.exit, line, hint)
	}
	d.next(t, map[string]string{"INPUT_GITHUB-API-URL": "https://API.github.test/"})
	if d.run(t, "sync"); d.exit != exitOK {
		t.Error(d.log.String())
	}
}

// The id of the manifest's repository may come later, and may be missing once; what is
// no id is not as good as none.
func TestSyncStateByID(t *testing.T) {
	d := pruning(t, 1, "secrets: [{name: A, to: [{repositories: [fleet/r0]}]}]\n")
	for _, step := range []struct {
		id, repository string
		exit           int
	}{
		{"", "acme/infra", exitOK},
		{"7", "acme/infra", exitOK},
		{"", "acme/infra", exitOK},
		{"8", "acme/infra", exitFailure}, // the id is not forgotten
		{"7", "acme/platform", exitOK},   // renamed
		{"", "acme/infra", exitFailure},
		{"seven", "acme/platform", exitFailure},
		{"-7", "acme/platform", exitFailure},
		{"0", "acme/platform", exitFailure},
	} {
		d.next(t, map[string]string{"GITHUB_REPOSITORY_ID": step.id, "GITHUB_REPOSITORY": step.repository})
		if d.run(t, "sync"); d.exit != step.exit {
			t.Errorf("%+v: exit %d: %s", step, d.exit, d.log.String())
		}
	}
	if line, _ := d.said("error"); line != `GITHUB_REPOSITORY_ID is "0", which is no repository's id` {
		t.Errorf("%q", line)
	}
}

// max-deletions: 0 is no deletion at all, and not no limit.
func TestSyncMayDeleteNothing(t *testing.T) {
	d := pruning(t, 1, "secrets: [{name: A, to: [{repositories: [fleet/r0]}]}]\n")
	d.run(t, "sync")
	d.write(t, "secrets: [{name: B, to: [{repositories: [fleet/r0]}]}]\n")
	d.next(t, map[string]string{"INPUT_MAX-DELETIONS": "0"})
	d.run(t, "sync")
	line, _ := d.said("error")
	if d.exit != exitFailure || !d.has("A", true) || !d.has("B", true) || !strings.Contains(line, "max-deletions allows 0") {
		t.Errorf("exit %d, %q: %s", d.exit, line, d.log.String())
	}
	d.next(t, map[string]string{"INPUT_MAX-DELETIONS": ""})
	if d.run(t, "sync"); d.exit != exitOK || !d.has("A", false) {
		t.Error(d.log.String())
	}
}
