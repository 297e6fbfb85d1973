package pat

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What becomes due while a run goes on was not counted against its limits, and
// is left to the next one.
func TestWhatBecomesDueDuringARun(t *testing.T) {
	inHouse(t, "more than the limit", func(t *testing.T, h *house) {
		policy := h.policy(`
		requests:
		  - {name: small, if: {at-most: {repository: {contents: read}}}, do: approve}
		grants:
		  - {name: unused, if: {unused-for: 90d}, do: revoke, notice: 14d}
		limits: {revoke: 2, share: 100%}
`)
		for i := range 3 {
			h.grant(fmt.Sprintf("user%d", i), old)
		}
		h.run(policy)
		time.Sleep(14 * day)
		h.ask("monalisa")
		h.meddle("GET", "orgs/acme/personal-access-token-requests", func(n int) int {
			if n == 2 { // the look before the approval
				time.Sleep(2 * time.Minute) // the notices are over
			}
			return 0
		})
		report := h.run(policy)
		h.wantErrors(report)
		if n := len(h.Grants("acme")); n != 4 || report.Outcomes[Noticed] != 3 {
			t.Errorf("%d grants are left, %q", n, lines(report))
		}
		report = h.run(policy)
		if len(report.Errors) != 1 || !strings.Contains(report.Errors[0].Error(), "would revoke 3 ") {
			t.Errorf("%q", report.Errors)
		}
	})
}
