package cli

import (
	"context"
	"os"
	"path/filepath"
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

// wrongClocks are how far GitHub's clock is ahead of the machine's: an hour is what a
// time zone set by hand makes, and as long as a token lives.
var wrongClocks = []time.Duration{-25 * time.Hour, -time.Hour, 0, time.Hour, 25 * time.Hour}

// onWrongClocks runs a test under each of them.
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

// toPost makes the state of the stage that ran that of the post stage.
func (d *day) toPost(t *testing.T) {
	t.Helper()
	state, err := fakerunner.ReadPairs(d.env["GITHUB_STATE"])
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range state {
		d.env["STATE_"+name] = value
	}
}

// A machine whose clock is wrong revokes every token all the same.
func TestRevokedOnAWrongClock(t *testing.T) {
	onWrongClocks(t, func(t *testing.T, skew time.Duration) {
		d := newDay(t, nil)
		d.SetClockSkew(skew)
		d.run(t, "mint")
		time.Sleep(10 * time.Minute)
		d.toPost(t)
		d.log.Reset()
		d.run(t, "post")
		if d.Alive(d.Tokens()[0].Value) || !strings.Contains(d.log.String(), "\nthe token is revoked\n") {
			t.Errorf("post: %s", d.log.String())
		}

		d.next(t, nil)
		d.run(t, "mint")
		out, err := fakerunner.ReadPairs(d.env["GITHUB_OUTPUT"])
		if err != nil {
			t.Fatal(err)
		}
		d.next(t, map[string]string{"INPUT_ENCRYPTED-TOKEN": out["encrypted-token"]})
		d.run(t, "revoke")
		if d.exit != exitOK || d.Alive(d.Tokens()[1].Value) {
			t.Errorf("revoke: %s", d.log.String())
		}
	})
}

// What the state says of the clock is what post goes by when GitHub is not heard.
func TestPostKnowsTheClock(t *testing.T) {
	onWrongClocks(t, func(t *testing.T, skew time.Duration) {
		for wait, says := range map[time.Duration]string{
			50 * time.Minute: "::warning::the token is not revoked and lives until ",
			70 * time.Minute: "\nthe token could not be revoked, and expired at ",
		} {
			d := newDay(t, nil)
			d.SetClockSkew(skew)
			d.run(t, "mint")
			time.Sleep(wait)
			d.toPost(t)
			d.Inject(fakegithub.Fault{Drop: true})
			d.run(t, "post")
			if d.exit != exitOK || !strings.Contains(d.log.String(), says) {
				t.Errorf("after %s: %s", wait, d.log.String())
			}
		}
	})
}

// A token is opened where the clock is wrong: what counts is GitHub's.
func TestDecryptOnAWrongClock(t *testing.T) {
	onWrongClocks(t, func(t *testing.T, skew time.Duration) {
		d := newDay(t, map[string]string{"INPUT_SKIP-TOKEN-REVOKE": "true"})
		d.SetClockSkew(skew)
		d.run(t, "mint")
		out, err := fakerunner.ReadPairs(d.env["GITHUB_OUTPUT"])
		if err != nil {
			t.Fatal(err)
		}
		later := map[string]string{"INPUT_ENCRYPTED-TOKEN": out["encrypted-token"], "INPUT_SKIP-TOKEN-REVOKE": "", "INPUT_REVOKE": "true"}
		time.Sleep(10 * time.Minute)
		d.next(t, later)
		d.run(t, "decrypt")
		if d.exit != exitOK {
			t.Fatal(d.log.String())
		}
		if out, err = fakerunner.ReadPairs(d.env["GITHUB_OUTPUT"]); err != nil {
			t.Fatal(err)
		}
		if left, _ := strconv.Atoi(out["remaining-seconds"]); left < 49*60 || left > 50*60 {
			t.Errorf("remaining %s, want 50 minutes", out["remaining-seconds"])
		}
		state, err := fakerunner.ReadPairs(d.env["GITHUB_STATE"])
		if want := map[bool]string{true: "", false: skew.String()}[skew == 0]; err != nil || state[stateSkew] != want {
			t.Errorf("the state has %q for the clock, want %q", state[stateSkew], want)
		}

		time.Sleep(51 * time.Minute)
		d.next(t, later)
		d.run(t, "decrypt")
		line, _ := d.said("error")
		if d.exit != exitFailure || line != "input encrypted-token: expired 60 seconds ago" || d.file(t, "GITHUB_OUTPUT") != "" {
			t.Errorf("exit %d: %s", d.exit, d.log.String())
		}
	})
}

// Refresh mints as often as it must and no oftener, and leaves nothing alive.
func TestRefreshOnAWrongClock(t *testing.T) {
	onWrongClocks(t, func(t *testing.T, skew time.Duration) {
		d, dir := refreshed(t, func(d *day) { d.SetClockSkew(skew) })
		p := d.process(t)
		for _, step := range []struct {
			wait  time.Duration
			mints int
		}{{0, 1}, {time.Minute, 1}, {53 * time.Minute, 1}, {2 * time.Minute, 2}, {time.Minute, 2}, {53 * time.Minute, 2}, {2 * time.Minute, 3}} {
			time.Sleep(step.wait)
			token, err := currentToken(context.Background(), p, p.runner(), dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(d.Tokens()); n != step.mints || !d.Alive(token.Value.Reveal()) {
				t.Errorf("after %s: %d mints, want %d; alive is %v", step.wait, n, step.mints, d.Alive(token.Value.Reveal()))
			}
			if step.mints == 2 && step.wait == 2*time.Minute && !d.Alive(d.Tokens()[0].Value) {
				t.Error("a token with minutes to live was revoked: git may be at work with it")
			}
		}
		d.run(t, "post")
		for i, token := range d.Tokens() {
			if d.Alive(token.Value) {
				t.Errorf("token %d is alive", i)
			}
		}
	})
}

// A clock that is set while the job runs is noticed: backwards at once, for a time
// before a token's own can't be, and forwards because it looks expired.
func TestRefreshWhenTheClockIsSet(t *testing.T) {
	testKey()
	for _, set := range []time.Duration{-time.Hour, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			d, dir := refreshed(t)
			p := d.process(t)
			identity := redact.New(d.env[dir.identityVariable()])
			s, err := dir.load(identity)
			if err != nil {
				t.Fatal(err)
			}
			s.Tokens[0].Skew = set // as if the machine's clock had been off by as much at the mint, and were right now
			if err := dir.save(s); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if token, err := currentToken(t.Context(), p, p.runner(), dir, nil); err != nil || !d.Alive(token.Value.Reveal()) {
					t.Error(err)
				}
			}
			if n := len(d.Tokens()); n != 2 {
				t.Errorf("%d mints, want one more and no other", n-1)
			}
			if s, err = dir.load(identity); err != nil || s.Tokens[1].Skew != 0 {
				t.Errorf("the difference is not measured again: %s, %v", s.Tokens[1].Skew, err)
			}
		})
	}
}

