package pat

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// Limits are counted over the whole run before the first write, and above them
// nothing is done at all: no approval, no end, no notice, in no organization.
func TestNothingIsDoneAboveALimit(t *testing.T) {
	rules := requestRules + `
		grants:
		  - {name: unused, if: {unused-for: 90d}, do: revoke}
		  - {name: ending, if: {expires-within: 100d}, do: notice}
		limits: {revoke: 2, share: 100%}
`
	inHouse(t, "three of two", func(t *testing.T, h *house) {
		h.addOrganization("beta")
		h.ask("monalisa")
		h.GrantAccess("beta", h.fineGrained("hubot", old, func(t *fineGrainedToken) { t.Repositories, t.Selection = nil, "all" }))
		for i := range 3 {
			h.grant(fmt.Sprintf("user%d", i), old)
		}
		h.grant("octocat", func(t *fineGrainedToken) { t.LastUsedAt = time.Now() })
		policy := h.policy(rules)
		policy.Organizations = []string{"beta", "acme"}
		report := h.run(policy)
		if len(report.Errors) != 1 || !strings.Contains(report.Errors[0].Error(), "would revoke 3 ") {
			t.Errorf("%q", report.Errors)
		}
		if writes := h.writes(); len(writes) > 0 {
			t.Errorf("%q", writes)
		}
		if report.Outcomes[NotDone] != 6 {
			t.Errorf("%q", lines(report))
		}
		policy.Limits.Revoke = 3
		if report := h.run(policy); report.Outcomes[Done] != 5 || report.Outcomes[Noticed] != 1 {
			t.Errorf("%q", lines(report))
		}
	})
}

// A run that would end a large share of what an organization has takes a
// confirmation, which names that organization. In audit mode, this is told.
func TestAShareTakesAConfirmation(t *testing.T) {
	inHouse(t, "one of two", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		h.grant("octocat", func(t *fineGrainedToken) { t.LastUsedAt = time.Now() })
		policy := h.policy(endsUnused)
		for _, confirmed := range [][]string{nil, {"beta"}} {
			report := h.run(policy, func(e *Engine) { e.Confirmed = confirmed })
			h.wantLines(report, "revoke grant of monalisa: not-done, "+errOverLimit.Error())
			if len(report.Errors) != 1 || !strings.Contains(report.Errors[0].Error(), "10%") {
				t.Errorf("%q", report.Errors)
			}
		}
		report := h.run(policy, func(e *Engine) { e.Confirmed, e.Enforce = nil, false })
		if len(report.Errors) != 0 || len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "if all rules were enforced: nothing") {
			t.Errorf("%q, %q", report.Errors, report.Notes)
		}
		h.wantLines(h.run(policy, func(e *Engine) { e.Confirmed = []string{"ACME"} }), "revoke grant of monalisa: done")
	})
}

// What the policy protects, and what the run itself can't do without, is
// skipped, and said.
func TestProtectedTokensAreSkipped(t *testing.T) {
	inHouse(t, "all kinds", func(t *testing.T, h *house) {
		h.grant("acme-release-bot", old)
		h.grant("hubot", old, func(t *fineGrainedToken) { t.ID = 98716 })
		h.grant("starter", old)
		h.ask("Starter")
		h.AuthorizeCredential("acme", fakegithub.Credential{Login: "Acme-Release-Bot", AuthorizedAt: time.Now().Add(-100 * day)})
		policy := h.policy(requestRules + endsUnused + "\n		protect: {owners: [acme-release-bot], token-ids: [98716]}")
		report := h.run(policy, func(e *Engine) {
			e.Protection.Owners = map[string]string{"starter": "it started this run"}
		})
		h.wantLines(report)
		var why []string
		for _, r := range report.Records {
			why = append(why, r.Why)
		}
		want := []string{
			"it started this run", "the policy protects its owner", "the policy protects the token", "it started this run",
			"the policy protects its owner",
		}
		if !slices.Equal(why, want) || report.Counts[Skip] != 5 {
			t.Errorf("%q, want %q", why, want)
		}
		if writes := h.writes(); len(writes) > 0 {
			t.Errorf("%q", writes)
		}
	})
}

