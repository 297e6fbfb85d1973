package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// pruning returns a step with a state file that prunes.
func pruning(t *testing.T, repositories int, manifest string) *step {
	t.Helper()
	return newFleetStep(t, repositories, manifest, map[string]string{
		"A": "opensesame-a", "B": "opensesame-b", "INPUT_PRUNE": "true", "INPUT_STATE-FILE": filepath.Join(t.TempDir(), "state"),
		"INPUT_REPORT-FILE": filepath.Join(t.TempDir(), "report"),
	})
}

func (s *step) has(name string, want bool) bool {
	_, there := s.SecretValue(fakegithub.Place{Owner: "fleet", Repository: "r0"}, name)
	return there == want
}

// A secret that moves from secrets to rotations is not deleted before the
// rotation has stored its value.
func TestSyncLeavesWhatARotationStores(t *testing.T) {
	const after = "secrets: [{name: B, to: [{repositories: [fleet/r0]}]}]\n" +
		"rotations: [{name: webhook, random: {}, every: 90d, store: [{repository: fleet/r0, secret: A}]}]\n"
	s := pruning(t, 1, "secrets: [{name: A, to: [{repositories: [fleet/r0]}]}]\n")
	s.run(t, "sync")
	s.write(t, after)
	for range 2 {
		s.next(t, nil)
		s.run(t, "sync")
		if s.exit != exitOK || !s.has("A", true) || !s.has("B", true) {
			t.Fatalf("exit %d: %s", s.exit, s.log.String())
		}
	}
	s.write(t, strings.SplitAfter(after, "\n")[0]) // nor after that: it is the rotation's now
	s.next(t, nil)
	s.run(t, "sync")
	if !s.has("A", true) {
		t.Error(s.log.String())
	}
}

// If some targets of the manifest can't be resolved, no secret counts as no
// longer in it, and none is deleted.
func TestSyncDoesNotKnowWhatFellOut(t *testing.T) {
	const both = "secrets: [{name: A, to: [{repositories: [\"fleet/*\"]}]}, {name: B, to: [{repositories: [\"globex/*\"]}]}]\n"
	s := pruning(t, 1, both)
	s.AddRepository(fakegithub.Repository{Owner: "globex", Name: "r7", Private: true})
	permissions := map[string]string{"secrets": "write", "metadata": "read"}
	s.Install(fakegithub.Installation{ID: 4246, AppID: 917, Account: "globex", All: true, Permissions: permissions})
	s.run(t, "sync")
	if s.exit != exitOK {
		t.Fatal(s.log.String())
	}
	s.Suspend(4246, "monalisa")
	for _, prune := range []string{"true", "false"} {
		s.write(t, strings.Replace(both, "{name: A", "{name: C, from: env:A", 1))
		s.next(t, map[string]string{"INPUT_PRUNE": prune})
		s.run(t, "sync")
		if report := s.report(t); s.exit != exitFailure || report.Stale != nil || report.Counts["failed"] != 1 || !s.has("A", true) {
			t.Errorf("prune %s: exit %d, %v, %v: %s", prune, s.exit, report.Counts, report.Stale, s.log.String())
		}
	}
}

// A state file belongs to one GitHub, and is not used for another one, whose
// ids and names differ.
func TestSyncStateOfAnotherGitHub(t *testing.T) {
	s := pruning(t, 1, "secrets: [{name: A, to: [{repositories: [fleet/r0]}]}]\n")
	s.run(t, "sync")
	s.ResetRequests()
	s.next(t, map[string]string{"INPUT_GITHUB-API-URL": "https://github.example/api/v3"})
	s.run(t, "sync")
	line, hint := s.annotation("error")
	if s.exit == exitOK || !strings.Contains(line, " belongs to the manifest ") || !strings.Contains(line, " at api.github.test, not ") ||
		!strings.HasSuffix(line, " at github.example") || !strings.HasPrefix(hint, "give each manifest a state file of its own") ||
		len(s.Requests()) > 0 {
		t.Errorf("exit %d, %q, hint %q", s.exit, line, hint)
	}
	s.next(t, map[string]string{"INPUT_GITHUB-API-URL": "https://API.github.test/"})
	if s.run(t, "sync"); s.exit != exitOK {
		t.Error(s.log.String())
	}
}

// The id of the manifest's repository may become known later, and may be
// missing once. A text that is not an id is a fault, not a missing id.
func TestSyncStateByID(t *testing.T) {
	s := pruning(t, 1, "secrets: [{name: A, to: [{repositories: [fleet/r0]}]}]\n")
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
		s.next(t, map[string]string{"GITHUB_REPOSITORY_ID": step.id, "GITHUB_REPOSITORY": step.repository})
		if s.run(t, "sync"); s.exit != step.exit {
			t.Errorf("%+v: exit %d: %s", step, s.exit, s.log.String())
		}
	}
	if line, _ := s.annotation("error"); line != `GITHUB_REPOSITORY_ID is "0", which is not the id of a repository` {
		t.Errorf("%q", line)
	}
}

// The input max-deletions: 0 means no deletion at all, rather than no limit.
func TestSyncMayDeleteNothing(t *testing.T) {
	s := pruning(t, 1, "secrets: [{name: A, to: [{repositories: [fleet/r0]}]}]\n")
	s.run(t, "sync")
	s.write(t, "secrets: [{name: B, to: [{repositories: [fleet/r0]}]}]\n")
	s.next(t, map[string]string{"INPUT_MAX-DELETIONS": "0"})
	s.run(t, "sync")
	line, _ := s.annotation("error")
	if s.exit != exitFailure || !s.has("A", true) || !s.has("B", true) || !strings.Contains(line, "max-deletions allows 0") {
		t.Errorf("exit %d, %q: %s", s.exit, line, s.log.String())
	}
	s.next(t, map[string]string{"INPUT_MAX-DELETIONS": ""})
	if s.run(t, "sync"); s.exit != exitOK || !s.has("A", false) {
		t.Error(s.log.String())
	}
}
