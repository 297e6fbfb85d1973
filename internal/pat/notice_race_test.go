package pat

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// Of two issues for one owner, which two runs at once open, the first counts.
func TestSecondIssuesAreClosed(t *testing.T) {
	inHouse(t, "two runs", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		h.grant("hubot", old)
		policy := h.policy(endsWithNotice)
		var all sync.WaitGroup
		for range 2 {
			e := h.engine(policy)
			e.Call = slowly(e.Call, time.Second)
			all.Go(func() {
				report := e.Run(t.Context())
				h.wantErrors(report)
			})
		}
		all.Wait()
		if n := len(h.Issues("acme", "desk")); n != 4 {
			t.Errorf("%d issues", n)
		}
		time.Sleep(time.Hour)
		h.wantErrors(h.run(policy))
		for i, want := range []string{"open", "closed", "open", "closed"} {
			if one := h.Issues("acme", "desk")[i]; one.State != want || want == "closed" && one.StateReason != "duplicate" {
				t.Errorf("issue %d of %s: %s, %s", one.Number, one.Title, one.State, one.StateReason)
			}
		}
	})
	inHouse(t, "a run that comes a little later", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		policy := h.policy(endsWithNotice)
		other := h.engine(policy)
		h.meddle("GET", "repos/acme/desk/issues", func(n int) int {
			if n == 2 { // just before the first issue is opened
				h.meddles = nil
				report := other.Run(t.Context())
				h.wantErrors(report)
			}
			return 0
		})
		report := h.run(policy)
		h.wantLines(report, "revoke grant of monalisa: not-done, "+errNoticeChanged.Error())
		h.wantErrors(report)
		h.openIssue()
	})
}

// An issue that somebody changed while the run went on is left for the next.
func TestAnIssueThatChangedMeanwhile(t *testing.T) {
	inHouse(t, "its body", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		policy := h.policy(endsWithNotice)
		h.run(policy)
		h.grant("monalisa", old)
		h.meddle("GET", "repos/acme/desk/issues/1", func(int) int {
			h.EditIssue("acme", "desk", 1, func(i *fakegithub.Issue) { i.Body += "\n\nPlease wait." })
			return 0
		})
		report := h.run(policy)
		h.wantLines(report, "revoke grant of monalisa: noticed until "+theEnd,
			"revoke grant of monalisa: not-done, "+errNoticeChanged.Error())
		h.wantErrors(report)
		if !strings.HasSuffix(h.openIssue().Body, "Please wait.") {
			t.Error("it was written over")
		}
	})
	inHouse(t, "it was deleted", func(_ *testing.T, h *house) {
		h.grant("monalisa", old)
		policy := h.policy(endsWithNotice)
		h.run(policy)
		h.grant("monalisa", old)
		h.meddle("GET", "repos/acme/desk/issues/1", func(int) int {
			h.DeleteIssue("acme", "desk", 1)
			return 0
		})
		h.wantErrors(h.run(policy))
	})
	inHouse(t, "it was closed", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		policy := h.policy(endsWithNotice)
		h.run(policy)
		h.grant("monalisa", old)
		h.meddle("GET", "repos/acme/desk/issues/1", func(int) int {
			h.EditIssue("acme", "desk", 1, func(i *fakegithub.Issue) { i.State = "closed" })
			return 0
		})
		h.writes()
		h.wantErrors(h.run(policy))
		if writes := h.writes(); len(writes) > 0 {
			t.Errorf("%q", writes)
		}
	})
	inHouse(t, "its last token went", func(t *testing.T, h *house) {
		id := h.grant("monalisa", old)
		policy := h.policy(endsWithNotice)
		h.run(policy)
		time.Sleep(15 * day)
		h.meddle("GET", "orgs/acme/personal-access-tokens", func(n int) int {
			if n == 2 { // before it is read again
				h.RevokeGrant("acme", id, "olga")
			}
			return 0
		})
		h.wantLines(h.run(policy), "revoke grant of monalisa: gone")
		if one := h.Issues("acme", "desk")[0]; one.State != "closed" {
			t.Errorf("%+v", one)
		}
	})
}
