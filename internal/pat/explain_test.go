package pat

import (
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestExplain(t *testing.T) {
	inHouse(t, "one token", func(t *testing.T, h *house) {
		h.AddTeam("acme", "platform", "hubot")
		h.grant("monalisa", old, func(t *fineGrainedToken) { t.ID = 7 })
		h.grant("monalisa", old, func(t *fineGrainedToken) { t.ID = 8 })
		h.AuthorizeCredential("acme", fakegithub.Credential{Login: "monalisa", CredentialID: 9})
		e := h.engine(h.policy(`
		grants:
		  - {name: team, if: {team: platform}, do: keep}
		  - {name: unused, if: {unused-for: 90d}, do: revoke}
		sso:
		  - {name: classic, if: {kind: classic}, do: withdraw}
		`))
		for id, want := range map[int64]string{
			7: "revoke by unused: granted 200 days ago; team: no, unused: yes",
			9: "withdraw by classic: GitHub says personal access token; classic: yes",
		} {
			decisions, err := e.Explain(t.Context(), id)
			if err != nil || len(decisions) != 1 {
				t.Fatalf("%v, %v", decisions, err)
			}
			d := decisions[0]
			var steps []string
			for _, s := range d.Steps {
				steps = append(steps, s.Rule+": "+[]string{"no", "yes", "unknown"}[s.Answer])
			}
			if got := string(d.Action) + " by " + d.Rule + ": " + d.Why() + "; " + strings.Join(steps, ", "); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		if decisions, err := e.Explain(t.Context(), 5); err == nil || len(decisions) > 0 {
			t.Errorf("%v, %v", decisions, err)
		}
		if writes := h.writes(); len(writes) > 0 {
			t.Errorf("%q", writes)
		}
	})
}
