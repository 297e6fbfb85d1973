package pat

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// requestRules approve what is small and deny what is too much.
const requestRules = `
		requests:
		  - {name: small, if: {at-most: {repository: {contents: read}}, expires-within: 100d}, do: approve}
		  - {name: too much, if: {any-of: {repository: {contents: write}}}, do: deny, reason: "{permissions} is too much."}
`

func TestRequests(t *testing.T) {
	inHouse(t, "what small ones and large ones become", func(t *testing.T, h *house) {
		small, large := h.ask("monalisa"), h.ask("hubot", writing)
		h.ask("octocat", func(t *fineGrainedToken) { t.ExpiresAt = time.Time{} })
		report := h.run(h.policy(requestRules))
		h.wantLines(report, "approve request of monalisa: done", "deny request of hubot: done")
		h.wantErrors(report)
		if report.Waiting != 1 || report.Counts[Wait] != 1 || report.Outcomes[Done] != 2 || len(report.Notes) != 0 {
			t.Errorf("%d wait, %v, %v, %q", report.Waiting, report.Counts, report.Outcomes, report.Notes)
		}
		for i, want := range []fakegithub.Review{
			{Kind: "request", ID: small, Action: "approve"},
			{Kind: "request", ID: large, Action: "deny", Reason: "contents: write, metadata: read is too much."},
		} {
			got := h.Reviews("acme")[i]
			if got.ID != want.ID || got.Action != want.Action || got.Reason != want.Reason || got.By != "keeper[bot]" || got.Bulk {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
		requestID := report.Records[0].Request
		if !slices.ContainsFunc(h.Requests(), func(r fakegithub.Request) bool { return r.Method == "POST" && r.RequestID == requestID }) {
			t.Errorf("GitHub knows no request %q", requestID)
		}
		h.wantLines(h.run(h.policy(requestRules))) // again
	})
	inHouse(t, "no request is no proof", func(t *testing.T, h *house) {
		report := h.run(h.policy(requestRules))
		if len(report.Notes) != 1 || report.Notes[0] != "acme: "+noRequests {
			t.Errorf("%q", report.Notes)
		}
	})
}

func TestEnds(t *testing.T) {
	inHouse(t, "grants and authorizations", func(t *testing.T, h *house) {
		h.grant("monalisa", old)
		h.grant("hubot", old, func(t *fineGrainedToken) { t.LastUsedAt = time.Now() })
		h.AuthorizeCredential("acme", fakegithub.Credential{Login: "monalisa", Scopes: []string{"admin:org", "repo"}, Note: "laptop"})
		h.AuthorizeCredential("acme", fakegithub.Credential{Login: "hubot", Type: fakegithub.SSHKey})
		report := h.run(h.policy(`
		grants:
		  - {name: unused, if: {unused-for: 90d}, do: revoke}
		sso:
		  - {name: broad, if: {kind: classic, scopes: [admin:org]}, do: withdraw}
		`))
		h.wantLines(report, "revoke grant of monalisa: done", "withdraw authorization of monalisa: done")
		h.wantErrors(report)
		if len(h.Grants("acme")) != 1 || len(h.Authorizations("acme")) != 1 {
			t.Errorf("%v, %v", h.Grants("acme"), h.Authorizations("acme"))
		}
		if got, want := report.NextExpiry, noon.Add(90*day); !got.Equal(want) {
			t.Errorf("the next one expires %s, want %s", got, want)
		}
	})
}

// old makes a token one that was granted long ago and never used.
func old(t *fineGrainedToken) { t.Since = time.Now().Add(-200 * day) }

// endsUnused ends what nobody used.
const endsUnused = `
		grants:
		  - {name: unused, if: {unused-for: 90d}, do: revoke}
		sso:
		  - {name: unused, if: {kind: classic, unused-for: 90d}, do: withdraw}
`

// Audit and enforce decide alike; audit changes nothing.
func TestAuditChangesNothing(t *testing.T) {
	rules := requestRules + endsUnused
	for name, c := range map[string]struct {
		rules string
		do    func(*Engine)
	}{
		"the policy": {rules, func(e *Engine) { e.Policy.Enforce = false }},
		"the run":    {rules, func(e *Engine) { e.Enforce = false }},
		"each rule":  {strings.ReplaceAll(rules, ", do: ", ", mode: audit, do: "), func(*Engine) {}},
	} {
		inHouse(t, name, func(t *testing.T, h *house) {
			h.ask("monalisa")
			h.ask("hubot", writing)
			h.grant("monalisa", old)
			h.AuthorizeCredential("acme", fakegithub.Credential{Login: "monalisa", AuthorizedAt: time.Now().Add(-100 * day)})
			report := h.run(h.policy(c.rules), c.do)
			h.wantLines(report, "approve request of monalisa: would", "deny request of hubot: would",
				"revoke grant of monalisa: would", "withdraw authorization of monalisa: would")
			h.wantErrors(report)
			if writes := h.writes(); len(writes) > 0 {
				t.Errorf("%q", writes)
			}
			for _, r := range report.Records {
				if r.Mode != "audit" {
					t.Errorf("%s %d is in mode %s", r.Kind, r.ID, r.Mode)
				}
			}
			for n := range h.needs {
				if n.Level != "read" {
					t.Errorf("a run that changes nothing needs %v", n)
				}
			}
		})
	}
}

// An organization without single sign-on or alerts is governed for the rest.
func TestWhatAPlanLacksIsSaidOnce(t *testing.T) {
	inHouse(t, "two organizations", func(t *testing.T, h *house) {
		h.addOrganization("beta")
		h.SetSingleSignOn("acme", false)
		h.SetSingleSignOn("beta", false)
		h.SetSecretScanning("beta", false)
		h.grant("monalisa", old)
		policy := h.policy(endsUnused + "\n		leaks: {do: report}")
		policy.Organizations = []string{"acme", "beta"}
		report := h.run(policy)
		h.wantLines(report, "revoke grant of monalisa: done")
		h.wantErrors(report)
		want := []string{"acme, beta: " + noSSO, "beta: " + noScanning}
		slices.Sort(report.Notes)
		if !slices.Equal(report.Notes, want) {
			t.Errorf("%q, want %q", report.Notes, want)
		}
	})
}

// A cancelled run changes nothing more, and says so.
func TestCancelledRun(t *testing.T) {
	inHouse(t, "in the middle", func(t *testing.T, h *house) {
		h.ask("monalisa")
		h.ask("hubot")
		ctx, cancel := context.WithCancel(t.Context())
		h.meddle("POST", "orgs/acme/", func(int) int { defer cancel(); return 0 })
		report := h.engine(h.policy(requestRules)).Run(ctx)
		if got := lines(report); len(got) != 2 || got[1] != "approve request of hubot: not-done, context canceled" {
			t.Errorf("%q", got)
		}
	})
}

// A policy that can't be read does nothing at all.
func TestPolicyThatIsNotUnderstood(t *testing.T) {
	inHouse(t, "a rule that ends requests", func(t *testing.T, h *house) {
		policy := h.policy(requestRules)
		policy.Requests[0].Do = "revoke"
		report := h.run(policy)
		if n := len(h.Requests()); n > 0 || len(report.Errors) != 1 {
			t.Errorf("%d requests, %q", n, report.Errors)
		}
	})
}
