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

// A schedule that was switched off, or looks too seldom, is warned of by the run
// that catches up; and a machine's wrong clock changes nothing.
func TestRotateWarnsOfWhatIsPastItsTime(t *testing.T) {
	for _, skew := range []time.Duration{0, -2 * time.Hour, 2 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			d := newFleetDay(t, 2, rotations, nil)
			d.SetClockSkew(skew)
			var warnings []string
			for _, later := range []time.Duration{0, 46 * time.Minute, 61 * time.Minute, 46 * 24 * time.Hour} {
				time.Sleep(later)
				d.next(t, nil)
				d.run(t, "rotate")
				if d.exit != exitOK {
					t.Fatal(d.log.String())
				}
				for line := range strings.Lines(d.log.String()) {
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

// A store that can't be written fails before anything is made, also in a dry run,
// with an annotation of its own.
func TestRotateLooksBeforeItMakes(t *testing.T) {
	for _, dryRun := range []string{"true", "false"} {
		d := newFleetDay(t, 2, strings.ReplaceAll(rotations, "store: [", "store: [{repository: fleet/gone, secret: X}, "),
			map[string]string{"INPUT_DRY-RUN": dryRun})
		d.run(t, "rotate")
		if d.exit != exitFailure || strings.Count(d.log.String(), "::error::") == 0 {
			t.Errorf("dry-run %s: exit %d: %s", dryRun, d.exit, d.log.String())
		}
		if keys := d.DeployKeys("fleet", "r0"); len(keys) > 0 {
			t.Errorf("%d keys were made", len(keys))
		}
		if secrets := d.Secrets(fakegithub.Place{Owner: "fleet", Repository: "r1"}); len(secrets) > 0 {
			t.Errorf("%d secrets were written", len(secrets))
		}
		if !strings.Contains(d.log.String(), "fleet/gone") || !strings.Contains(d.log.String(), "%0Ahint: ") {
			t.Error(d.log.String())
		}
	}
}

// inBubble runs a test whose waits take no time.
func inBubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	testKey() // not in the bubble
	synctest.Test(t, test)
}

// What is due and not done fails the step, whoever may be at it.
func TestRotateFailsWhenAnotherRunMayBeAtIt(t *testing.T) {
	for dryRun, want := range map[string]int{"false": exitFailure, "true": exitOK} {
		inBubble(t, func(t *testing.T) {
			d := newFleetDay(t, 2, strings.ReplaceAll(rotations, "secret: WEBHOOK", "secret: WEBHOOK, apps: [actions, dependabot]"),
				map[string]string{"INPUT_DRY-RUN": dryRun})
			d.SetSecret(fakegithub.Place{Owner: "fleet", Repository: "r1"},
				fakegithub.Secret{Name: "WEBHOOK", Value: "x", UpdatedAt: time.Now()})
			d.run(t, "rotate")
			if d.exit != want || !strings.Contains(d.log.String(), "webhook: in progress elsewhere: WEBHOOK of fleet/r1 is new, and ") {
				t.Errorf("dry-run %s: exit %d: %s", dryRun, d.exit, d.log.String())
			}
			if strings.Contains(d.log.String(), "::error::webhook: it was not done: ") != (dryRun == "false") {
				t.Error(d.log.String())
			}
		})
	}
}

// What should be gone at once and is not fails the step, though the new key is in place.
func TestRotateFailsWhenACompromisedKeyIsLeft(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		d := newFleetDay(t, 2, rotations, nil)
		d.run(t, "rotate")
		time.Sleep(24 * time.Hour)
		for input, want := range map[string]int{"INPUT_FORCE": exitOK, "INPUT_COMPROMISED": exitFailure} {
			d.next(t, map[string]string{"INPUT_FORCE": "", "INPUT_COMPROMISED": ""})
			d.next(t, map[string]string{input: "key"})
			d.Inject(fakegithub.Fault{Method: "DELETE", Path: "/repos/fleet/r0/keys/*", Times: 1, Status: 403, Body: `{"message": "no"}`})
			d.run(t, "rotate")
			if got := d.outputs(t); d.exit != want || got["rotated"] == "[]" || got["retired"] != "[]" {
				t.Errorf("%s: exit %d, %v: %s", input, d.exit, got, d.log.String())
			}
			if strings.Contains(d.log.String(), "what is compromised is still in use") != (want != exitOK) {
				t.Error(d.log.String())
			}
			time.Sleep(24 * time.Hour)
		}
	})
}

// Keys of other rotations are named and left alone, in the log and in the summary.
func TestRotateNamesKeysOfOtherRotations(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		d := newFleetDay(t, 3, rotations, nil)
		d.run(t, "rotate")
		d.next(t, map[string]string{"GITHUB_REPOSITORY_ID": "4711"}) // another repository keeps the same manifest
		d.write(t, strings.ReplaceAll(rotations, "fleet/r1", "fleet/r2"))
		d.run(t, "rotate")
		const want = "deploy keys of other rotations are left alone: "
		if d.exit != exitOK || !strings.Contains(d.log.String(), want) || !strings.Contains(d.file(t, "GITHUB_STEP_SUMMARY"), want) ||
			len(d.DeployKeys("fleet", "r0")) != 2 {
			t.Errorf("exit %d: %s", d.exit, d.log.String())
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
		d := newFleetDay(t, 2, rotations, nil)
		d.run(t, "rotate")
		time.Sleep(24 * time.Hour)
		d.SetSecret(fakegithub.Place{Owner: "fleet", Repository: "r1"}, fakegithub.Secret{Name: "KEY", Value: "x", UpdatedAt: time.Now()})
		d.next(t, nil)
		d.run(t, "rotate")
		if d.exit != exitOK || !strings.Contains(d.log.String(), "::warning::key: somebody else wrote KEY of fleet/r1: ") {
			t.Errorf("exit %d: %s", d.exit, d.log.String())
		}
	})
}

