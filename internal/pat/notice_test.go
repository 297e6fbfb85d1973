package pat

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// endsWithNotice ends what nobody used, two weeks after its owner was told.
const endsWithNotice = `
		grants:
		  - {name: unused, if: {unused-for: 90d}, do: revoke, notice: 14d}
		  - {name: ending, if: {expires-within: 10d}, do: notice}
		sso:
		  - {name: unused, if: {kind: classic, unused-for: 90d}, do: withdraw, notice: 14d}
`

// theEnd is when a notice of noon is over.
const theEnd = "2026-12-04 12:01"

// openIssue returns the only issue that is open.
func (h *house) openIssue() fakegithub.Issue {
	h.t.Helper()
	var open []fakegithub.Issue
	for _, i := range h.Issues("acme", "desk") {
		if i.State == "open" {
			open = append(open, i)
		}
	}
	if len(open) != 1 {
		h.t.Fatalf("%d issues are open", len(open))
	}
	return open[0]
}

func TestNotice(t *testing.T) {
	inHouse(t, "from the first word to the end", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		h.AuthorizeCredential("acme", fakegithub.Credential{
			Login: "monalisa", Note: "laptop", AuthorizedAt: time.Now().Add(-100 * day), AccessedAt: time.Now().Add(-95 * day),
		})
		policy := h.policy(endsWithNotice)
		waits := []string{
			"revoke grant of monalisa: noticed until " + theEnd, "withdraw authorization of monalisa: noticed until " + theEnd,
		}
		h.wantLines(h.run(policy), waits...)
		h.openIssue()
		h.ResetRequests()
		// Nothing changes until the day has come, nor for a run that comes at once.
		for _, pause := range append([]time.Duration{0, 20 * time.Second}, slices.Repeat([]time.Duration{day}, 13)...) {
			time.Sleep(pause)
			h.wantErrors(h.run(policy))
			if writes := h.writes(); len(writes) > 0 {
				t.Fatalf("%s: %q", time.Now(), writes)
			}
		}
		time.Sleep(day)
		h.wantLines(h.run(policy), waits...)
		time.Sleep(time.Minute)
		h.wantLines(h.run(policy), "revoke grant of monalisa: done", "withdraw authorization of monalisa: done")
		closed := h.Issues("acme", "desk")[0]
		if closed.State != "closed" || closed.StateReason != "completed" || !strings.Contains(closed.Body, "None of these tokens") {
			t.Errorf("%+v", closed)
		}
		h.writes()
		h.wantLines(h.run(policy))
		if writes := h.writes(); len(writes) > 0 {
			t.Errorf("%q", writes)
		}
	})
	inHouse(t, "a token that is used again", func(t *testing.T, h *house) {
		h.grant("monalisa", old, func(t *fineGrainedToken) { t.ID = 7 })
		h.grant("monalisa", old)
		policy := h.policy(endsWithNotice)
		h.run(policy)
		time.Sleep(13 * day)
		h.UseToken(7)
		h.wantLines(h.run(policy), "revoke grant of monalisa: noticed until "+theEnd)
		if body := h.openIssue().Body; strings.Count(body, `"k":"grant"`) != 1 || strings.Count(body, "loses its access") != 1 {
			t.Error(body)
		}
		time.Sleep(2 * day)
		h.wantLines(h.run(policy), "revoke grant of monalisa: done")
		if len(h.Grants("acme")) != 1 {
			t.Error("the wrong one is gone")
		}
	})
	inHouse(t, "the last token that is used again", func(t *testing.T, h *house) {
		h.grant("monalisa", old, func(t *fineGrainedToken) { t.ID = 7 })
		policy := h.policy(endsWithNotice)
		h.run(policy)
		h.UseToken(7)
		h.wantLines(h.run(policy))
		if one := h.Issues("acme", "desk")[0]; one.State != "closed" || one.StateReason != "completed" {
			t.Errorf("%+v", one)
		}
	})
	inHouse(t, "an issue that was closed by hand begins anew", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		policy := h.policy(endsWithNotice)
		h.run(policy)
		time.Sleep(20 * day)
		h.EditIssue("acme", "desk", 1, func(i *fakegithub.Issue) { i.State = "closed" })
		h.wantLines(h.run(policy), "revoke grant of monalisa: noticed until 2026-12-24 12:01")
		if h.openIssue().Number != 2 {
			t.Error("the old one is open again")
		}
	})
}