// Each token is read again directly before its write. Whatever was judged and
// has changed since lets it be.
func TestWhatChangedSinceItWasJudgedIsDropped(t *testing.T) {
	change := func(do func(*fineGrainedToken)) func(*house, int64, int64) {
		return func(h *house, request, grant int64) {
			if request != 0 {
				h.ChangeRequest("acme", request, do)
			} else {
				h.ChangeGrant("acme", grant, do)
			}
		}
	}
	for name, c := range map[string]struct {
		change func(h *house, request, grant int64)
		want   string
	}{
		"permissions": {
			change(func(t *fineGrainedToken) { t.Permissions["repository"]["secrets"] = "write" }),
			"its permissions",
		},
		"level":        {change(func(t *fineGrainedToken) { t.Permissions["repository"]["contents"] = "admin" }), "its permissions"},
		"selection":    {change(func(t *fineGrainedToken) { t.Selection, t.Repositories = "all", nil }), "its choice of repositories"},
		"repositories": {change(func(t *fineGrainedToken) { t.Repositories = []string{"api", "web"} }), "its repositories"},
		"end":          {change(func(t *fineGrainedToken) { t.ExpiresAt = time.Now().Add(10 * day) }), "its end"},
		"owner":        {func(h *house, _, _ int64) { h.RenameAccount("monalisa", "lisa") }, "its owner"},
	} {
		for kind, rules := range map[string]string{
			"request": `
		requests:
		  - {name: api, if: {repositories: ["acme/a*", "acme/w*"], at-most: {repository: {contents: admin, secrets: write}}}, do: approve}`,
			"grant": `
		grants:
		  - {name: api, if: {repositories: ["acme/a*", "acme/w*"], unused-for: 90d}, do: revoke}`,
		} {
			inHouse(t, name+" of a "+kind, func(t *testing.T, h *house) {
				var request, grant int64
				if kind == "request" {
					request = h.ask("monalisa")
				} else {
					grant = h.grant("monalisa", old)
				}
				h.meddle("GET", "orgs/acme/personal-access-token", func(n int) int {
					if n == 3 { // after the list and the repositories
						c.change(h, request, grant)
					}
					return 0
				})
				report := h.run(h.policy(rules))
				if got := lines(report); len(got) != 1 || !strings.HasSuffix(got[0], ": dropped, "+c.want+" changed since it was judged") {
					t.Errorf("%q, want %q", got, c.want)
				}
				h.wantErrors(report)
				if writes := h.writes(); len(writes) > 0 {
					t.Errorf("%q", writes)
				}
			})
		}
	}
}

// A token that is used between its list and its end is judged again, and stays.
func TestUsedSinceItWasJudged(t *testing.T) {
	inHouse(t, "a grant", func(t *testing.T, h *house) {
		h.grant("monalisa", old, func(t *fineGrainedToken) { t.ID = 7 })
		h.meddle("GET", "orgs/acme/personal-access-tokens", func(n int) int {
			if n == 2 {
				h.UseToken(7)
			}
			return 0
		})
		report := h.run(h.policy(endsUnused))
		h.wantLines(report, "revoke grant of monalisa: dropped, it is judged differently now: no rule matches it")
		if len(h.Grants("acme")) != 1 {
			t.Error("it is gone")
		}
	})
}

// Somebody may be faster.
func TestWhatIsGoneIsNoError(t *testing.T) {
	deny := func(h *house, id int64) { h.ReviewRequest("acme", id, "deny", "", "olga") }
	for name, c := range map[string]struct {
		method string
		nth    int
		do     func(h *house, id int64)
	}{
		"denied before it was read again": {"GET", 2, deny},
		"denied before it was approved":   {"POST", 1, deny},
		"cancelled":                       {"POST", 1, func(h *house, id int64) { h.CancelRequest("acme", id) }},
	} {
		inHouse(t, name, func(t *testing.T, h *house) {
			id := h.ask("monalisa")
			h.meddle(c.method, "orgs/acme/personal-access-token", func(n int) int {
				if n == c.nth {
					c.do(h, id)
				}
				return 0
			})
			report := h.run(h.policy(requestRules))
			h.wantLines(report, "approve request of monalisa: gone")
			h.wantErrors(report)
			if writes := h.writes(); len(writes) > 0 && c.method == "GET" {
				t.Errorf("%q", writes)
			}
		})
	}
}

