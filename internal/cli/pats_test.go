package cli

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/pat"
)

// A run does what the policy says, and tells it in outputs, log, summary and
// report file.
func TestPATs(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newPATStep(t, policy, nil)
		s.RequestAccess("fleet", readsCode("ann"))
		s.RequestAccess("fleet", administers("bob"))
		s.RequestAccess("fleet", readsCode("eve")) // not of the team
		s.GrantAccess("fleet", old("ann"))
		s.GrantAccess("fleet", readsCode("release-bot"))
		s.GrantAccess("fleet", readsCode("bob"))
		s.GrantAccess("fleet", readsCode("carl"))
		s.RemoveMember("fleet", "carl")
		s.AuthorizeCredential("fleet", fakegithub.Credential{Login: "ann", Scopes: []string{"repo"}})
		s.AuthorizeCredential("fleet", fakegithub.Credential{Login: "bob", Scopes: []string{"admin:org"}})
		leaked := s.leak("ghp_")
		s.AddPersonalToken(fakegithub.PersonalToken{Value: leaked, Login: "dora", Classic: true})
		s.AddAlert("fleet", "api", fakegithub.Alert{Secret: leaked})

		s.run(t, "pats")
		if s.exit != exitOK {
			t.Fatal(s.log.String())
		}
		want := map[string]string{
			"approved": "1", "denied": "1", "noticed": "1", "revoked": "2", "withdrawn": "1", "waiting": "1", "failed": "0",
			"next-expiry": time.Now().Add(30 * 24 * time.Hour).UTC().Format(time.RFC3339),
		}
		if diff := cmp.Diff(want, s.outputs(t)); diff != "" {
			t.Error(diff)
		}
		reviews := map[string]int{}
		for _, review := range s.Reviews("fleet") {
			reviews[review.Action+" "+review.Reason]++
		}
		wanted := map[string]int{"approve ": 1, "deny administration: write, metadata: read is for an App": 1, "revoke ": 1}
		if diff := cmp.Diff(wanted, reviews); diff != "" {
			t.Error(diff)
		}
		if s.PersonalTokenWorks(leaked) || s.Alerts("fleet", "api")[0].Resolution != "revoked" {
			t.Error("the leaked token works, or its alert is open")
		}
		for _, place := range []string{s.log.String(), s.file(t, "GITHUB_STEP_SUMMARY"), s.file(t, "INPUT_REPORT-FILE")} {
			if text := withoutMasks(place); strings.Contains(text, leaked) {
				t.Errorf("the leaked token is in %s", text)
			}
		}
		if !strings.Contains(s.log.String(), "::add-mask::"+leaked) {
			t.Error("the leaked token is not masked")
		}
		outcomes := map[string]string{}
		for _, record := range s.records(t) {
			if record.Owner != "" {
				of := string(record.Kind) + " of " + record.Owner + " by " + record.Rule
				outcomes[of] = string(record.Decision) + " " + string(record.Outcome)
			}
		}
		for of, want := range map[string]string{
			"request of ann by readers": "approve done", "request of bob by too much": "deny done", "request of eve by ": "wait ",
			"grant of ann by unused": "revoke noticed", "grant of release-bot by ": "skip ", "grant of carl by left": "revoke done",
			"authorization of bob by broad": "withdraw done",
		} {
			if outcomes[of] != want {
				t.Errorf("%s: %q, want %q in %v", of, outcomes[of], want, outcomes)
			}
		}
		issues := s.Issues("fleet", "desk")
		if len(issues) != 1 || !strings.Contains(issues[0].Body, "@ann") || !strings.Contains(issues[0].Body, "contents: read") {
			t.Errorf("%+v", issues)
		}
		s.checkHidden(t)
		s.checkRevoked(t)
	})
}

// An alert stays open while its token works, whatever GitHub accepted.
func TestPATsLeakThatLives(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newPATStep(t, policy, map[string]string{"INPUT_ONLY": "leaks"})
		s.SkipOpenAPI = true
		leaked := s.leak("ghp_")
		s.AddAlert("fleet", "api", fakegithub.Alert{Secret: leaked})
		s.Inject(fakegithub.Fault{Method: "POST", Path: "/credentials/revoke", Status: 202, Header: asJSONType, Body: "{}"})
		s.run(t, "pats")
		const want = "leaked tokens that still work, although GitHub accepted their revocation: 1\nhint: "
		if s.exit != exitFailure || !strings.Contains(withoutMasks(s.log.String()), strings.ReplaceAll(want, "\n", "%0A")) {
			t.Errorf("exit %d: %s", s.exit, withoutMasks(s.log.String()))
		}
		got := s.outputs(t)
		if alert := s.Alerts("fleet", "api")[0]; alert.State != "open" || got["revoked"] != "0" || got["failed"] != "1" {
			t.Errorf("the alert is %s, %v", alert.State, got)
		}
		s.checkHidden(t)
	})
}

