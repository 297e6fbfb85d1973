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

// A later job sees how long a token still lives.
func TestDecryptOverTime(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		s := newStep(t, map[string]string{"INPUT_SKIP-TOKEN-REVOKE": "true"})
		s.run(t, "mint")
		out, err := fakerunner.ReadPairs(s.env["GITHUB_OUTPUT"])
		if err != nil {
			t.Fatal(err)
		}
		later := map[string]string{"INPUT_ENCRYPTED-TOKEN": out["encrypted-token"], "INPUT_SKIP-TOKEN-REVOKE": ""}

		time.Sleep(10 * time.Minute)
		s.next(t, later)
		s.run(t, "decrypt")
		if out, err = fakerunner.ReadPairs(s.env["GITHUB_OUTPUT"]); err != nil || out["remaining-seconds"] != strconv.Itoa(50*60) {
			t.Errorf("remaining %s, want 3000 (%v)", out["remaining-seconds"], err)
		}
		s.checkHidden(t)

		time.Sleep(62 * time.Minute)
		s.next(t, later)
		s.run(t, "decrypt")
		line, hint := s.annotation("error")
		const why, told = "input encrypted-token: expired 12 minutes ago", "tokens live an hour: mint it in a job that ends closer to " +
			"this one"
		if s.exit != exitFailure || line != why || !strings.HasPrefix(hint, told) {
			t.Errorf("exit %d: %s, hint %s", s.exit, line, hint)
		}
		if text := s.file(t, "GITHUB_OUTPUT"); text != "" {
			t.Errorf("outputs of an expired token: %s", text)
		}

		// To end what has ended is no failure; GitHub says that it has.
		s.next(t, nil)
		s.ResetRequests()
		s.run(t, "revoke")
		if s.exit != exitOK || !strings.Contains(s.log.String(), "the token was gone already: it expired at 01:00 UTC\n") ||
			s.requests() != "DELETE /installation/token" {
			t.Errorf("exit %d, asked %s: %s", s.exit, s.requests(), s.log.String())
		}
		s.checkHidden(t)
	})
}

// Decrypt checks that the token is alive before it hands anything out.
func TestDecryptOfADeadToken(t *testing.T) {
	testKey()
	const probe = "GET /installation/repositories"
	for _, c := range []struct {
		name        string
		env         map[string]string
		prepare     func(*testing.T, *step, *envelope.Payload)
		line, hint  string // empty: it is handed out
		warning     string
		asked, left string
	}{
		{name: "alive", asked: probe, left: "3600"},
		{
			name: "revoked", prepare: func(t *testing.T, s *step, p *envelope.Payload) { s.revokeNow(t, *p) },
			line: "input encrypted-token: is revoked: GitHub no longer knows the token",
			hint: "when jobs are run again, re-run all jobs", asked: probe,
		},
		{
			name: "revoked, of unknown end", prepare: func(t *testing.T, s *step, p *envelope.Payload) {
				s.revokeNow(t, *p)
				p.ExpiresAt = time.Time{}
			},
			line: "input encrypted-token: is revoked or expired: GitHub does not know the token",
			hint: "when jobs are run again, re-run all jobs", asked: probe,
		},
		{
			name: "expired", prepare: func(*testing.T, *step, *envelope.Payload) { time.Sleep(2 * time.Hour) },
			line: "input encrypted-token: expired 60 minutes ago", hint: "tokens live an hour", asked: probe,
		},
		{
			name:    "nobody answers",
			prepare: func(_ *testing.T, s *step, _ *envelope.Payload) { s.Inject(fakegithub.ServerError(503, false)) },
			line:    "ask whether the token is alive: GitHub answered 503: Server Error (tried 6 times in …)",
			hint:    "GitHub has trouble of its own", asked: probe,
		},
		{
			name: "revoked, and not asked", env: map[string]string{"INPUT_VERIFY": "false"},
			prepare: func(t *testing.T, s *step, p *envelope.Payload) { s.revokeNow(t, *p) }, left: "3540",
		},
		{
			name: "expired, and not asked", env: map[string]string{"INPUT_VERIFY": "false"},
			prepare: func(*testing.T, *step, *envelope.Payload) { time.Sleep(2 * time.Hour) },
			warning: "::warning::by the clock of this machine the token is dead, and with verify: false GitHub is not asked",
		},
		{
			name: "young, and not known everywhere", prepare: func(_ *testing.T, s *step, _ *envelope.Payload) {
				s.Inject(fakegithub.Fault{Times: 2, Status: 401, Body: `{"message":"Bad credentials"}`})
			},
			asked: probe + ", " + probe + ", " + probe, left: "3597",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStep(t, c.env)
				p := s.aToken(t)
				s.SkipOpenAPI = true
				if c.prepare != nil {
					c.prepare(t, s, &p)
				}
				s.env["INPUT_ENCRYPTED-TOKEN"], s.env["INPUT_REVOKE"] = forge(t, p), "true"
				s.ResetRequests()
				s.run(t, "decrypt")
				line, hint := s.annotation("error")
				if line != c.line || !strings.HasPrefix(hint, c.hint) || (s.exit == exitOK) != (c.line == "") {
					t.Errorf("exit %d: %s, hint %s", s.exit, line, hint)
				}
				if c.line != "" && s.file(t, "GITHUB_OUTPUT")+s.file(t, "GITHUB_ENV") != "" {
					t.Error("something was handed out")
				}
				// Whatever was found: post revokes what may be alive.
				if !strings.Contains(s.file(t, "GITHUB_STATE"), p.Token.Reveal()) {
					t.Error("post does not know the token")
				}
				if !strings.Contains(s.log.String(), c.warning) {
					t.Errorf("%q is not in the log: %s", c.warning, s.log.String())
				}
				out, err := fakerunner.ReadPairs(s.env["GITHUB_OUTPUT"])
				if err != nil || out["remaining-seconds"] != c.left {
					t.Errorf("remaining %q, want %q (%v)", out["remaining-seconds"], c.left, err)
				}
				if got := s.requests(); c.line == "" && got != c.asked || !strings.HasPrefix(got, c.asked) {
					t.Errorf("asked %q, want %q", got, c.asked)
				}
				s.checkHidden(t)
			})
		})
	}
}

func (s *step) revokeNow(t *testing.T, p envelope.Payload) {
	t.Helper()
	api, err := s.process(t).connect(s.process(t).runner(), host{URL: "https://api.github.test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.Revoke(t.Context(), p.Token); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
}

// Where no post stage follows, decrypt does not say that it revokes the token.
func TestDecryptCanNotRevokeWithoutAPostStage(t *testing.T) {
	s := newStep(t, nil)
	p := s.aToken(t)
	s.env["INPUT_ENCRYPTED-TOKEN"], s.env["INPUT_REVOKE"] = forge(t, p), "true"
	s.env["GITHUB_ACTIONS"], s.env["GITHUB_STATE"] = "", ""
	s.run(t, "decrypt")
	if !strings.Contains(s.log.String(), "error: input revoke: needs a post stage") || s.exit != exitFailure || len(s.Requests()) > 0 {
		t.Errorf("exit %d, asked %s: %s", s.exit, s.requests(), s.log.String())
	}
}