// A run or a rule that is in audit mode tells nobody, and leaves what others
// were told.
func TestAuditTellsNobody(t *testing.T) {
	inHouse(t, "the run", func(t *testing.T, h *house) {
		h.grant("monalisa", old, func(t *fineGrainedToken) { t.ID = 7 })
		h.grant("hubot", old)
		h.run(h.policy(endsWithNotice))
		h.UseToken(7) // its issue is to be closed
		h.grant("octocat", old)
		h.writes()
		time.Sleep(20 * day)
		for _, lower := range []func(*Engine){func(e *Engine) { e.Enforce = false }, func(e *Engine) { e.Policy.Enforce = false }} {
			report := h.run(h.policy(endsWithNotice), lower)
			h.wantLines(report, "revoke grant of hubot: would", "revoke grant of octocat: would")
			h.wantErrors(report)
			if writes := h.writes(); len(writes) > 0 {
				t.Errorf("%q", writes)
			}
			if due := report.Records[len(report.Records)-2].Due; due == nil || !due.Before(time.Now()) {
				t.Errorf("hubot's notice is over, and the report says %v", due)
			}
		}
	})
	inHouse(t, "a rule", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		report := h.run(h.policy(strings.ReplaceAll(endsWithNotice, "do: revoke", "mode: audit, do: revoke")))
		h.wantLines(report, "revoke grant of monalisa: would")
		if writes := h.writes(); len(writes) > 0 {
			t.Errorf("%q", writes)
		}
	})
}

// A rule that becomes stricter does not break what its owner was told, and one
// that becomes longer holds at once. A rule that only warned begins anew when it
// ends.
func TestRulesThatChangeMeanwhile(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"a shorter notice":    {"notice: 14d", "notice: 2d", theEnd},
		"a longer notice":     {"notice: 14d", "notice: 30d", "2026-12-20 12:01"},
		"another name":        {"name: unused", "name: idle", "2026-12-14 12:01"},
		"a warning that ends": {"do: notice, name: unused", "do: revoke, notice: 14d, name: unused", "2026-12-14 12:01"},
	} {
		inHouse(t, name, func(_ *testing.T, h *house) {
			h.grant("monalisa", old)
			rules := "\n		grants: [{name: unused, if: {unused-for: 90d}, do: revoke, notice: 14d}]"
			if strings.HasPrefix(c.from, "do:") {
				rules = "\n		grants: [{do: notice, name: unused, if: {unused-for: 90d}}]"
			}
			h.run(h.policy(rules))
			time.Sleep(10 * day)
			report := h.run(h.policy(strings.Replace(rules, c.from, c.to, 1)))
			h.wantLines(report, "revoke grant of monalisa: noticed until "+c.want)
		})
	}
}

// An id is an identity, a login is not.
func TestLoginsThatChange(t *testing.T) {
	inHouse(t, "a person with a new login", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		policy := h.policy(endsWithNotice)
		h.run(policy)
		time.Sleep(10 * day)
		h.RenameAccount("monalisa", "lisa")
		h.wantLines(h.run(policy), "revoke grant of lisa: noticed until "+theEnd)
		if one := h.openIssue(); one.Title != "Personal access tokens of lisa" || !strings.Contains(one.Body, "`lisa`") {
			t.Errorf("%s\n%s", one.Title, one.Body)
		}
	})
	inHouse(t, "another person with the old login", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		policy := h.policy(endsWithNotice)
		h.run(policy)
		time.Sleep(20 * day)
		h.RenameAccount("monalisa", "lisa")
		h.DeleteToken(tokenOf(h, "lisa"))
		h.grant("monalisa", old)
		h.wantLines(h.run(policy), "revoke grant of monalisa: noticed until 2026-12-24 12:01")
		if one := h.openIssue(); one.Number != 2 {
			t.Errorf("the issue of another person is used")
		}
	})
}

func tokenOf(h *house, owner string) int64 {
	for _, t := range h.Grants("acme") {
		if t.Owner == owner {
			return t.ID
		}
	}
	h.t.Fatalf("%s has no grant", owner)
	return 0
}