// Git throws away a password whose end has come by the clock of the machine.
func TestGitGoesByTheMachinesClock(t *testing.T) {
	onWrongClocks(t, func(t *testing.T, skew time.Duration) {
		d, dir := refreshed(t, func(d *day) { d.SetClockSkew(skew) })
		p := d.process(t)
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

// A token that was revoked at its expiry is forgotten; one of which GitHub did not
// say that it is gone is kept for the post stage.
func TestRefreshForgetsNothingAlive(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		d, dir := refreshed(t)
		d.lies = true
		p := d.process(t)
		identity := redact.New(d.env[dir.identityVariable()])
		known := func() int {
			_, err := currentToken(t.Context(), p, p.runner(), dir, nil)
			s, loadErr := dir.load(identity)
			if err != nil || loadErr != nil {
				t.Fatal(err, loadErr)
			}
			return len(s.Tokens)
		}
		time.Sleep(56 * time.Minute)
		if n := known(); n != 2 {
			t.Errorf("%d tokens are known, want the new one and the one that git may be at work with", n)
		}
		time.Sleep(56 * time.Minute)
		d.Inject(fakegithub.Fault{Method: "DELETE", Times: 1, Status: 501, Body: `{"message":"no"}`})
		if n := known(); n != 3 {
			t.Errorf("%d tokens are known, want 3: one was not revoked", n)
		}
		time.Sleep(56 * time.Minute)
		if n := known(); n != 2 {
			t.Errorf("%d tokens are known, want 2: those of the past are gone", n)
		}
	})
}

// A token that can't be kept is not left alive behind the job's back.
func TestRefreshTakesBackWhatItCanNotKeep(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		d, dir := refreshed(t)
		p := d.process(t)
		time.Sleep(56 * time.Minute)
		// While GitHub mints, the directory vanishes and a file takes its place.
		d.Inject(fakegithub.Fault{Method: "POST", Path: "/app/installations/*/access_tokens", Rewrite: func(body []byte) []byte {
			_ = os.RemoveAll(dir.path)
			_ = os.WriteFile(dir.path, nil, 0o600)
			return body
		}})
		if _, err := currentToken(t.Context(), p, p.runner(), dir, nil); err == nil {
			t.Error("the state was saved where there is no directory")
		}
		if tokens := d.Tokens(); len(tokens) != 2 || d.Alive(tokens[1].Value) {
			t.Errorf("%d tokens, the last alive", len(tokens))
		}
	})
}