// The keys are the same ones for a workflow, which knows the id of its repository, and
// for whoever runs the step with nothing but its name.
func TestRotateKnowsItsKeysByTheIDOfTheRepositoryThatKeepsTheManifest(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		d := newFleetDay(t, 2, rotations, map[string]string{"GITHUB_REPOSITORY": "fleet/config"})
		id := strconv.FormatInt(d.AddRepository(fakegithub.Repository{Owner: "fleet", Name: "config", Private: true}).ID, 10)
		for _, known := range []string{"", id, ""} {
			d.next(t, map[string]string{"GITHUB_REPOSITORY_ID": known, "INPUT_FORCE": "key"})
			d.run(t, "rotate")
			if d.exit != exitOK || strings.Contains(d.log.String(), "of other rotations") {
				t.Errorf("id %q: exit %d: %s", known, d.exit, d.log.String())
			}
			time.Sleep(30 * 24 * time.Hour)
		}
		if n := len(d.DeployKeys("fleet", "r0")); n != 2 { // the one in use, and the one before
			t.Errorf("%d keys", n)
		}
		for _, token := range d.Tokens() { // and what looks the id up opens nothing else there
			if slices.Contains(token.Repositories, "fleet/config") && token.RepositorySelection == "selected" &&
				!maps.Equal(token.Permissions, map[string]string{"metadata": "read"}) {
				t.Errorf("%+v", token)
			}
		}
	})
}

// Where the id can't be known nothing is made: a name would be another identity.
func TestRotateMakesNothingWhereTheRepositoryIsNotKnown(t *testing.T) {
	const hint = "hint: set GITHUB_REPOSITORY_ID to the number that a workflow of that repository has there: gh api repos/"
	for name, want := range map[string]string{
		"fleet/gone":         hint + "fleet/gone --jq .id",
		"acme/secret-plans":  hint + "acme/secret-plans --jq .id", // which the App does not reach
		"nobody/here":        hint + "nobody/here --jq .id",       // where the App is not installed
		"monalisa/dotfiles!": "hint: set GITHUB_REPOSITORY to ",
	} {
		d := newFleetDay(t, 2, rotations, map[string]string{"GITHUB_REPOSITORY": name})
		d.run(t, "rotate")
		if d.exit == exitOK || !strings.Contains(d.log.String(), unknownOrigin) || !strings.Contains(d.log.String(), want) ||
			len(d.DeployKeys("fleet", "r0"))+len(d.Secrets(fakegithub.Place{Owner: "fleet", Repository: "r1"})) > 0 {
			t.Errorf("%s: exit %d: %s", name, d.exit, d.log.String())
		}
	}
	d := newFleetDay(t, 2, rotations, map[string]string{"GITHUB_REPOSITORY": "fleet/r1"})
	d.lies = true
	d.Inject(fakegithub.Fault{Method: "GET", Path: "/repos/fleet/r1", Times: 1, Status: 200, Body: `{"id": 0}`})
	d.run(t, "rotate")
	if d.exit == exitOK || !strings.Contains(d.log.String(), unknownOrigin+"fleet/r1 has no id") {
		t.Errorf("exit %d: %s", d.exit, d.log.String())
	}
}