// A policy that those whom it governs may have written changes nothing, and the
// run says why. So does a dry run, and a run outside a runner that nobody
// confirmed.
func TestPATsOfWhomPolicyMayBe(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want string // empty: it is enforced
	}{
		"the default branch":       {nil, ""},
		"by hand":                  {map[string]string{"GITHUB_EVENT_NAME": "workflow_dispatch"}, ""},
		"a dry run":                {map[string]string{"INPUT_DRY-RUN": "true"}, "this is a dry run"},
		"a pull request":           {map[string]string{"GITHUB_EVENT_NAME": "pull_request"}, "the policy may be from a pull request"},
		"a pull request's target":  {map[string]string{"GITHUB_EVENT_NAME": "pull_request_target"}, "may be from a pull request"},
		"another branch":           {map[string]string{"GITHUB_REF": "refs/heads/mine"}, "which is not the default branch"},
		"another commit":           {map[string]string{"GITHUB_SHA": strings.Repeat("6", 40)}, "not of the commit"},
		"no runner":                {map[string]string{"GITHUB_ACTIONS": ""}, "confirm does not name its organizations"},
		"no runner, but confirmed": {map[string]string{"GITHUB_ACTIONS": "", "INPUT_CONFIRM": "Fleet"}, ""},
		"confirmed pull request": {
			map[string]string{"GITHUB_EVENT_NAME": "pull_request", "INPUT_CONFIRM": "fleet"}, "may be from a pull request",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s := newPATStep(t, policy, c.env)
				s.RequestAccess("fleet", readsCode("ann"))
				s.GrantAccess("fleet", readsCode("carl"))
				s.GrantAccess("fleet", readsCode("bob"))
				s.RemoveMember("fleet", "carl")
				s.run(t, "pats")
				if s.exit != exitOK || !strings.Contains(s.log.String(), c.want) {
					t.Error(s.log.String())
				}
				changed := len(s.Reviews("fleet"))
				if want := map[bool]int{true: 2}[c.want == ""]; changed != want {
					t.Errorf("%d reviews, want %d", changed, want)
				}
				if c.want != "" && s.writes() > 0 {
					t.Errorf("writes: %s", s.requests())
				}
				if got := s.outputs(t)["approved"] + s.outputs(t)["revoked"]; got != "11" {
					t.Errorf("approved and revoked: %s", got)
				}
				for _, token := range s.Tokens() {
					for permission, level := range token.Permissions {
						if c.want != "" && level == "write" {
							t.Errorf("a run that changes nothing has %s: write", permission)
						}
					}
				}
				summary := s.file(t, "GITHUB_STEP_SUMMARY")
				if strings.Contains(summary, "Nothing was changed") != (c.want != "") {
					t.Error(summary)
				}
			})
		})
	}
}

// Everything of one person ends, in enforce mode or not, and nothing else does.
func TestPATsEndOwner(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newPATStep(t, strings.Replace(policy, "mode: enforce", "mode: audit", 1), map[string]string{
			"INPUT_REVOKE-OWNER": "bob", "INPUT_CONFIRM": "BOB", "GITHUB_EVENT_NAME": "workflow_dispatch",
		})
		s.RequestAccess("fleet", administers("bob"))
		s.GrantAccess("fleet", readsCode("bob"))
		kept := s.GrantAccess("fleet", readsCode("ann"))
		s.AuthorizeCredential("fleet", fakegithub.Credential{Login: "bob", Scopes: []string{"repo"}})
		s.run(t, "pats")
		if s.exit != exitOK {
			t.Fatal(s.log.String())
		}
		grants := slices.Collect(maps.Keys(s.Grants("fleet")))
		if !slices.Equal(grants, []int64{kept}) || len(s.AccessRequests("fleet")) > 0 || len(s.Authorizations("fleet")) > 0 {
			t.Errorf("grants %v, requests %v, authorizations %v", grants, s.AccessRequests("fleet"), s.Authorizations("fleet"))
		}
		got := s.outputs(t)
		if got["revoked"] != "1" || got["withdrawn"] != "1" || got["denied"] != "1" {
			t.Errorf("%v", got)
		}
	})
}

// What would end can be asked from any branch.
func TestPATsEndOwnerDryRun(t *testing.T) {
	s := newPATStep(t, policy, map[string]string{
		"INPUT_REVOKE-OWNER": "bob", "INPUT_CONFIRM": "bob", "INPUT_DRY-RUN": "true", "GITHUB_REF": "refs/heads/mine",
	})
	s.GrantAccess("fleet", readsCode("bob"))
	s.run(t, "pats")
	if s.exit != exitOK || s.writes() > 0 || s.outputs(t)["revoked"] != "1" {
		t.Errorf("exit %d, %v: %s", s.exit, s.outputs(t), s.log.String())
	}
}

