package pat

import (
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// Two runs that each work on a part of the policy do not write an issue anew in
// turn, and neither takes away what the other one says.
func TestNoticesOfRunsThatWorkOnParts(t *testing.T) {
	inHouse(t, "grants and authorizations", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		h.AuthorizeCredential("acme", fakegithub.Credential{Login: "monalisa", Note: "laptop", AuthorizedAt: time.Now().Add(-100 * day)})
		policy := h.policy(endsWithNotice)
		h.run(policy)
		before := h.openIssue().Body
		h.writes()
		for _, part := range []Sections{{Grants: true}, {SSO: true}, {Grants: true}} {
			h.wantErrors(h.run(policy, func(e *Engine) { e.Sections = part }))
			if writes := h.writes(); len(writes) > 0 {
				t.Errorf("%+v: %q", part, writes)
			}
		}
		h.grant("monalisa", old) // something new is told all the same
		h.run(policy, func(e *Engine) { e.Sections = Sections{Grants: true} })
		if body := h.openIssue().Body; body == before || strings.Count(body, "loses its access") != 2 {
			t.Error(body)
		}
	})
}
