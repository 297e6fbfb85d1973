package pat

import (
	"net/http"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// endOwner ends everything of a person in acme and beta.
func (h *house) endOwner(login string, options ...func(*Engine)) Report {
	h.t.Helper()
	policy := h.policy(requestRules + "\n		protect: {owners: [acme-release-bot], token-ids: [98716]}")
	policy.Organizations, policy.Enforce = []string{"acme", "beta"}, false // the mode is of no matter
	e := h.engine(policy, options...)
	h.needs = map[Need]bool{}
	for _, n := range OwnerNeeds(policy, e.Enforce) {
		h.needs[n] = true
	}
	report := e.EndOwner(h.t.Context(), login)
	h.remember(&report)
	return report
}

// inTwo runs a test with two organizations in which monalisa and hubot have
// something of every kind.
func inTwo(t *testing.T, name string, do func(*testing.T, *house)) {
	t.Helper()
	inHouse(t, name, func(t *testing.T, h *house) {
		h.addOrganization("beta")
		for _, login := range []string{"monalisa", "hubot"} {
			h.ask(login)
			h.grant(login)
			h.GrantAccess("beta", h.fineGrained(login, func(t *fineGrainedToken) { t.Selection, t.Repositories = "all", nil }))
			h.AuthorizeCredential("acme", fakegithub.Credential{Login: login})
			h.AuthorizeCredential("beta", fakegithub.Credential{Login: login, Type: fakegithub.SSHKey})
		}
		do(t, h)
	})
}

func TestEndOwner(t *testing.T) {
	inTwo(t, "everything of one person", func(t *testing.T, h *house) {
		report := h.endOwner("MonaLisa")
		h.wantErrors(report)
		h.wantLines(report, "revoke grant of monalisa: done", "withdraw authorization of monalisa: done", "deny request of monalisa: done",
			"beta: revoke grant of monalisa: done", "beta: withdraw authorization of monalisa: done")
		if n := len(h.Grants("acme")) + len(h.Grants("beta")) + len(h.AccessRequests("acme")); n != 3 {
			t.Errorf("%d are left", n)
		}
		if n := len(h.Authorizations("acme")) + len(h.Authorizations("beta")); n != 2 {
			t.Errorf("%d authorizations are left", n)
		}
		for _, r := range h.Reviews("acme") {
			if r.Bulk {
				t.Errorf("%+v", r)
			}
		}
	})
	inTwo(t, "only told", func(t *testing.T, h *house) {
		report := h.endOwner("monalisa", func(e *Engine) { e.Enforce = false })
		h.wantErrors(report)
		if report.Outcomes[Would] != 5 || len(h.writes()) > 0 {
			t.Errorf("%q", lines(report))
		}
	})
	inTwo(t, "nobody", func(t *testing.T, h *house) {
		for login, want := range map[string]string{
			"monalsia": "nothing of monalsia was found in any organization of the policy" +
				"; hint: check the login, and that these are the right organizations",
			"": "whose tokens are to end is not said",
			"acme-release-bot": "the tokens of acme-release-bot stay: the policy protects its owner" +
				"; hint: take the owner out of protect, if they are to end",
		} {
			h.wantErrors(h.endOwner(login), want)
		}
		report := h.endOwner("monalisa", func(e *Engine) { e.Protection.Owners = map[string]string{"monalisa": "it started this run"} })
		h.wantErrors(report, "the tokens of monalisa stay: it started this run; hint: take the owner out of protect, if they are to end")
		if writes := h.writes(); len(writes) > 0 {
			t.Errorf("%q", writes)
		}
	})
	inTwo(t, "but for a protected token", func(t *testing.T, h *house) {
		h.grant("monalisa", func(t *fineGrainedToken) { t.ID = 98716 })
		report := h.endOwner("monalisa")
		h.wantErrors(report)
		if len(h.Grants("acme")) != 2 || report.Counts[Skip] != 1 || len(report.Notes) != 1 {
			t.Errorf("%q", lines(report))
		}
	})
}

// On the bad day, one failure does not keep the rest alive, and what is left is
// told.
func TestEndOwnerGoesOn(t *testing.T) {
	inTwo(t, "a call that fails", func(t *testing.T, h *house) {
		h.meddle("POST", "orgs/acme/personal-access-tokens", func(int) int { return http.StatusBadGateway })
		report := h.endOwner("monalisa")
		if report.Outcomes[Done] != 4 || report.Outcomes[Failed] != 1 || len(report.Errors) != 2 {
			t.Errorf("%q, %q", lines(report), report.Errors)
		}
		if left := report.Errors[1].Error(); left != "1 grants of monalisa are left in acme" {
			t.Error(left)
		}
	})
	inTwo(t, "a list that fails", func(t *testing.T, h *house) {
		h.meddle("GET", "orgs/acme/personal-access-tokens", func(int) int { return http.StatusBadGateway })
		report := h.endOwner("monalisa")
		if report.Outcomes[Done] != 4 || len(report.Errors) != 1 {
			t.Errorf("%q, %q", lines(report), report.Errors)
		}
		h.meddle("GET", "orgs/", func(int) int { return http.StatusBadGateway })
		for _, err := range h.endOwner("hubot").Errors { // the login is not to blame
			if !strings.Contains(err.Error(), "GitHub answered 502") {
				t.Error(err)
			}
		}
	})
	inTwo(t, "a new token meanwhile", func(_ *testing.T, h *house) {
		h.meddle("POST", "orgs/acme/personal-access-token-requests", func(int) int {
			h.grant("monalisa", func(t *fineGrainedToken) { t.Name = "quick" })
			return 0
		})
		h.wantErrors(h.endOwner("monalisa"), "1 grants of monalisa are left in acme; hint: run again")
	})
	inTwo(t, "a plan without single sign-on", func(t *testing.T, h *house) {
		h.SetSingleSignOn("beta", false)
		report := h.endOwner("monalisa")
		h.wantErrors(report)
		if len(report.Notes) != 1 || report.Outcomes[Done] != 4 {
			t.Errorf("%q, %q", report.Notes, lines(report))
		}
	})
}

// GitHub is asked for one person, and each answer is checked for whose it is.
func TestEndOwnerTouchesNobodyElse(t *testing.T) {
	inTwo(t, "a server that ignores the filter", func(t *testing.T, h *house) {
		h.SkipOpenAPI = true
		ignoring := func(e *Engine) { e.Call = withoutFilters(e.Call) }
		report := h.endOwner("monalisa", ignoring)
		h.wantErrors(report)
		for i := range report.Records {
			if report.Records[i].Owner != "monalisa" {
				t.Errorf("%+v", report.Records[i])
			}
		}
		if report.Outcomes[Done] != 5 || len(h.Grants("acme")) != 1 || len(h.Authorizations("acme")) != 1 {
			t.Errorf("%q", lines(report))
		}
	})
}
