package pat

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// Nothing is decided on a list that did not end cleanly.
func TestAListThatWasCutShortDecidesNothing(t *testing.T) {
	for name, fault := range map[string]fakegithub.Fault{
		"the first page failed":  {Status: 502, Body: "{}"},
		"the permission is lost": {Status: 403, Body: "{}"},
		"it is not there":        {Status: 404, Body: "{}"},
		"null":                   {Rewrite: func([]byte) []byte { return []byte("null") }},
		"an object":              {Rewrite: func([]byte) []byte { return []byte(`{"message":"try later"}`) }},
		"half of it":             {Rewrite: func(b []byte) []byte { return b[:len(b)/2] }},
		"an end that is missing": {Rewrite: without("token_expires_at")},
		"a use that is missing":  {Rewrite: without("token_last_used_at")},
	} {
		inHouse(t, name, func(t *testing.T, h *house) {
			h.SkipOpenAPI = true
			h.ask("monalisa")
			h.grant("monalisa", old)
			fault.Method, fault.Path = "GET", "/orgs/acme/personal-access-tokens"
			h.Inject(fault)
			report := h.run(h.policy(requestRules + endsUnused))
			h.wantLines(report, "approve request of monalisa: done") // the other list was fine
			if len(report.Errors) != 1 || !strings.HasSuffix(report.Errors[0].Error(), "; nothing was decided on it") {
				t.Errorf("%q", report.Errors)
			}
			if len(h.Grants("acme")) != 2 {
				t.Error("a grant is gone")
			}
		})
	}
	inHouse(t, "a later page failed", func(t *testing.T, h *house) {
		for i := range 150 {
			h.grant(fmt.Sprintf("user%d", i), old)
		}
		policy := h.policy(endsUnused)
		policy.Limits.Revoke = 1000
		h.meddle("GET", "organizations/", func(int) int { return 502 })
		if report := h.run(policy); len(report.Records) != 0 || len(report.Errors) != 1 {
			t.Errorf("%q, %q", lines(report), report.Errors)
		}
	})
}

// without returns a change of an answer that lacks a field.
func without(field string) func([]byte) []byte {
	return func(body []byte) []byte { return []byte(strings.ReplaceAll(string(body), field, "x")) }
}

// endsLeft ends what people left behind.
const endsLeft = `
		grants:
		  - {name: left, if: {membership: not-a-member}, do: revoke}
`

// Nobody counts as gone for an answer that everybody would get.
func TestWhoCountsAsGone(t *testing.T) {
	left := "revoke grant of hubot: done"
	for name, c := range map[string]struct {
		do   func(h *house)
		want []string
		errs int
	}{
		"somebody who left": {func(*house) {}, []string{left}, 0},
		"an App that lost sight": {func(h *house) {
			h.Inject(fakegithub.Fault{Method: "GET", Path: "/orgs/acme/memberships", Status: 404, Body: "{}"})
		}, nil, 1},
		"an App that loses sight meanwhile": {func(h *house) {
			h.meddle("GET", "orgs/acme/memberships/", func(n int) int {
				if n > 1 {
					return 404
				}
				return 0
			})
		}, nil, 1},
		"members that are not shown": {func(h *house) {
			h.Inject(fakegithub.Fault{Method: "GET", Path: "/orgs/acme/members", Status: 200, Body: "[]"})
		}, nil, 1},
		"an outage": {func(h *house) {
			h.Inject(fakegithub.Fault{Method: "GET", Path: "/orgs/acme/memberships/hubot", Status: 502, Body: "{}"})
		}, nil, 1},
		"somebody who was asked": {func(h *house) { h.Invite("acme", "hubot") }, nil, 1},
		"one who was known to be there, and left as well": {func(h *house) {
			h.meddle("GET", "orgs/acme/personal-access-tokens", func(n int) int {
				if n == 2 {
					h.RemoveMember("acme", "olga")
					h.RemoveMember("acme", "member9")
				}
				return 0
			})
		}, []string{left}, 0},
		"somebody who came back": {func(h *house) {
			h.meddle("GET", "orgs/acme/personal-access-tokens", func(n int) int {
				if n == 2 { // before it is read again
					h.AddMember("acme", "hubot")
				}
				return 0
			})
		}, []string{"revoke grant of hubot: dropped, it is judged differently now: no rule matches it"}, 0},
	} {
		for _, members := range []int{1, 2 * fewPeople} {
			inHouse(t, fmt.Sprintf("%s, of %d", name, members), func(t *testing.T, h *house) {
				h.SkipOpenAPI = true
				for i := range members {
					h.grant(fmt.Sprintf("member%d", i))
				}
				h.grant("hubot")
				h.RemoveMember("acme", "hubot")
				c.do(h)
				report := h.run(h.policy(endsLeft))
				h.wantLines(report, c.want...)
				if len(report.Errors) != c.errs {
					t.Errorf("%q", report.Errors)
				}
				for _, r := range report.Records {
					if c.errs > 0 && r.Owner == "hubot" && r.Decision != Wait {
						t.Errorf("hubot: %s", r.Decision)
					}
				}
			})
		}
	}
}

// Whoever can't be asked for again right before an end keeps the access, and
// the rest of the organization waits.
func TestAnOutageBeforeAnEnd(t *testing.T) {
	inHouse(t, "of the members", func(_ *testing.T, h *house) {
		for _, login := range []string{"monalisa", "hubot"} {
			h.grant(login)
			h.RemoveMember("acme", login)
		}
		h.meddle("GET", "orgs/acme/memberships/", func(n int) int {
			if n > 3 { // the two, and somebody who is there
				return 502
			}
			return 0
		})
		report := h.run(h.policy(endsLeft))
		const failed = "look whether monalisa belongs to acme: GitHub answered 502"
		h.wantLines(report, "revoke grant of monalisa: failed, "+failed, "revoke grant of hubot: not-done, "+errHalted.Error())
		h.wantErrors(report, failed)
	})
}

