package cli

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

// fates returns what became of each line.
func (l *leakedList) fates() []string {
	var all []string
	for _, v := range l.Values {
		all = append(all, fmt.Sprint(v.Line, " ", v.Fate))
	}
	return all
}

// A list with everything in it: what can be ended is, and the rest is named by
// line and kind. No value is readable anywhere.
func TestEndLeaked(t *testing.T) {
	s := newStep(t, map[string]string{"RUNNER_DEBUG": "1"})
	classic, fine, refresh := s.leak("ghp_"), s.leak("github_pat_"), s.leak("ghr_")
	installation, jobs, gone := s.mintLeaked(t), s.mintLeaked(t), s.mintLeaked(t)
	given, minted := s.leak("gho_"), s.mintLeaked(t)
	old := strings.Repeat("0a", 20)
	lines := []string{classic, installation, "", "hello", fine, jobs, given, old, refresh, classic, gone, minted}
	s.env["LEAKED"], s.env["GITHUB_TOKEN"], s.env["INPUT_TOKEN"] = strings.Join(lines, "\n"), jobs, " "+given+"\n"
	s.env["INPUT_REPORT-FILE"] = "hello" // which is not a token, even if the step has it
	list, failure := s.endLeakedIn(t, redact.New(minted))
	want := []string{
		"1 ended", "2 ended", "4 not a GitHub token", "5 ended", "6 left alone", "7 left alone", "8 not a GitHub token",
		"9 accepted by GitHub, not checked", "11 ended", "12 left alone",
	}
	if diff := cmp.Diff(want, list.fates()); diff != "" {
		t.Error(diff)
	}
	for _, value := range []string{classic, fine, refresh, installation, gone} {
		if s.PersonalTokenWorks(value) || s.Alive(value) {
			t.Errorf("a %s works", redact.KindOf(value))
		}
	}
	if !s.Alive(jobs) || !s.Alive(minted) || !s.PersonalTokenWorks(given) {
		t.Error("a token that the step runs with has ended")
	}
	const wantFailure = `input leaked: line 4 is not a GitHub token
hint: end it where it was made, and leave the line out; each line is one token and nothing else
input leaked: line 8 is a personal access token (classic) from before 2021, or not a token at all
hint: end it where it was made, and leave the line out; each line is one token and nothing else
input leaked: line 7, an OAuth token, is left alone: this step runs with it: it is the value of "INPUT_TOKEN"
hint: an installation token ends with its job; run the step again with another token to end any other`
	if diff := cmp.Diff(wantFailure, failure); diff != "" {
		t.Error(diff)
	}
	const wantLog = `leaked: 1 × personal access token (classic), 4 × installation token, 2 × something else, ` +
		`1 × fine-grained personal access token, 1 × OAuth token, 1 × refresh token; blank lines left out: 1, repetitions: 1; ` +
		`what ends now ends everywhere and for good
leaked: ended: 1 × personal access token (classic), 2 × installation token, 1 × fine-grained personal access token
leaked: accepted by GitHub, not checked: 1 × refresh token
leaked: left alone: 2 × installation token, 1 × OAuth token
leaked: not a GitHub token: 2 × something else
`
	var log strings.Builder
	for line := range strings.Lines(s.log.String()) {
		if strings.HasPrefix(line, "leaked: ") {
			log.WriteString(line)
		}
	}
	if diff := cmp.Diff(wantLog, log.String()); diff != "" {
		t.Error(diff)
	}
	const warning = "::warning::input leaked: line 6, an installation token, is left alone: this step runs with it"
	if n := strings.Count(s.log.String(), warning); n != 1 {
		t.Errorf("%d warnings of the job's token: %s", n, withoutMasks(s.log.String()))
	}
	for _, value := range lines {
		if len(value) > 8 && strings.Contains(withoutMasks(s.log.String())+failure, value[len(value)-12:]) {
			t.Errorf("a value is readable: %s", withoutMasks(s.log.String()))
		}
	}
}

