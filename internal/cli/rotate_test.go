package cli

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/rotate"
)

const rotations = `
rotations:
  - {name: key, deploy-key: {repository: fleet/r0, title: ci}, every: 30d, store: [{repository: fleet/r1, secret: KEY}]}
  - {name: token, installation-token: {repositories: [fleet/r0], permissions: {contents: read}}, every: 45m,
     store: [{repository: fleet/r1, secret: TOKEN}]}
  - {name: webhook, random: {}, every: 90d, store: [{repository: fleet/r1, secret: WEBHOOK}]}
`

// The run that catches up warns about a schedule that was switched off or runs
// too seldom. A wrong clock of the machine changes nothing.
func TestRotateWarnsOfWhatIsPastItsTime(t *testing.T) {
	for _, skew := range []time.Duration{0, -2 * time.Hour, 2 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s := newFleetStep(t, 2, rotations, nil)
			s.SetClockSkew(skew)
			var warnings []string
			for _, later := range []time.Duration{0, 46 * time.Minute, 61 * time.Minute, 46 * 24 * time.Hour} {
				time.Sleep(later)
				s.next(t, nil)
				s.run(t, "rotate")
				if s.exit != exitOK {
					t.Fatal(s.log.String())
				}
				for line := range strings.Lines(s.log.String()) {
					if text, ok := strings.CutPrefix(line, "::warning::"); ok && !strings.Contains(text, "clock") {
						warnings = append(warnings, strings.TrimSpace(text))
					}
				}
			}
			want := []string{
				"token was 61 min old, and a token lives for an hour: let the schedule look more often",
				"key was 46 days old, and should be replaced every 30 days: was the schedule switched off?",
				"token was 46 days old, and a token lives for an hour: let the schedule look more often",
			}
			if got, want := strings.Join(warnings, "\n"), strings.Join(want, "\n"); got != want {
				t.Errorf("GitHub's clock ahead by %s:\n%s\nwant\n%s", skew, got, want)
			}
		})
	}
}

// A store that can't be written fails before anything is made, in a dry run
// too, with an annotation of its own.
func TestRotateLooksBeforeItMakes(t *testing.T) {
	for _, dryRun := range []string{"true", "false"} {
		s := newFleetStep(t, 2, strings.ReplaceAll(rotations, "store: [", "store: [{repository: fleet/gone, secret: X}, "),
			map[string]string{"INPUT_DRY-RUN": dryRun})
		s.run(t, "rotate")
		if s.exit != exitFailure || strings.Count(s.log.String(), "::error::") == 0 {
			t.Errorf("dry-run %s: exit %d: %s", dryRun, s.exit, s.log.String())
		}
		if keys := s.DeployKeys("fleet", "r0"); len(keys) > 0 {
			t.Errorf("%d keys were made", len(keys))
		}
		if secrets := s.Secrets(fakegithub.Place{Owner: "fleet", Repository: "r1"}); len(secrets) > 0 {
			t.Errorf("%d secrets were written", len(secrets))
		}
		if !strings.Contains(s.log.String(), "fleet/gone") || !strings.Contains(s.log.String(), "%0Ahint: ") {
			t.Error(s.log.String())
		}
	}
}

// inBubble runs a test whose waits take no time.
func inBubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	testKey() // not in the bubble
	synctest.Test(t, test)
}

// A rotation that is due and not done fails the step, even if another run is at
// work on it.
func TestRotateFailsWhenAnotherRunMayBeAtIt(t *testing.T) {
	for dryRun, want := range map[string]int{"false": exitFailure, "true": exitOK} {
		inBubble(t, func(t *testing.T) {
			s := newFleetStep(t, 2, strings.ReplaceAll(rotations, "secret: WEBHOOK", "secret: WEBHOOK, apps: [actions, dependabot]"),
				map[string]string{"INPUT_DRY-RUN": dryRun})
			s.SetSecret(fakegithub.Place{Owner: "fleet", Repository: "r1"},
				fakegithub.Secret{Name: "WEBHOOK", Value: "x", UpdatedAt: time.Now()})
			s.run(t, "rotate")
			if s.exit != want || !strings.Contains(s.log.String(), "webhook: in progress elsewhere: WEBHOOK of fleet/r1 is new, and ") {
				t.Errorf("dry-run %s: exit %d: %s", dryRun, s.exit, s.log.String())
			}
			if strings.Contains(s.log.String(), "::error::webhook: it was not done: ") != (dryRun == "false") {
				t.Error(s.log.String())
			}
		})
	}
}

// A compromised key that is still there fails the step, though the new key is
// in place.
func TestRotateFailsWhenACompromisedKeyIsLeft(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newFleetStep(t, 2, rotations, nil)
		s.run(t, "rotate")
		time.Sleep(24 * time.Hour)
		for input, want := range map[string]int{"INPUT_FORCE": exitOK, "INPUT_COMPROMISED": exitFailure} {
			s.next(t, map[string]string{"INPUT_FORCE": "", "INPUT_COMPROMISED": ""})
			s.next(t, map[string]string{input: "key"})
			s.Inject(fakegithub.Fault{Method: "DELETE", Path: "/repos/fleet/r0/keys/*", Times: 1, Status: 403, Body: `{"message": "no"}`})
			s.run(t, "rotate")
			if got := s.outputs(t); s.exit != want || got["rotated"] == "[]" || got["retired"] != "[]" {
				t.Errorf("%s: exit %d, %v: %s", input, s.exit, got, s.log.String())
			}
			if strings.Contains(s.log.String(), "the compromised credential is still in use") != (want != exitOK) {
				t.Error(s.log.String())
			}
			time.Sleep(24 * time.Hour)
		}
	})
}