// A request that is withdrawn while its repositories are read is no error, and
// of many failures the first are told.
func TestRepositoriesThatCanNotBeRead(t *testing.T) {
	const rules = "\n		requests: [{name: api, if: {repositories: [acme/api]}, do: approve}]"
	inHouse(t, "withdrawn", func(_ *testing.T, h *house) {
		id := h.ask("monalisa")
		h.meddle("GET", "orgs/acme/personal-access-token-requests", func(n int) int {
			if n == 2 {
				h.CancelRequest("acme", id)
			}
			return 0
		})
		report := h.run(h.policy(rules))
		h.wantLines(report)
		h.wantErrors(report)
	})
	inHouse(t, "many", func(t *testing.T, h *house) {
		for i := range 30 {
			h.ask(fmt.Sprintf("user%d", i))
		}
		h.meddle("GET", "orgs/acme/personal-access-token-requests/", func(int) int { return 502 })
		report := h.run(h.policy(rules))
		h.wantLines(report)
		if n := len(report.Errors); n != 6 || report.Errors[5].Error() != "25 more of that kind in the same organization" {
			t.Errorf("%q", report.Errors)
		}
	})
}

// Everybody is listed once, rather than asked for one by one.
func TestManyMembersTakeFewRequests(t *testing.T) {
	inHouse(t, "90 of them", func(t *testing.T, h *house) {
		for i := range 90 {
			h.grant(fmt.Sprintf("user%d", i))
		}
		h.run(h.policy(endsLeft))
		n := 0
		for _, r := range h.Requests() {
			if r.Method == "GET" {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d requests", n)
		}
	})
}

// A server that ignores the filter for one token answers with all of them.
func TestAServerThatKnowsNoFilters(t *testing.T) {
	inHouse(t, "grants", func(t *testing.T, h *house) {
		h.SkipOpenAPI = true
		h.grant("hubot", old, func(t *fineGrainedToken) { t.LastUsedAt = time.Now() })
		h.grant("monalisa", old)
		h.grant("octocat", old, func(t *fineGrainedToken) { t.LastUsedAt = time.Now() })
		report := h.run(h.policy(endsUnused), func(e *Engine) { e.Call = withoutFilters(e.Call) })
		h.wantLines(report, "revoke grant of monalisa: done")
		if len(h.Grants("acme")) != 2 {
			t.Error("another one is gone")
		}
	})
}

// Who belongs to a team is known only if the team is.
func TestTeams(t *testing.T) {
	const rules = `
		requests:
		  - {name: platform, if: {team: platform}, do: approve}
		  - {name: others, if: {waiting-for: 10m}, do: deny}
`
	inHouse(t, "its members", func(t *testing.T, h *house) {
		h.AddTeam("acme", "platform", "monalisa")
		h.ask("monalisa")
		h.ask("hubot")
		time.Sleep(time.Hour)
		h.wantLines(h.run(h.policy(rules)), "approve request of monalisa: done", "deny request of hubot: done")
		asked := map[string]int{}
		for _, r := range h.Requests() {
			asked[r.Path]++
		}
		// All are listed once; before a write, one person is asked for.
		if asked["/orgs/acme/teams/platform/members"] != 1 || asked["/orgs/acme/teams/platform/memberships/monalisa"] != 1 {
			t.Errorf("%v", asked)
		}
	})
	inHouse(t, "somebody who has left it since", func(_ *testing.T, h *house) {
		h.AddTeam("acme", "platform", "monalisa")
		h.ask("monalisa")
		h.meddle("GET", "orgs/acme/personal-access-token-requests", func(n int) int {
			if n == 2 {
				h.RemoveFromTeam("acme", "platform", "monalisa")
			}
			return 0
		})
		report := h.run(h.policy(rules))
		h.wantLines(report, "approve request of monalisa: dropped, it is judged differently now: no rule matches it")
	})
	inHouse(t, "somebody whom another rule is about now", func(_ *testing.T, h *house) {
		h.AddTeam("acme", "platform", "monalisa")
		h.ask("monalisa")
		time.Sleep(time.Hour)
		h.meddle("GET", "orgs/acme/personal-access-token-requests", func(n int) int {
			if n == 2 {
				h.RemoveFromTeam("acme", "platform", "monalisa")
			}
			return 0
		})
		report := h.run(h.policy(strings.ReplaceAll(rules, "approve", "deny")))
		h.wantLines(report, "deny request of monalisa: dropped, it is judged differently now: requested 60 minutes ago")
	})
	inHouse(t, "a team that is not there", func(_ *testing.T, h *house) {
		h.ask("hubot")
		time.Sleep(time.Hour)
		report := h.run(h.policy(rules))
		h.wantLines(report)
		h.wantErrors(report, "list the members of team platform of acme: GitHub answered 404: Not Found")
	})
}

// Each rule may ask about another team: all of them are found out.
func TestManyTeams(t *testing.T) {
	inHouse(t, "ten", func(_ *testing.T, h *house) {
		rules := "\n		requests:\n"
		for i := range 10 {
			h.AddTeam("acme", fmt.Sprintf("team-%d", i))
			rules += fmt.Sprintf("		  - {name: rule %d, if: {team: team-%d}, do: approve}\n", i, i)
		}
		h.AddTeam("acme", "team-9", "monalisa")
		h.ask("monalisa")
		h.wantLines(h.run(h.policy(rules)), "approve request of monalisa: done")
	})
}
