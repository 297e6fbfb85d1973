package cli

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/internal/gitauth"
	"github.com/valetkey/valetkey/internal/redact"
)

// wrongClocks are by how much GitHub's clock may be ahead of the machine's. A
// time zone set by hand is an hour off, which is as long as a token lives.
var wrongClocks = []time.Duration{-25 * time.Hour, -time.Hour, 0, time.Hour, 25 * time.Hour}

// onWrongClocks runs a test with each of wrongClocks.
func onWrongClocks(t *testing.T, test func(t *testing.T, skew time.Duration)) {
	testKey()
	for _, skew := range wrongClocks {
		t.Run(skew.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(48 * time.Hour) // a bubble begins with the year 2000, and GitHub's time is to be in it
				test(t, skew)
			})
		})
	}
}

// toPost hands the state that the main stage saved to the post stage.
func (s *step) toPost(t *testing.T) {
	t.Helper()
	state, err := fakerunner.ReadPairs(s.env["GITHUB_STATE"])
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range state {
		s.env["STATE_"+name] = value
	}
}

// A machine with a wrong clock revokes every token.
func TestRevokedOnAWrongClock(t *testing.T) {
	onWrongClocks(t, func(t *testing.T, skew time.Duration) {
		s := newStep(t, nil)
		s.SetClockSkew(skew)
		s.run(t, "mint")
		time.Sleep(10 * time.Minute)
		s.toPost(t)
		s.log.Reset()
		s.run(t, "post")
		if s.Alive(s.Tokens()[0].Value) || !strings.Contains(s.log.String(), "\nthe token is revoked\n") {
			t.Errorf("post: %s", s.log.String())
		}

		s.next(t, nil)
		s.run(t, "mint")
		out, err := fakerunner.ReadPairs(s.env["GITHUB_OUTPUT"])
		if err != nil {
			t.Fatal(err)
		}
		s.next(t, map[string]string{"INPUT_ENCRYPTED-TOKEN": out["encrypted-token"]})
		s.run(t, "revoke")
		if s.exit != exitOK || s.Alive(s.Tokens()[1].Value) {
			t.Errorf("revoke: %s", s.log.String())
		}
	})
}

// When GitHub does not answer, post goes by what the state says about the
// clock.
func TestPostKnowsTheClock(t *testing.T) {
	onWrongClocks(t, func(t *testing.T, skew time.Duration) {
		for wait, says := range map[time.Duration]string{
			50 * time.Minute: "::warning::the token is not revoked and lives until ",
			70 * time.Minute: "\nthe token could not be revoked, and expired at ",
		} {
			s := newStep(t, nil)
			s.SetClockSkew(skew)
			s.run(t, "mint")
			time.Sleep(wait)
			s.toPost(t)
			s.Inject(fakegithub.Fault{Drop: true})
			s.run(t, "post")
			if s.exit != exitOK || !strings.Contains(s.log.String(), says) {
				t.Errorf("after %s: %s", wait, s.log.String())
			}
		}
	})
}

// A machine with a wrong clock opens a token, because only GitHub's clock
// counts.
func TestDecryptOnAWrongClock(t *testing.T) {
	onWrongClocks(t, func(t *testing.T, skew time.Duration) {
		s := newStep(t, map[string]string{"INPUT_SKIP-TOKEN-REVOKE": "true"})
		s.SetClockSkew(skew)
		s.run(t, "mint")
		out, err := fakerunner.ReadPairs(s.env["GITHUB_OUTPUT"])
		if err != nil {
			t.Fatal(err)
		}
		later := map[string]string{"INPUT_ENCRYPTED-TOKEN": out["encrypted-token"], "INPUT_SKIP-TOKEN-REVOKE": "", "INPUT_REVOKE": "true"}
		time.Sleep(10 * time.Minute)
		s.next(t, later)
		s.run(t, "decrypt")
		if s.exit != exitOK {
			t.Fatal(s.log.String())
		}
		if out, err = fakerunner.ReadPairs(s.env["GITHUB_OUTPUT"]); err != nil {
			t.Fatal(err)
		}
		if left, _ := strconv.Atoi(out["remaining-seconds"]); left < 49*60 || left > 50*60 {
			t.Errorf("remaining %s, want 50 minutes", out["remaining-seconds"])
		}
		state, err := fakerunner.ReadPairs(s.env["GITHUB_STATE"])
		if want := map[bool]string{true: "", false: skew.String()}[skew == 0]; err != nil || state[stateSkew] != want {
			t.Errorf("the state has %q for the clock, want %q", state[stateSkew], want)
		}

		time.Sleep(51 * time.Minute)
		s.next(t, later)
		s.run(t, "decrypt")
		line, _ := s.annotation("error")
		if s.exit != exitFailure || line != "input encrypted-token: expired 60 seconds ago" || s.file(t, "GITHUB_OUTPUT") != "" {
			t.Errorf("exit %d: %s", s.exit, s.log.String())
		}
	})
}

