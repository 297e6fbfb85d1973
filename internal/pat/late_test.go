package pat

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
)

// waiting returns a call that makes some of the requests of a method and path
// prefix wait for a minute, as a limit of GitHub's does, and lets people do
// something meanwhile. A request that may not wait so long is not sent.
func (h *house) waiting(method, path string, first, last int, meanwhile func()) apicall.Func {
	var count atomic.Int64
	return func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
		if r.Method == method && strings.HasPrefix(r.Path, path) {
			if n := int(count.Add(1)); first <= n && n <= last {
				select {
				case <-ctx.Done():
				case <-time.After(time.Minute):
				}
				meanwhile()
			}
		}
		if ctx.Err() != nil {
			return apicall.Answer{}, errors.New(r.Op + ": its turn did not come")
		}
		return h.call(ctx, r)
	}
}

// What was read is not relied on after a wait, but read again before its write.
func TestWhatWaitedIsReadAgain(t *testing.T) {
	const rules = `
		requests:
		  - {name: small, if: {at-most: {repository: {contents: read}}, membership: member}, do: approve}
`
	for name, c := range map[string]struct {
		method, path string
		nth          int
	}{
		"the write":            {"POST", "orgs/acme/personal-access-token-requests/", 1},
		"a question before it": {"GET", "orgs/acme/memberships/", 2}, // one belongs to the first judgement
	} {
		inHouse(t, name, func(_ *testing.T, h *house) {
			h.ask("monalisa")
			report := h.run(h.policy(rules), func(e *Engine) { e.Call = h.waiting(c.method, c.path, c.nth, c.nth, func() {}) })
			h.wantLines(report, "approve request of monalisa: done")
		})
		inHouse(t, name+", and it changes", func(t *testing.T, h *house) {
			id := h.ask("monalisa")
			report := h.run(h.policy(rules), func(e *Engine) {
				e.Call = h.waiting(c.method, c.path, c.nth, c.nth, func() { h.ChangeRequest("acme", id, writing) })
			})
			h.wantLines(report, "approve request of monalisa: dropped, its permissions changed since it was judged")
			if len(h.Reviews("acme")) > 0 {
				t.Error("what nobody judged was approved")
			}
		})
	}
	for _, path := range []string{"orgs/acme/memberships/", "orgs/acme/personal-access-token-requests/"} {
		inHouse(t, "each time", func(t *testing.T, h *house) {
			h.ask("monalisa")
			h.ask("hubot")
			method := map[bool]string{true: "GET", false: "POST"}[strings.Contains(path, "memberships")]
			report := h.run(h.policy(rules), func(e *Engine) { e.Call = h.waiting(method, path, 1, 1000, func() {}) })
			if got := lines(report); len(got) != 2 || !strings.Contains(got[0], "failed") || !strings.Contains(got[1], errHalted.Error()) {
				t.Errorf("%q", got)
			}
			if len(h.Reviews("acme")) > 0 {
				t.Error("it was approved")
			}
		})
	}
}

// What people write into an issue while its change waits is not written over.
func TestAnIssueThatWaitedIsReadAgain(t *testing.T) {
	inHouse(t, "its change waits", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		policy := h.policy(endsWithNotice)
		h.run(policy)
		h.grant("monalisa", old)
		report := h.run(policy, func(e *Engine) {
			e.Call = h.waiting("PATCH", "repos/acme/desk/issues/1", 1, 1, func() {
				h.EditIssue("acme", "desk", 1, func(i *fakegithub.Issue) { i.Body += "\n\nPlease wait." })
			})
		})
		h.wantErrors(report)
		if !strings.HasSuffix(h.openIssue().Body, "Please wait.") {
			t.Error("it was written over")
		}
	})
}

// A notice begins when it is written, however long the run had to wait before.
func TestANoticeBeginsWhenItIsWritten(t *testing.T) {
	inHouse(t, "two owners", func(_ *testing.T, h *house) {
		h.grant("monalisa", old)
		h.grant("hubot", old)
		report := h.run(h.policy(endsWithNotice), func(e *Engine) {
			e.Call = h.waiting("POST", "repos/acme/desk/issues", 1, 1, func() { time.Sleep(time.Hour) })
		})
		h.wantLines(report, "revoke grant of monalisa: noticed until "+theEnd, "revoke grant of hubot: noticed until 2026-12-04 13:02")
	})
}