// Where one kind can't be ended, the others are. The lines are named once for
// all that failed alike.
func TestEndLeakedGoesOn(t *testing.T) {
	s := newStep(t, nil)
	s.Inject(fakegithub.Fault{
		Path: "/credentials/revoke", Status: 404, Header: asJSONType, Body: `{"message":"Not Found"}`,
	})
	s.SkipOpenAPI = true
	installation := s.mintLeaked(t)
	s.env["LEAKED"] = strings.Join([]string{s.leak("ghp_"), installation, s.leak("gho_"), "nonsense"}, "\n")
	list, failure := s.endLeakedIn(t)
	want := []string{"1 not ended", "2 ended", "3 not ended", "4 not a GitHub token"}
	if diff := cmp.Diff(want, list.fates()); diff != "" || s.Alive(installation) {
		t.Error(diff)
	}
	failure = regexp.MustCompile(` \(request \S+\)`).ReplaceAllString(failure, "")
	const refused = "input leaked: not ended: line 1, 3: revoke tokens 1 to 2 of 2 by their values: GitHub answered 404: Not Found\n" +
		"hint: this GitHub ends no credentials by their values"
	if !strings.Contains(failure, refused) || strings.Count(failure, "404") != 1 {
		t.Error(failure)
	}
	if strings.Contains(s.requests(), "GET /user") {
		t.Errorf("what was not accepted is checked: %s", s.requests())
	}
}

// An installation token that can't be ended is named too.
func TestEndLeakedDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStep(t, nil)
		down := fakegithub.ServerError(500, false)
		down.Method = "DELETE"
		s.Inject(down)
		s.env["LEAKED"] = "\n" + s.mintLeaked(t)
		list, failure := s.endLeakedIn(t)
		diff := cmp.Diff([]string{"2 not ended"}, list.fates())
		if diff != "" || !strings.Contains(failure, "not ended: line 2: revoke the token: ") {
			t.Error(diff, failure)
		}
	})
}

// A token that works on, and one of which nobody knows, fail the step.
func TestEndLeakedChecks(t *testing.T) {
	for _, c := range []struct {
		status         int
		body           string
		fate           leakedFate
		problem, hints string
	}{
		{
			200, `{"login":"monalisa"}`, leakedAlive,
			"input leaked: line 1, a personal access token (classic), still works, although GitHub accepted its revocation",
			"in a few minutes",
		},
		{
			403, `{"message":"Forbidden"}`, leakedUnknown,
			"input leaked: line 1, a personal access token (classic), may still work, although GitHub accepted its revocation: ask whether",
			"",
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newStep(t, nil)
			s.SkipOpenAPI = true
			s.env["LEAKED"] = s.leak("ghp_")
			s.Inject(fakegithub.Fault{Path: "/user", Status: c.status, Header: asJSONType, Body: c.body})
			list, failure := s.endLeakedIn(t)
			if list.Values[0].Fate != c.fate || !strings.HasPrefix(failure, c.problem) || !strings.Contains(failure, c.hints) {
				t.Errorf("%s: %s", list.Values[0].Fate, failure)
			}
		})
	}
}

// Only some are checked, because GitHub counts what it does not know, and it is
// said how many are not.
func TestEndLeakedChecksSome(t *testing.T) {
	s := newStep(t, nil)
	var lines []string
	for range maxChecked + 3 {
		lines = append(lines, s.leak("ghu_"))
	}
	s.env["LEAKED"] = strings.Join(lines, "\n")
	list, failure := s.endLeakedIn(t)
	if n := strings.Count(s.requests(), "GET /user"); n != maxChecked || failure != "" || len(list.with(leakedAccepted)) != 3 {
		t.Errorf("%d checks, %d not checked: %s", n, len(list.with(leakedAccepted)), failure)
	}
	if log := s.log.String(); !strings.Contains(log, "\nleaked: accepted by GitHub, not checked: 3 × user access token\n") {
		t.Error(withoutMasks(log))
	}
}

// Nothing is sent after the step was cancelled, and every line is named.
func TestEndLeakedCancelled(t *testing.T) {
	s := newStep(t, nil)
	token := s.mintLeaked(t)
	s.next(t, map[string]string{"INPUT_LEAKED": "env:LEAKED", "LEAKED": s.leak("ghp_") + "\n" + token})
	s.ResetRequests()
	r, list, err := s.parseLeakedIn(t)
	if err != nil {
		t.Fatal(err)
	}
	api, err := s.process(t).connect(r, host{URL: "https://api.github.test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	cancel()
	list, err = endLeaked(ctx, r, api, list)
	if diff := cmp.Diff([]string{"1 not ended", "2 not ended"}, list.fates()); diff != "" || err == nil || len(s.Requests()) != 0 {
		t.Errorf("%s; %v; asked %s", diff, err, s.requests())
	}
}