// What a run could not look at stays as it was said.
func TestNoticesOutliveAnOutage(t *testing.T) {
	for name, path := range map[string]string{
		"the list":    "/orgs/acme/personal-access-tokens",
		"the members": "/orgs/acme/memberships",
	} {
		inHouse(t, name, func(t *testing.T, h *house) {
			h.grant("monalisa")
			h.grant("hubot", func(t *fineGrainedToken) { t.ExpiresAt = time.Time{} })
			h.RemoveMember("acme", "monalisa")
			rules := `
		grants:
		  - {name: left, if: {membership: not-a-member}, do: revoke, notice: 14d}
		sso:
		  - {name: unused, if: {unused-for: 90d}, do: withdraw, notice: 14d}
`
			h.run(h.policy(rules))
			before := h.openIssue()
			time.Sleep(day)
			h.Inject(fakegithub.Fault{Method: "GET", Path: path, Status: 502, Body: "{}", Times: 1})
			report := h.run(h.policy(rules))
			if len(report.Errors) == 0 {
				t.Error("there was no outage")
			}
			if strings.SplitN(h.openIssue().Body, "\n", 2)[0] != strings.SplitN(before.Body, "\n", 2)[0] {
				t.Errorf("the marker was\n%s\nand is\n%s", before.Body, h.openIssue().Body)
			}
			time.Sleep(13*day + time.Minute)
			h.wantLines(h.run(h.policy(rules)), "revoke grant of monalisa: done")
		})
	}
}

// Where owners can't be told, nothing ends that they have to be told of.
func TestADeskThatIsShut(t *testing.T) {
	inHouse(t, "issues are off", func(_ *testing.T, h *house) {
		h.grant("monalisa", old)
		h.SetIssues("acme", "desk", false)
		report := h.run(h.policy(endsWithNotice))
		h.wantLines(report, "revoke grant of monalisa: not-done, "+errUnknownNotice.Error())
		h.wantErrors(report, "list the open notices in acme/desk: GitHub answered 410: Issues are disabled for this repo; "+
			"nothing ends that needs a notice")
	})
	inHouse(t, "it can't be written", func(_ *testing.T, h *house) {
		h.grant("monalisa", old)
		h.grant("hubot", old)
		h.meddle("POST", "repos/acme/desk/issues", func(int) int { return http.StatusForbidden })
		report := h.run(h.policy(endsWithNotice))
		const failed = "open a notice in acme/desk: GitHub answered 403"
		h.wantLines(report, "revoke grant of monalisa: failed, "+failed, "revoke grant of hubot: not-done, "+errNoticeFailed.Error())
		h.wantErrors(report, failed)
	})
	inHouse(t, "there is none", func(_ *testing.T, h *house) {
		h.grant("monalisa", old)
		policy := h.policy(endsWithNotice)
		policy.Notices = nil
		report := h.run(policy)
		h.wantLines(report, "revoke grant of monalisa: not-done, "+errUnknownNotice.Error())
		h.wantErrors(report, errNoDesk.Error()+"; nothing ends that needs a notice; hint: "+errNoDesk.Hint)
	})
}

// One run opens so many issues as GitHub allows; the next one goes on.
func TestManyOwners(t *testing.T) {
	inHouse(t, "more than one run tells", func(t *testing.T, h *house) {
		h.SkipOpenAPI = true
		for i := range maxNotices + 10 {
			h.grant(fmt.Sprintf("user%d", i), old)
		}
		policy := h.policy(endsWithNotice)
		report := h.run(policy)
		h.wantErrors(report)
		if report.Outcomes[Noticed] != maxNotices || report.Outcomes[NotDone] != 10 {
			t.Errorf("%v", report.Outcomes)
		}
		if report = h.run(policy); report.Outcomes[Noticed] != maxNotices+10 {
			t.Errorf("%v", report.Outcomes)
		}
	})
}

// The marker has room for so many tokens of one owner. Others follow as these
// end.
func TestManyTokensOfOneOwner(t *testing.T) {
	inHouse(t, "500", func(t *testing.T, h *house) {
		h.SkipOpenAPI = true
		for i := range 500 {
			h.grant("monalisa", old, func(t *fineGrainedToken) { t.Name = strings.Repeat("long ", 16) + strconv.Itoa(i) })
		}
		policy := h.policy(endsWithNotice + "\n		limits: {revoke: 1000, share: 100%}")
		runs := 0
		for ; len(h.Grants("acme")) > 0 && runs < 10; runs++ {
			report := h.run(policy)
			h.wantErrors(report)
			for _, one := range h.Issues("acme", "desk") {
				if len(one.Body) > maxBody {
					t.Fatalf("%d bytes", len(one.Body))
				}
			}
			if n := report.Outcomes[Noticed]; runs == 0 && n != maxTold {
				t.Errorf("told of %d", n)
			}
			time.Sleep(14*day + time.Minute)
		}
		if runs != 4 {
			t.Errorf("it took %d runs", runs)
		}
	})
}
