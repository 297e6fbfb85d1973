package cli

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What a later job sees of a token's age.
func TestDecryptOverTime(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		d := newDay(t, map[string]string{"INPUT_SKIP-TOKEN-REVOKE": "true"})
		d.run(t, Process.mint)
		out, err := readPairs(d.env["GITHUB_OUTPUT"])
		if err != nil {
			t.Fatal(err)
		}
		later := map[string]string{"INPUT_ENCRYPTED-TOKEN": out["encrypted-token"], "INPUT_SKIP-TOKEN-REVOKE": ""}

		time.Sleep(10 * time.Minute)
		d.next(t, later)
		d.run(t, Process.decrypt)
		if out, err = readPairs(d.env["GITHUB_OUTPUT"]); err != nil || out["remaining-seconds"] != strconv.Itoa(50*60) {
			t.Errorf("remaining %s, want 3000 (%v)", out["remaining-seconds"], err)
		}
		d.checkHidden(t)

		time.Sleep(62 * time.Minute)
		d.next(t, later)
		d.run(t, Process.decrypt)
		line, hint := d.said("error")
		if d.exit != exitFailure || line != "input encrypted-token: expired 12 minutes ago" || !strings.HasPrefix(hint, "tokens live an hour: mint it in a job that ends closer to this one") {
			t.Errorf("exit %d: %s, hint %s", d.exit, line, hint)
		}
		if text := d.file(t, "GITHUB_OUTPUT"); text != "" {
			t.Errorf("outputs of an expired token: %s", text)
		}

		// To end what has ended is no failure, and asks nobody.
		d.next(t, nil)
		d.ResetRequests()
		d.run(t, Process.revoke)
		if d.exit != exitOK || !strings.Contains(d.log.String(), "the token expired 12 minutes ago: there is nothing to revoke\n") || len(d.Requests()) != 0 {
			t.Errorf("exit %d, asked %s: %s", d.exit, d.asked(), d.log.String())
		}
		d.checkHidden(t)
	})
}
