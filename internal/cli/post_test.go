package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakerunner"
)

// The post stage never fails a job, and ends in time.
func TestPostFailures(t *testing.T) {
	testKey()
	for _, c := range []struct {
		name     string
		prepare  func(*step)
		says     string
		alive    bool
		requests int
	}{
		{"all is well", func(*step) {}, "the token is revoked\n", false, 1},
		{
			"revoked by hand", func(s *step) { s.Inject(fakegithub.Fault{Status: 401, Body: `{"message":"Bad credentials"}`}) },
			"the token was gone already\n", true, 1,
		},
		{"two outages", func(s *step) { s.Inject(at("DELETE", 2, fakegithub.ServerError(502, true))) }, "the token is revoked\n", false, 3},
		{
			"a clear no", func(s *step) { s.Inject(fakegithub.Fault{Status: 403, Body: `{"message":"no"}`}) },
			"::warning::the token is not revoked and lives until 01:00 UTC: revoke the token: GitHub answered 403: no", true, 1,
		},
		{
			"limited", func(s *step) { s.Inject(fakegithub.SecondaryLimit(time.Minute)) },
			"::warning::the token is not revoked and lives until 01:00 UTC: revoke the token: GitHub answered 403: You have exceeded a " +
				"secondary rate limit",
			true, 1,
		},
		{
			"never an answer", func(s *step) { s.Inject(fakegithub.Fault{Delay: time.Hour}) },
			"::warning::the token is not revoked and lives until 01:00 UTC: revoke the token: api.github.test:443: no answer in time " +
				"(tried 2 times in 15s)%0Ahint: ",
			true, 2,
		},
		{"expired", func(*step) { time.Sleep(2 * time.Hour) }, "the token was gone already: it expired at 01:00 UTC\n", false, 1},
		{"expired, and no answer", func(s *step) {
			time.Sleep(2 * time.Hour)
			s.Inject(fakegithub.Fault{Drop: true})
		}, "\nthe token could not be revoked, and expired at 01:00 UTC by itself: revoke the token: ", false, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStep(t, nil)
				s.run(t, "mint")
				state, err := fakerunner.ReadPairs(s.env["GITHUB_STATE"])
				if err != nil {
					t.Fatal(err)
				}
				for name, value := range state {
					s.env["STATE_"+name] = value
				}
				s.SkipOpenAPI = true
				s.ResetRequests()
				s.log.Reset()
				c.prepare(s)
				started := time.Now()
				s.run(t, "post")
				if took := time.Since(started); s.exit != exitOK || took > postTime {
					t.Errorf("exit %d after %s", s.exit, took)
				}
				if !strings.Contains(s.log.String(), c.says) {
					t.Errorf("the log does not say %q", c.says)
				}
				if got := len(s.Requests()); got != c.requests || s.Alive(s.Tokens()[0].Value) != c.alive {
					t.Errorf("%d requests, want %d; alive is %v", got, c.requests, !c.alive)
				}
				s.checkHidden(t)
			})
		})
	}
}

// Post revokes the token before it looks at files.
func TestPostRevokesFirst(t *testing.T) {
	s, _ := refreshed(t)
	s.ResetRequests()
	looked := ""
	s.onVariable = func(name string) {
		if (name == "STATE_"+stateRefresh || name == "RUNNER_TEMP") && looked == "" {
			looked = "after " + s.requests()
		}
	}
	s.run(t, "post")
	if looked != "after DELETE /installation/token" {
		t.Errorf("the directory was looked at %q", looked)
	}
}

// A state of refresh that can't be read keeps no token alive.
func TestPostWithATamperedFile(t *testing.T) {
	s, dir := refreshed(t)
	if err := os.WriteFile(filepath.Join(dir.path, refreshFile), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, "post")
	if s.exit != exitOK || s.Alive(s.Tokens()[0].Value) ||
		!strings.Contains(s.log.String(), "::warning::the tokens that refresh minted are not known") {
		t.Errorf("exit %d: %s", s.exit, s.log.String())
	}
	if _, err := os.Stat(dir.path); !os.IsNotExist(err) {
		t.Errorf("the directory is left behind: %v", err)
	}
}

// If half of the state is missing, as that of another release may, post warns
// of the tokens that it can't revoke.
func TestPostWithHalfAState(t *testing.T) {
	testKey()
	for missing, want := range map[string]struct {
		alive bool
		says  string
	}{
		stateToken: {false, "there is no token to revoke\nthe token is revoked\nthe token is revoked\n"},
		stateHost:  {true, "::warning::the tokens that refresh minted are not revoked, and live until they expire: "},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, dir := refreshed(t)
			p := s.process(t)
			time.Sleep(56 * time.Minute)
			if _, err := currentToken(context.Background(), p, p.runner(), dir, nil); err != nil {
				t.Fatal(err)
			}
			s.env["STATE_"+missing] = ""
			s.log.Reset()
			s.run(t, "post")
			tokens := s.Tokens()
			log := withoutMasks(s.log.String())
			if s.exit != exitOK || len(tokens) != 2 || s.Alive(tokens[1].Value) != want.alive || !strings.Contains(log, want.says) {
				t.Errorf("without %s: exit %d, %d tokens: %s", missing, s.exit, len(tokens), log)
			}
			if _, err := os.Stat(dir.path); !os.IsNotExist(err) {
				t.Errorf("without %s the directory is left behind: %v", missing, err)
			}
		})
	}
}

// A directory of the same name in the workspace is not the one of refresh.
func TestPostRemovesNothingOfTheWorkspace(t *testing.T) {
	name, err := os.MkdirTemp(".", refreshPrefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(name) })
	s := newStep(t, map[string]string{"STATE_" + stateRefresh: filepath.Base(name), "RUNNER_TEMP": ""})
	s.run(t, "post")
	if _, err := os.Stat(name); err != nil || !strings.Contains(s.log.String(), "::warning::the files of refresh are left behind") {
		t.Errorf("%v: %s", err, s.log.String())
	}
}