// Leaked values end without a policy and an App.
func TestPATsLeaked(t *testing.T) {
	s := newPATStep(t, policy, map[string]string{
		"INPUT_LEAKED": "env:LEAKED", "INPUT_REPORT-FILE": "", "INPUT_CLIENT-ID": "", "INPUT_PRIVATE-KEY": "",
	})
	value := s.leak("ghp_")
	s.AddPersonalToken(fakegithub.PersonalToken{Value: value, Login: "dora", Classic: true})
	s.env["LEAKED"] = value
	s.run(t, "pats")
	if s.exit != exitOK || s.PersonalTokenWorks(value) || s.outputs(t)["revoked"] != "1" {
		t.Errorf("exit %d, works: %t, %v: %s", s.exit, s.PersonalTokenWorks(value), s.outputs(t), withoutMasks(s.log.String()))
	}
	if strings.Contains(withoutMasks(s.log.String()), value) {
		t.Error("the value is in the log")
	}
	s.next(t, map[string]string{"INPUT_REVOKE-OWNER": "bob", "INPUT_CONFIRM": "bob", "INPUT_DRY-RUN": "true"})
	s.run(t, "pats")
	if s.exit != exitFailure || strings.Count(s.log.String(), "can't be used with leaked") != 3 {
		t.Error(withoutMasks(s.log.String()))
	}
}

// The report before classic tokens are forbidden names who would be stopped,
// and what it can't see.
func TestPATsClassicReport(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newPATStep(t, policy, map[string]string{"INPUT_CLASSIC-REPORT": "true"})
		s.SetAuditLog("fleet", true)
		s.AuthorizeCredential("fleet", fakegithub.Credential{Login: "ann", Scopes: []string{"repo", "read:org"}})
		s.AuthorizeCredential("fleet", fakegithub.Credential{Login: "ann", Type: fakegithub.SSHKey})
		for _, kind := range []string{"Personal access token (classic)", "Fine-grained personal access token"} {
			for range 150 {
				s.AddAuditEvent("fleet", map[string]any{"action": "git.clone", "actor": "bob", "programmatic_access_type": kind})
			}
		}
		s.run(t, "pats")
		const want = "2 people would be stopped, as far as can be seen: 1 tokens are authorized for single sign-on, " +
			"and the audit log has 150 events of classic tokens"
		if s.exit != exitOK || !strings.Contains(s.log.String(), want) {
			t.Errorf("exit %d: %s", s.exit, s.log.String())
		}
		summary := s.file(t, "GITHUB_STEP_SUMMARY")
		for _, row := range []string{
			"| `bob` | `fleet` | 0 | – |", "`git.clone: 150`", "| `ann` | `fleet` | 1 | `repo`, `read:org` | never | 0 | – |",
		} {
			if !strings.Contains(summary, row) {
				t.Errorf("no %q in %s", row, summary)
			}
		}
		if n := strings.Count(s.file(t, "INPUT_REPORT-FILE"), "\n"); n != 2 {
			t.Errorf("%d lines", n)
		}
		if s.writes() > 0 {
			t.Error(s.requests())
		}
		s.SetAuditLog("fleet", false)
		s.SetSingleSignOn("fleet", false)
		s.next(t, nil)
		s.run(t, "pats")
		if s.exit != exitOK || strings.Count(s.log.String(), "fleet: GitHub ") != 2 {
			t.Errorf("exit %d: %s", s.exit, s.log.String())
		}
	})
}