// Refresh mints no more tokens than it needs, and leaves none alive.
func TestRefreshOnAWrongClock(t *testing.T) {
	onWrongClocks(t, func(t *testing.T, skew time.Duration) {
		s, dir := refreshed(t, func(s *step) { s.SetClockSkew(skew) })
		s.checkMints(t, dir, []mints{
			{0, 1}, {time.Minute, 1}, {53 * time.Minute, 1}, {2 * time.Minute, 2},
		})
		if !s.Alive(s.Tokens()[0].Value) {
			t.Error("a token with minutes to live was revoked: git may be at work with it")
		}
		s.checkMints(t, dir, []mints{{time.Minute, 2}, {53 * time.Minute, 2}, {2 * time.Minute, 3}})
		s.run(t, "post")
		s.checkRevoked(t)
	})
}

// Refresh notices that a clock was set while the job runs. Backwards it notices
// at once, since no time comes before a token was minted; forwards the token
// looks expired.
func TestRefreshWhenTheClockIsSet(t *testing.T) {
	testKey()
	for _, set := range []time.Duration{-time.Hour, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s, dir := refreshed(t)
			p := s.process(t)
			s.changeState(t, dir, func(state *refreshState) {
				state.Tokens[0].Skew = set // as if the machine's clock had been off by as much at the mint, and were right now
			})
			for range 3 {
				if token, err := currentToken(t.Context(), p, p.runner(), dir, nil); err != nil || !s.Alive(token.Value.Reveal()) {
					t.Error(err)
				}
			}
			if n := len(s.Tokens()); n != 2 {
				t.Errorf("%d mints, want one more and no other", n-1)
			}
			s.changeState(t, dir, func(state *refreshState) {
				if state.Tokens[1].Skew != 0 {
					t.Errorf("the difference is not measured again: %s", state.Tokens[1].Skew)
				}
			})
		})
	}
}

// Git discards a password that has expired by the clock of the machine.
func TestGitGoesByTheMachinesClock(t *testing.T) {
	onWrongClocks(t, func(t *testing.T, skew time.Duration) {
		s, dir := refreshed(t, func(s *step) { s.SetClockSkew(skew) })
		p := s.process(t)
		var answer strings.Builder
		p.Stdout, p.Stderr = &answer, &strings.Builder{}
		asked := "protocol=https\nhost=github.test\npath=acme/api.git\n"
		request, err := gitauth.ParseRequest(strings.NewReader(asked))
		if err != nil {
			t.Fatal(err)
		}
		if err := answerFresh(t.Context(), p, p.plain(), dir, request); err != nil {
			t.Fatal(err)
		}
		checkExpiry(t, answer.String(), time.Now().Add(time.Hour))

		answer.Reset()
		given := map[string]string{}
		p.Getenv = overlay(given, p.Getenv)
		if err := answerMinted(t.Context(), p, p.plain(), request, given); err != nil {
			t.Fatal(err)
		}
		checkExpiry(t, answer.String(), time.Now().Add(time.Hour))
	})
}

func checkExpiry(t *testing.T, answer string, want time.Time) {
	t.Helper()
	_, text, ok := strings.Cut(answer, "password_expiry_utc=")
	at, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if off := time.Unix(at, 0).Sub(want).Abs(); !ok || err != nil || off > 2*time.Second {
		t.Errorf("the password ends %s off: %v", off, err)
	}
}

// Refresh forgets a token that was revoked at its expiry. It keeps a token for
// the post stage if GitHub did not say that the token is gone.
func TestRefreshForgetsNothingAlive(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		s, dir := refreshed(t)
		s.SkipOpenAPI = true
		p := s.process(t)
		identity := redact.New(s.env[dir.identityVariable()])
		known := func() int {
			_, err := currentToken(t.Context(), p, p.runner(), dir, nil)
			state, loadErr := dir.load(identity)
			if err != nil || loadErr != nil {
				t.Fatal(err, loadErr)
			}
			return len(state.Tokens)
		}
		time.Sleep(56 * time.Minute)
		if n := known(); n != 2 {
			t.Errorf("%d tokens are known, want the new one and the one that git may be at work with", n)
		}
		time.Sleep(56 * time.Minute)
		s.Inject(fakegithub.Fault{Method: "DELETE", Times: 1, Status: 501, Body: `{"message":"no"}`})
		if n := known(); n != 3 {
			t.Errorf("%d tokens are known, want 3: one was not revoked", n)
		}
		time.Sleep(56 * time.Minute)
		if n := known(); n != 2 {
			t.Errorf("%d tokens are known, want 2: those of the past are gone", n)
		}
	})
}

// A token that can't be saved is revoked.
func TestRefreshTakesBackWhatItCanNotKeep(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		s, dir := refreshed(t)
		p := s.process(t)
		time.Sleep(56 * time.Minute)
		// While GitHub mints, the directory vanishes and a file takes its place.
		s.Inject(fakegithub.Fault{Method: "POST", Path: "/app/installations/*/access_tokens", Rewrite: func(body []byte) []byte {
			_ = os.RemoveAll(dir.path)
			_ = os.WriteFile(dir.path, nil, 0o600)
			return body
		}})
		if _, err := currentToken(t.Context(), p, p.runner(), dir, nil); err == nil {
			t.Error("the state was saved where there is no directory")
		}
		if tokens := s.Tokens(); len(tokens) != 2 || s.Alive(tokens[1].Value) {
			t.Errorf("%d tokens, the last alive", len(tokens))
		}
	})
}