// Post looks at files when the token is revoked, and not before.
func TestPostRevokesFirst(t *testing.T) {
	d, _ := refreshed(t)
	d.ResetRequests()
	looked := ""
	d.onVariable = func(name string) {
		if (name == "STATE_"+stateRefresh || name == "RUNNER_TEMP") && looked == "" {
			looked = "after " + d.asked()
		}
	}
	d.run(t, "post")
	if looked != "after DELETE /installation/token" {
		t.Errorf("the directory was looked at %q", looked)
	}
}

// A state of refresh that hangs or makes no sense keeps no token alive.
func TestPostWithATamperedFile(t *testing.T) {
	d, dir := refreshed(t)
	if err := os.WriteFile(filepath.Join(dir.path, refreshFile), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run(t, "post")
	if d.exit != exitOK || d.Alive(d.Tokens()[0].Value) || !strings.Contains(d.log.String(), "::warning::what refresh minted is not known") {
		t.Errorf("exit %d: %s", d.exit, d.log.String())
	}
	if _, err := os.Stat(dir.path); !os.IsNotExist(err) {
		t.Errorf("the directory is left behind: %v", err)
	}
}

// Half a state, such as one of another release, keeps nothing alive in silence.
func TestPostWithHalfAState(t *testing.T) {
	testKey()
	for missing, want := range map[string]struct {
		alive bool
		says  string
	}{
		stateToken: {false, "there is no token to revoke\nthe token is revoked\nthe token is revoked\n"},
		stateHost:  {true, "::warning::what refresh minted is not revoked, and lives until it expires: "},
	} {
		synctest.Test(t, func(t *testing.T) {
			d, dir := refreshed(t)
			p := d.process(t)
			time.Sleep(56 * time.Minute)
			if _, err := currentToken(context.Background(), p, p.runner(), dir, nil); err != nil {
				t.Fatal(err)
			}
			d.env["STATE_"+missing] = ""
			d.log.Reset()
			d.run(t, "post")
			tokens := d.Tokens()
			log := withoutMasks(d.log.String())
			if d.exit != exitOK || len(tokens) != 2 || d.Alive(tokens[1].Value) != want.alive || !strings.Contains(log, want.says) {
				t.Errorf("without %s: exit %d, %d tokens: %s", missing, d.exit, len(tokens), log)
			}
			if _, err := os.Stat(dir.path); !os.IsNotExist(err) {
				t.Errorf("without %s the directory is left behind: %v", missing, err)
			}
		})
	}
}

// A directory of the same name in the workspace is not that of refresh.
func TestPostRemovesNothingOfTheWorkspace(t *testing.T) {
	name, err := os.MkdirTemp(".", refreshPrefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(name) })
	d := newDay(t, map[string]string{"STATE_" + stateRefresh: filepath.Base(name), "RUNNER_TEMP": ""})
	d.run(t, "post")
	if _, err := os.Stat(name); err != nil || !strings.Contains(d.log.String(), "::warning::the files of refresh are left behind") {
		t.Errorf("%v: %s", err, d.log.String())
	}
}