// A 404 is no proof that a token is gone: an App that lost its permission gets
// the same. What GitHub still lists was not done.
func TestA404AboutWhatIsStillListed(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusForbidden, http.StatusBadGateway} {
		inHouse(t, http.StatusText(status), func(_ *testing.T, h *house) {
			h.grant("monalisa", old)
			h.grant("hubot", old)
			h.meddle("POST", "orgs/acme/personal-access-tokens", func(int) int { return status })
			report := h.run(h.policy(endsUnused))
			id := report.Records[0].ID
			want := fmt.Sprintf("revoke grant %d of monalisa in acme: GitHub answered %d", id, status)
			h.wantLines(report, "revoke grant of monalisa: failed, "+want, "revoke grant of hubot: not-done, "+errHalted.Error())
			h.wantErrors(report, want)
		})
	}
}

// A failure ends the writes in its organization, and in no other.
func TestAFailureHaltsItsOrganization(t *testing.T) {
	inHouse(t, "the first of two", func(t *testing.T, h *house) {
		h.addOrganization("beta")
		everywhere := func(t *fineGrainedToken) { t.Selection, t.Repositories = "all", nil }
		h.ask("monalisa")
		h.grant("monalisa", old)
		h.GrantAccess("beta", h.fineGrained("monalisa", old, everywhere))
		h.Inject(fakegithub.Fault{Method: "POST", Path: "/orgs/acme/personal-access-token-requests", Times: 1, Status: 500, Body: `{}`})
		policy := h.policy(requestRules + endsUnused)
		policy.Organizations = []string{"acme", "beta"}
		report := h.run(policy, func(e *Engine) { e.Confirmed = []string{"acme", "beta"} })
		got := lines(report)
		if len(got) != 3 || !strings.Contains(got[0], "failed") || !strings.Contains(got[1], "not-done") ||
			got[2] != "beta: revoke grant of monalisa: done" {
			t.Errorf("%q", got)
		}
		h.wantLines(h.run(policy), "approve request of monalisa: done", "revoke grant of monalisa: done") // the next run
	})
}

// Whether a token is unused is GitHub's clock to say, not this machine's.
func TestGitHubsClock(t *testing.T) {
	inHouse(t, "a machine that is a year ahead", func(_ *testing.T, h *house) {
		github := func() time.Time { return time.Now().Add(-365 * day) }
		h.grant("monalisa", func(t *fineGrainedToken) { t.Since, t.LastUsedAt = github().Add(-100*day), github().Add(-day) })
		h.wantLines(h.run(h.policy(endsUnused), func(e *Engine) { e.Now = github }))
		h.wantLines(h.run(h.policy(endsUnused)), "revoke grant of monalisa: done")
	})
}

// Two runs at once do everything once.
func TestTwoRunsAtOnce(t *testing.T) {
	inHouse(t, "in all orders that happen", func(t *testing.T, h *house) {
		for i := range 20 {
			h.ask(fmt.Sprintf("asker%d", i))
			h.grant(fmt.Sprintf("user%d", i), old)
		}
		h.meddle("", "", func(int) int { return 0 })
		policy := h.policy(requestRules + endsUnused)
		engines := []*Engine{h.engine(policy), h.engine(policy)}
		reports := make([]Report, len(engines))
		var all sync.WaitGroup
		for i, e := range engines {
			e.Call = slowly(e.Call, time.Duration(i+1)*10*time.Millisecond)
			all.Go(func() { reports[i] = e.Run(t.Context()) })
		}
		all.Wait()
		done := 0
		for _, report := range reports {
			h.wantErrors(report)
			done += report.Outcomes[Done]
		}
		if reviews := h.Reviews("acme"); len(reviews) != 40 || done != 40 {
			t.Errorf("%d reviews, %d done", len(reviews), done)
		}
	})
}