func TestPATsFaults(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"part that there is not": {map[string]string{"INPUT_ONLY": "grant"}, `only: "grant" is not a part of a policy`},
		"part that it lacks":     {map[string]string{"INPUT_ONLY": "leaks", "POLICY": "short"}, "only: names leaks, which the policy"},
		"login not confirmed":    {map[string]string{"INPUT_REVOKE-OWNER": "bob"}, "confirm: does not repeat the login of revoke-owner"},
		"another login":          {map[string]string{"INPUT_REVOKE-OWNER": "bob", "INPUT_CONFIRM": "ann"}, "confirm: does not repeat"},
		"no login":               {map[string]string{"INPUT_REVOKE-OWNER": "a b"}, "revoke-owner: "},
		"unknown organization":   {map[string]string{"INPUT_CONFIRM": "flet"}, `confirm: "flet" is not an organization of the policy`},
		"report and owner": {
			map[string]string{"INPUT_REVOKE-OWNER": "bob", "INPUT_CONFIRM": "bob", "INPUT_CLASSIC-REPORT": "true"},
			"classic-report: can't be used with revoke-owner",
		},
		"owner and part": {
			map[string]string{"INPUT_REVOKE-OWNER": "bob", "INPUT_CONFIRM": "bob", "INPUT_ONLY": "grants"}, "only: is about the policy",
		},
		"report and confirm": {map[string]string{"INPUT_CLASSIC-REPORT": "true", "INPUT_CONFIRM": "fleet"}, "confirm: is given"},
		"protected": {
			map[string]string{"INPUT_REVOKE-OWNER": "release-bot", "INPUT_CONFIRM": "release-bot"}, "tokens of release-bot stay",
		},
		"owner, from a branch": {
			map[string]string{"INPUT_REVOKE-OWNER": "bob", "INPUT_CONFIRM": "bob", "GITHUB_REF": "refs/heads/mine"},
			"revoke-owner: ends nothing here: the policy is from",
		},
		"owner, run again": {
			map[string]string{"INPUT_REVOKE-OWNER": "bob", "INPUT_CONFIRM": "bob", "GITHUB_RUN_ATTEMPT": "2"},
			"revoke-owner: ends nothing here: the policy may be an old one",
		},
		"starter":        {map[string]string{"INPUT_REVOKE-OWNER": "olga", "INPUT_CONFIRM": "olga"}, "tokens of olga stay"},
		"misspelt login": {map[string]string{"INPUT_REVOKE-OWNER": "bobb", "INPUT_CONFIRM": "bobb"}, "nothing of bobb was found"},
		"no policy":      {map[string]string{"POLICY": "none"}, "has no policy for personal access tokens"},
	} {
		t.Run(name, func(t *testing.T) {
			text := map[string]string{
				"": policy, "none": oneSecret,
				"short": "pats:\n  organizations: [fleet]\n  grants:\n    - {name: a, if: {unused-for: 90d}, do: revoke}\n",
			}[c.env["POLICY"]]
			s := newPATStep(t, text, c.env)
			s.run(t, "pats")
			if s.exit != exitFailure || !strings.Contains(s.log.String(), c.want) || s.writes() > 0 {
				t.Errorf("exit %d, %d writes: %s", s.exit, s.writes(), s.log.String())
			}
			s.checkRevoked(t)
		})
	}
}

// What the policy makes of one token can be asked, with the reasons.
func TestPATsExplain(t *testing.T) {
	s := newPATStep(t, policy, nil)
	token := old("ann")
	token.ID = 98716
	s.GrantAccess("fleet", token)
	p := s.process(t)
	p.Args = []string{"valetkey", "pats", "explain", "98716"}
	if code := Main(p); code != exitOK {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{
		`of "ann" in fleet: revoke`, "left: no", "membership: not-a-member: no", "unused: yes", "unused-for: 90d: yes, ",
	} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("no %q in %s", want, s.log.String())
		}
	}
	if s.writes() > 0 {
		t.Error(s.requests())
	}
	s.log.Reset()
	p.Args[3] = "98717"
	const unknown = "no organization of the policy lists a token with the id 98717"
	if code := Main(p); code != exitFailure || !strings.Contains(s.log.String(), unknown) {
		t.Errorf("exit %d: %s", code, s.log.String())
	}
	s.checkRevoked(t)
}

// The summary of many tokens stays below GitHub's limit, and says what it
// leaves out.
func TestPATsSummaryOfMany(t *testing.T) {
	report := &pat.Report{Counts: map[pat.Action]int{}, Outcomes: map[pat.Outcome]int{}}
	for i := range 5000 {
		record := pat.Record{
			Organization: "fleet", Kind: pat.Grant, ID: int64(i), Owner: "ann", Token: strings.Repeat("a|`<b> @x #1 ", 6),
			Rule: strings.Repeat("r", 60) + string(rune('a'+i%26)), Decision: pat.Revoke, Outcome: pat.Would, Selection: "subset",
			Repositories: slices.Repeat([]string{"fleet/" + strings.Repeat("z", 90)}, 50),
			Permissions:  &pat.Permissions{Repository: map[string]string{"contents": "write"}},
			Why:          strings.Repeat("why ", 200),
		}
		report.Records = append(report.Records, record)
	}
	all := patsReport{Report: report}
	summary := all.summary()
	if len(summary) > 1<<20 {
		t.Errorf("%d bytes", len(summary))
	}
	if !strings.Contains(summary, "| 0 | 0 | 0 | 5,000 |") || !strings.Contains(summary, "`report-file` has them all") {
		t.Error(summary[:2000])
	}
}
