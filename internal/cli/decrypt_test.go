package cli

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakerunner"
)

// What a later job sees of a token's age.
func TestDecryptOverTime(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		d := newDay(t, map[string]string{"INPUT_SKIP-TOKEN-REVOKE": "true"})
		d.run(t, "mint")
		out, err := fakerunner.ReadPairs(d.env["GITHUB_OUTPUT"])
		if err != nil {
			t.Fatal(err)
		}
		later := map[string]string{"INPUT_ENCRYPTED-TOKEN": out["encrypted-token"], "INPUT_SKIP-TOKEN-REVOKE": ""}

		time.Sleep(10 * time.Minute)
		d.next(t, later)
		d.run(t, "decrypt")
		if out, err = fakerunner.ReadPairs(d.env["GITHUB_OUTPUT"]); err != nil || out["remaining-seconds"] != strconv.Itoa(50*60) {
			t.Errorf("remaining %s, want 3000 (%v)", out["remaining-seconds"], err)
		}
		d.checkHidden(t)

		time.Sleep(62 * time.Minute)
		d.next(t, later)
		d.run(t, "decrypt")
		line, hint := d.said("error")
		const why, told = "input encrypted-token: expired 12 minutes ago", "tokens live an hour: mint it in a job that ends closer to this one"
		if d.exit != exitFailure || line != why || !strings.HasPrefix(hint, told) {
			t.Errorf("exit %d: %s, hint %s", d.exit, line, hint)
		}
		if text := d.file(t, "GITHUB_OUTPUT"); text != "" {
			t.Errorf("outputs of an expired token: %s", text)
		}

		// To end what has ended is no failure; GitHub says that it has.
		d.next(t, nil)
		d.ResetRequests()
		d.run(t, "revoke")
		if d.exit != exitOK || !strings.Contains(d.log.String(), "the token was gone already: it expired at 01:00 UTC\n") ||
			d.asked() != "DELETE /installation/token" {
			t.Errorf("exit %d, asked %s: %s", d.exit, d.asked(), d.log.String())
		}
		d.checkHidden(t)
	})
}

// Decrypt tells whether the token still lives, before anything is handed out.
func TestDecryptOfADeadToken(t *testing.T) {
	testKey()
	const probe = "GET /installation/repositories"
	for _, c := range []struct {
		name        string
		env         map[string]string
		prepare     func(*testing.T, *day, *envelope.Payload)
		line, hint  string // empty: it is handed out
		warning     string
		asked, left string
	}{
		{name: "alive", asked: probe, left: "3600"},
		{
			name: "revoked", prepare: func(t *testing.T, d *day, p *envelope.Payload) { d.revokeNow(t, *p) },
			line: "input encrypted-token: is revoked: GitHub does not know the token any more",
			hint: "when jobs are run again, re-run all jobs", asked: probe,
		},
		{
			name: "revoked, of unknown end", prepare: func(t *testing.T, d *day, p *envelope.Payload) {
				d.revokeNow(t, *p)
				p.ExpiresAt = time.Time{}
			},
			line: "input encrypted-token: is revoked or expired: GitHub does not know the token",
			hint: "when jobs are run again, re-run all jobs", asked: probe,
		},
		{
			name: "expired", prepare: func(*testing.T, *day, *envelope.Payload) { time.Sleep(2 * time.Hour) },
			line: "input encrypted-token: expired 60 minutes ago", hint: "tokens live an hour", asked: probe,
		},
		{
			name:    "nobody answers",
			prepare: func(_ *testing.T, d *day, _ *envelope.Payload) { d.Inject(fakegithub.ServerError(503, false)) },
			line:    "ask whether the token is alive: GitHub answered 503: Server Error (tried 6 times in …)",
			hint:    "GitHub has trouble of its own", asked: probe,
		},
		{
			name: "revoked, and not asked", env: map[string]string{"INPUT_VERIFY": "false"},
			prepare: func(t *testing.T, d *day, p *envelope.Payload) { d.revokeNow(t, *p) }, left: "3540",
		},
		{
			name: "expired, and not asked", env: map[string]string{"INPUT_VERIFY": "false"},
			prepare: func(*testing.T, *day, *envelope.Payload) { time.Sleep(2 * time.Hour) },
			warning: "::warning::by the clock of this machine the token is none that lives, and verify: false leaves GitHub unasked",
		},
		{
			name: "young, and not known everywhere", prepare: func(_ *testing.T, d *day, _ *envelope.Payload) {
				d.Inject(fakegithub.Fault{Times: 2, Status: 401, Body: `{"message":"Bad credentials"}`})
			},
			asked: probe + ", " + probe + ", " + probe, left: "3597",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDay(t, c.env)
				p := d.aToken(t)
				d.lies = true
				if c.prepare != nil {
					c.prepare(t, d, &p)
				}
				d.env["INPUT_ENCRYPTED-TOKEN"], d.env["INPUT_REVOKE"] = forge(t, p), "true"
				d.ResetRequests()
				d.run(t, "decrypt")
				line, hint := d.said("error")
				if line != c.line || !strings.HasPrefix(hint, c.hint) || (d.exit == exitOK) != (c.line == "") {
					t.Errorf("exit %d: %s, hint %s", d.exit, line, hint)
				}
				if c.line != "" && d.file(t, "GITHUB_OUTPUT")+d.file(t, "GITHUB_ENV") != "" {
					t.Error("something was handed out")
				}
				// Whatever was found: post revokes what may be alive.
				if !strings.Contains(d.file(t, "GITHUB_STATE"), p.Token.Reveal()) {
					t.Error("post does not know the token")
				}
				if !strings.Contains(d.log.String(), c.warning) {
					t.Errorf("%q is not in the log: %s", c.warning, d.log.String())
				}
				out, err := fakerunner.ReadPairs(d.env["GITHUB_OUTPUT"])
				if err != nil || out["remaining-seconds"] != c.left {
					t.Errorf("remaining %q, want %q (%v)", out["remaining-seconds"], c.left, err)
				}
				if got := d.asked(); c.line == "" && got != c.asked || !strings.HasPrefix(got, c.asked) {
					t.Errorf("asked %q, want %q", got, c.asked)
				}
				d.checkHidden(t)
			})
		})
	}
}

func (d *day) revokeNow(t *testing.T, p envelope.Payload) {
	t.Helper()
	api, err := d.process(t).connect(d.process(t).runner(), host{URL: "https://api.github.test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.Revoke(t.Context(), p.Token); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
}

// Where no stage comes after the job, nothing is said to be revoked by it.
func TestDecryptCanNotRevokeWithoutAPostStage(t *testing.T) {
	d := newDay(t, nil)
	p := d.aToken(t)
	d.env["INPUT_ENCRYPTED-TOKEN"], d.env["INPUT_REVOKE"] = forge(t, p), "true"
	d.env["GITHUB_ACTIONS"], d.env["GITHUB_STATE"] = "", ""
	d.run(t, "decrypt")
	if !strings.Contains(d.log.String(), "error: input revoke: needs a post stage") || d.exit != exitFailure || len(d.Requests()) > 0 {
		t.Errorf("exit %d, asked %s: %s", d.exit, d.asked(), d.log.String())
	}
}
