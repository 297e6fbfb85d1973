package cli

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

const rotations = `
rotations:
  - {name: key, deploy-key: {repository: fleet/r0, title: ci}, every: 30d, store: [{repository: fleet/r1, secret: KEY}]}
  - {name: token, installation-token: {repositories: [fleet/r0], permissions: {contents: read}}, every: 45m, store: [{repository: fleet/r1, secret: TOKEN}]}
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
				d.run(t, Process.rotate)
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
		d := newFleetDay(t, 2, strings.ReplaceAll(rotations, "store: [", "store: [{repository: fleet/gone, secret: X}, "), map[string]string{"INPUT_DRY-RUN": dryRun})
		d.run(t, Process.rotate)
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