// Keys of other rotations are named and left alone, in the log and in the summary.
func TestRotateNamesKeysOfOtherRotations(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newFleetStep(t, 3, rotations, nil)
		s.run(t, "rotate")
		s.next(t, map[string]string{"GITHUB_REPOSITORY_ID": "4711"}) // another repository keeps the same manifest
		s.write(t, strings.ReplaceAll(rotations, "fleet/r1", "fleet/r2"))
		s.run(t, "rotate")
		const want = "deploy keys of other rotations are left alone: "
		if s.exit != exitOK || !strings.Contains(s.log.String(), want) || !strings.Contains(s.file(t, "GITHUB_STEP_SUMMARY"), want) ||
			len(s.DeployKeys("fleet", "r0")) != 2 {
			t.Errorf("exit %d: %s", s.exit, s.log.String())
		}
	})
}

func TestManyKeysOfOtherRotationsAreFolded(t *testing.T) {
	report := rotate.Report{}
	for i := range int64(7) {
		report.Others = append(report.Others, rotate.Other{ID: i, Rotation: "0a"})
	}
	const want = "deploy keys of other rotations are left alone: 0 (0a), 1 (0a), 2 (0a), 3 (0a), 4 (0a), 2 more"
	if got := others(&report); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Two manifests that store one secret undo each other's work: each says so.
func TestRotateWarnsOfWhatSomebodyElseWrote(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newFleetStep(t, 2, rotations, nil)
		s.run(t, "rotate")
		time.Sleep(24 * time.Hour)
		s.SetSecret(fakegithub.Place{Owner: "fleet", Repository: "r1"}, fakegithub.Secret{Name: "KEY", Value: "x", UpdatedAt: time.Now()})
		s.next(t, nil)
		s.run(t, "rotate")
		if s.exit != exitOK || !strings.Contains(s.log.String(), "::warning::key: somebody else wrote KEY of fleet/r1: ") {
			t.Errorf("exit %d: %s", s.exit, s.log.String())
		}
	})
}

// A workflow, which knows the id of its repository, and a shell, which has only
// its name, find the same keys.
func TestRotateKnowsItsKeysByTheIDOfTheRepositoryThatKeepsTheManifest(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newFleetStep(t, 2, rotations, map[string]string{"GITHUB_REPOSITORY": "fleet/config"})
		id := strconv.FormatInt(s.AddRepository(fakegithub.Repository{Owner: "fleet", Name: "config", Private: true}).ID, 10)
		for _, known := range []string{"", id, ""} {
			s.next(t, map[string]string{"GITHUB_REPOSITORY_ID": known, "INPUT_FORCE": "key"})
			s.run(t, "rotate")
			if s.exit != exitOK || strings.Contains(s.log.String(), "of other rotations") {
				t.Errorf("id %q: exit %d: %s", known, s.exit, s.log.String())
			}
			time.Sleep(30 * 24 * time.Hour)
		}
		if n := len(s.DeployKeys("fleet", "r0")); n != 2 { // the one in use, and the one before
			t.Errorf("%d keys", n)
		}
		for _, token := range s.Tokens() { // and what looks the id up opens nothing else there
			if slices.Contains(token.Repositories, "fleet/config") && token.RepositorySelection == "selected" &&
				!maps.Equal(token.Permissions, map[string]string{"metadata": "read"}) {
				t.Errorf("%+v", token)
			}
		}
	})
}

// If the id can't be found, nothing is made, since the name would be another
// identity.
func TestRotateMakesNothingWhereTheRepositoryIsNotKnown(t *testing.T) {
	const hint = "hint: set GITHUB_REPOSITORY_ID to the number that a workflow of that repository has there: gh api repos/"
	for name, want := range map[string]string{
		"fleet/gone":         hint + "fleet/gone --jq .id",
		"acme/secret-plans":  hint + "acme/secret-plans --jq .id", // which the App does not reach
		"nobody/here":        hint + "nobody/here --jq .id",       // where the App is not installed
		"monalisa/dotfiles!": "hint: set GITHUB_REPOSITORY to ",
	} {
		s := newFleetStep(t, 2, rotations, map[string]string{"GITHUB_REPOSITORY": name})
		s.run(t, "rotate")
		if s.exit == exitOK || !strings.Contains(s.log.String(), unknownOrigin) || !strings.Contains(s.log.String(), want) ||
			len(s.DeployKeys("fleet", "r0"))+len(s.Secrets(fakegithub.Place{Owner: "fleet", Repository: "r1"})) > 0 {
			t.Errorf("%s: exit %d: %s", name, s.exit, s.log.String())
		}
	}
	s := newFleetStep(t, 2, rotations, map[string]string{"GITHUB_REPOSITORY": "fleet/r1"})
	s.SkipOpenAPI = true
	s.Inject(fakegithub.Fault{Method: "GET", Path: "/repos/fleet/r1", Times: 1, Status: 200, Body: `{"id": 0}`})
	s.run(t, "rotate")
	if s.exit == exitOK || !strings.Contains(s.log.String(), unknownOrigin+"fleet/r1 has no id") {
		t.Errorf("exit %d: %s", s.exit, s.log.String())
	}
}
