package cli

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/githubapp"
)

// failureCase is one thing that goes wrong with a mint, or nearly.
type failureCase struct {
	name     string
	env      map[string]string
	prepare  func(*step)
	line     string // the error's first line; empty: the step gets through
	hint     string // what its hint contains
	warning  string // what a warning or the log contains
	requests int
	early    string // the line where random waits leave no time for the last try
}

var failureCases = slices.Concat(outageCases, installationCases, refusalCases, answerCases, keyCases, custodianCases)

func TestMintFailures(t *testing.T) {
	testKey()
	for _, c := range failureCases {
		for _, debug := range []string{"", "1"} {
			t.Run(c.name+map[string]string{"1": ", debugging"}[debug], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStep(t, c.env)
					s.env["RUNNER_DEBUG"] = debug
					if c.prepare != nil {
						c.prepare(s)
					}
					started := time.Now()
					s.run(t, "mint")
					if took := time.Since(started); took > mintTime {
						t.Errorf("took %s", took)
					}
					c := c
					if c.early != "" && len(s.Requests()) == c.requests-1 {
						c.line, c.requests = c.early, c.requests-1
					}
					line, hint := s.annotation("error")
					if line != c.line || !strings.Contains(hint, c.hint) || (s.exit == exitOK) != (c.line == "") {
						t.Errorf("exit %d\ngot  %s\nwant %s\ngot hint  %s\nwant hint %s", s.exit, line, c.line, hint, c.hint)
					}
					if !strings.Contains(s.log.String(), c.warning) {
						t.Errorf("%q is not in the log", c.warning)
					}
					if got := len(s.Requests()); got != c.requests {
						t.Errorf("%d requests, want %d: %s", got, c.requests, s.requests())
					}
					s.checkOutcome(t)
					s.checkHidden(t)
				})
			})
		}
	}
}

// checkOutcome checks that a step which failed leaves no token alive and hands
// out nothing, and that any other step hands out the last token.
func (s *step) checkOutcome(t *testing.T) {
	t.Helper()
	out := s.file(t, "GITHUB_OUTPUT")
	if s.exit != exitOK {
		if out != "" {
			t.Errorf("outputs were written: %q", out)
		}
		s.checkRevoked(t)
		return
	}
	tokens := s.Tokens()
	if len(tokens) == 0 || !strings.Contains(out, tokens[len(tokens)-1].Value) {
		t.Error("the token was not handed out")
	}
}

// Debug logging has a line about each request, without its headers and bodies.
func TestDebugLog(t *testing.T) {
	s := newStep(t, map[string]string{"RUNNER_DEBUG": "1"})
	s.run(t, "mint")
	for _, want := range []string{
		`(?m)^::debug::GET /repos/acme/api/installation: 200 in \S+, request [0-9A-F:]+, quota left \d+$`,
		`(?m)^::debug::POST /app/installations/4242/access_tokens: 201 in \S+, request [0-9A-F:]+, quota left \d+$`,
	} {
		if !regexp.MustCompile(want).MatchString(s.log.String()) {
			t.Errorf("the log has no %s:\n%s", want, s.log.String())
		}
	}
}

// The step ends within its minute even if a token that came in the last moment
// can't be revoked. It warns of that token instead.
func TestAMintEndsWithinItsMinute(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		s := newStep(t, nil)
		s.lastMoment()
		s.Inject(at("POST", 1, fakegithub.Fault{Delay: time.Second}))
		s.Inject(at("DELETE", 0, fakegithub.Fault{Delay: time.Hour}))
		s.env["INPUT_BOT-IDENTITY"] = "true"
		s.Inject(at("GET", 0, fakegithub.Fault{Path: "/users/*", Delay: time.Hour}))
		started := time.Now()
		s.run(t, "mint")
		took := time.Since(started)
		line, _ := s.annotation("error")
		if took > mintTime || took < mintTime-githubapp.Overtime ||
			!strings.HasPrefix(line, "look up keeper[bot]: the minute that this step waits for GitHub is over: ") {
			t.Errorf("%q after %s", line, took)
		}
		if !strings.Contains(s.log.String(), "::warning::the token that was minted is still alive, until ") {
			t.Error("the token that lives is not told of")
		}
	})
}
