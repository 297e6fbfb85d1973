package pat

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

// leak makes a token that works and that was found in a repository.
func (h *house) leak(prefix string) (value string) {
	value = prefix + "_" + strings.ReplaceAll(rand.Text()+rand.Text(), "=", "")[:36]
	h.AddPersonalToken(fakegithub.PersonalToken{Value: value, Login: "monalisa", Classic: prefix == "ghp"})
	kind := map[string]string{"gho": fakegithub.OAuthTokenSecret, "ghr": fakegithub.RefreshTokenSecret}[prefix]
	h.AddAlert("acme", "api", fakegithub.Alert{Secret: value, Type: kind})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leaked = append(h.leaked, value)
	return value
}

const (
	reportsLeaks = "\n		leaks: {do: report}"
	endsLeaks    = "\n		leaks: {do: revoke, kinds: [ghp, gho], resolve: true}"
)

func TestLeaks(t *testing.T) {
	inHouse(t, "reported alone", func(t *testing.T, h *house) {
		value := h.leak("ghp")
		h.AddAlert("acme", "api", fakegithub.Alert{Secret: "dead", Validity: "inactive"})
		h.AddAlert("acme", "api", fakegithub.Alert{Secret: "closed", Validity: "active", State: "resolved"})
		h.AddAlert("acme", "api", fakegithub.Alert{Secret: "key", Validity: "active", Type: "github_ssh_private_key"})
		report := h.run(h.policy(reportsLeaks))
		h.wantErrors(report)
		if l := report.Leaks; len(l) != 1 || l[0].Alert != 1 || l[0].Repository != "acme/api" || l[0].Outcome != "" {
			t.Errorf("%+v", l)
		}
		if !h.PersonalTokenWorks(value) || h.sawValues() {
			t.Error("more was done than to report")
		}
	})
	inHouse(t, "ended, of the kinds that the policy names", func(t *testing.T, h *house) {
		classic, oauth, fineGrained := h.leak("ghp"), h.leak("gho"), h.leak("github_pat")
		report := h.run(h.policy(endsLeaks))
		h.wantErrors(report)
		for value, want := range map[string]bool{classic: false, oauth: false, fineGrained: true} {
			if got := h.PersonalTokenWorks(value); got != want {
				t.Errorf("%.4s works: %v", value, got)
			}
			if !slices.Contains(h.values, value) {
				t.Errorf("%.4s was not masked", value)
			}
		}
		outcomes := map[Outcome]int{}
		for _, l := range report.Leaks {
			outcomes[l.Outcome]++
			if l.Resolved != (l.Outcome == Done) || l.Mode != "enforce" {
				t.Errorf("%+v", l)
			}
		}
		if outcomes[Done] != 2 || outcomes[NotDone] != 1 {
			t.Errorf("%v", outcomes)
		}
		for _, a := range h.Alerts("acme", "api") {
			resolved := a.State == "resolved" && a.Resolution == "revoked" && a.ResolutionComment != ""
			if resolved != (a.Secret != fineGrained) {
				t.Errorf("alert %d: %s, %s", a.Number, a.State, a.Resolution)
			}
		}
		if !slices.ContainsFunc(h.log, func(s string) bool {
			return strings.Contains(s, "ended leaked tokens of acme: 1 of kind gho, 1 of kind ghp")
		}) {
			t.Errorf("%q", h.log)
		}
	})
	inHouse(t, "whatever the limits are", func(t *testing.T, h *house) {
		value := h.leak("ghp")
		for i := range 3 {
			h.grant(fmt.Sprintf("user%d", i), old)
		}
		report := h.run(h.policy(endsLeaks + endsUnused + "\n		limits: {revoke: 1}"))
		if len(report.Errors) != 1 || len(h.Grants("acme")) != 3 || h.PersonalTokenWorks(value) {
			t.Errorf("%q, %d grants", report.Errors, len(h.Grants("acme")))
		}
	})
}

// sawValues reports whether a request asked for the values of alerts.
func (h *house) sawValues() bool {
	return slices.ContainsFunc(h.Requests(), func(r fakegithub.Request) bool {
		return strings.HasSuffix(r.Path, "/secret-scanning/alerts") && !strings.Contains(r.Query, "hide_secret=true")
	})
}

// The value of a token is read only by a run that ends it.
func TestAuditReadsNoValue(t *testing.T) {
	for name, lower := range map[string]func(*Engine){
		"the run":    func(e *Engine) { e.Enforce = false },
		"the policy": func(e *Engine) { e.Policy.Enforce = false },
	} {
		inHouse(t, name, func(t *testing.T, h *house) {
			value := h.leak("ghp")
			report := h.run(h.policy(endsLeaks), lower)
			if len(report.Leaks) != 1 || report.Leaks[0].Outcome != Would || report.Leaks[0].Mode != "audit" {
				t.Errorf("%+v", report.Leaks)
			}
			if h.sawValues() || !h.PersonalTokenWorks(value) || len(h.writes()) > 0 {
				t.Error("more was done than to look")
			}
		})
	}
	inHouse(t, "and none where nothing leaked", func(t *testing.T, h *house) {
		h.run(h.policy(endsLeaks))
		if h.sawValues() {
			t.Error("values were asked for")
		}
	})
}

// What a call that failed left alive stays alive, and the alerts of what was
// ended before are resolved all the same.
func TestTheSecondOfManyLeaksFails(t *testing.T) {
	policy := (&house{t: t}).policy(endsLeaks)
	calls, read := 0, 0
	r := &run{Engine: &Engine{
		Policy: policy,
		RevokeLeaked: func(context.Context, []redact.String) error {
			if calls++; calls > 1 {
				return errors.New("an outage")
			}
			return nil
		},
		Call: func(context.Context, apicall.Request) (apicall.Answer, error) {
			read++
			return apicall.Answer{Status: 404}, errors.New("somebody closed it")
		},
	}}
	found := make([]*leaked, 2*maxValues+1)
	for i := range found {
		found[i] = &leaked{Leak{Organization: "acme", Repository: "acme/api", Alert: int64(i)}, redact.New("ghp" + "_" + rand.Text())}
	}
	err := r.endFound(t.Context(), found)
	outcomes := map[Outcome]int{}
	for _, l := range found {
		outcomes[l.Outcome]++
	}
	if outcomes[Done] != maxValues || outcomes[Failed] != maxValues || outcomes[NotDone] != 1 || read != maxValues || calls != 2 {
		t.Errorf("%v, %d alerts, %d calls", outcomes, read, calls)
	}
	if err == nil || err.Error() != "an outage" {
		t.Error(err)
	}
}

// GitHub ends at most a thousand tokens in one call.
func TestManyLeaks(t *testing.T) {
	inHouse(t, "1,100", func(t *testing.T, h *house) {
		h.SkipOpenAPI = true
		for range 1100 {
			h.leak("ghp")
		}
		var calls []int
		report := h.run(h.policy("\n		leaks: {do: revoke, kinds: [ghp]}"), func(e *Engine) {
			e.RevokeLeaked = func(ctx context.Context, values []redact.String) error {
				calls = append(calls, len(values))
				return h.revokeLeaked(ctx, values)
			}
		})
		h.wantErrors(report)
		if !slices.Equal(calls, []int{1000, 100}) {
			t.Errorf("%v", calls)
		}
		if slices.ContainsFunc(h.leaked, h.PersonalTokenWorks) {
			t.Error("one still works")
		}
	})
}

func TestLeaksThatCanNotBeEnded(t *testing.T) {
	inHouse(t, "a call that fails", func(t *testing.T, h *house) {
		h.leak("ghp")
		report := h.run(h.policy(endsLeaks), func(e *Engine) {
			e.RevokeLeaked = func(context.Context, []redact.String) error { return errors.New("there is no such call") }
		})
		h.wantErrors(report, "acme: there is no such call")
		if l := report.Leaks[0]; l.Outcome != Failed || l.Error != "there is no such call" || l.Resolved {
			t.Errorf("%+v", l)
		}
	})
	inHouse(t, "an alert that somebody closed meanwhile", func(t *testing.T, h *house) {
		h.leak("ghp")
		h.meddle("GET", "repos/acme/api/secret-scanning", func(int) int { return http.StatusNotFound })
		report := h.run(h.policy(endsLeaks))
		h.wantErrors(report)
		if l := report.Leaks[0]; l.Outcome != Done || l.Resolved {
			t.Errorf("%+v", l)
		}
	})
	inHouse(t, "an alert that somebody resolved meanwhile", func(t *testing.T, h *house) {
		h.SkipOpenAPI = true
		h.leak("ghp")
		h.Inject(fakegithub.Fault{Method: "GET", Path: "/repos/acme/api/secret-scanning", Rewrite: func(body []byte) []byte {
			return []byte(strings.ReplaceAll(string(body), `"state":"open"`, `"state":"resolved"`))
		}})
		report := h.run(h.policy(endsLeaks))
		h.wantErrors(report)
		if l := report.Leaks[0]; l.Outcome != Done || l.Resolved || len(h.writes()) != 1 {
			t.Errorf("%+v", l)
		}
	})
	inHouse(t, "an alert that is about another kind now", func(t *testing.T, h *house) {
		h.SkipOpenAPI = true
		h.leak("ghp")
		h.Inject(fakegithub.Fault{Method: "GET", Path: "/repos/acme/api/secret-scanning", Rewrite: func(body []byte) []byte {
			return []byte(strings.ReplaceAll(string(body), "github_personal_access_token", "x_key"))
		}})
		report := h.run(h.policy(endsLeaks))
		h.wantErrors(report)
		if report.Leaks[0].Resolved {
			t.Errorf("%+v", report.Leaks[0])
		}
	})
	inHouse(t, "alerts of a server that knows no filters", func(t *testing.T, h *house) {
		h.SkipOpenAPI = true
		h.leak("ghp")
		for _, a := range []fakegithub.Alert{
			{Validity: "inactive"}, {Validity: "active", State: "resolved"}, {Validity: "active", Type: "x_key"},
		} {
			a.Secret = "ghp" + "_" + rand.Text()
			h.AddAlert("acme", "api", a)
		}
		report := h.run(h.policy(endsLeaks), func(e *Engine) { e.Call = withoutFilters(e.Call) })
		h.wantErrors(report)
		if len(report.Leaks) != 1 || report.Leaks[0].Alert != 1 {
			t.Errorf("%+v", report.Leaks)
		}
	})
	inHouse(t, "alerts that do not say whether their tokens work", func(t *testing.T, h *house) {
		h.SkipOpenAPI = true
		value := h.leak("ghp")
		h.Inject(fakegithub.Fault{Method: "GET", Path: "/orgs/acme/secret-scanning/alerts", Rewrite: func(body []byte) []byte {
			return []byte(strings.ReplaceAll(string(body), `"validity":`, `"x":`))
		}})
		report := h.run(h.policy(endsLeaks))
		if len(report.Leaks) != 0 || !h.PersonalTokenWorks(value) || len(report.Notes) != 1 || report.Notes[0] != "acme: "+noValidity {
			t.Errorf("%+v, %q", report.Leaks, report.Notes)
		}
	})
	inHouse(t, "an alert that can't be closed", func(t *testing.T, h *house) {
		h.leak("ghp")
		h.leak("ghp")
		h.meddle("PATCH", "repos/acme/api/secret-scanning", func(int) int { return http.StatusForbidden })
		report := h.run(h.policy(endsLeaks))
		h.wantErrors(report, "acme: resolve alert 1 of acme/api: GitHub answered 403")
		if l := report.Leaks[1]; l.Outcome != Done || l.Resolved {
			t.Errorf("%+v", l)
		}
	})
	inHouse(t, "an answer about somebody else's repository", func(_ *testing.T, h *house) {
		h.SkipOpenAPI = true
		h.leak("ghp")
		h.Inject(fakegithub.Fault{Method: "GET", Path: "/orgs/acme/secret-scanning/alerts", Rewrite: func(body []byte) []byte {
			return []byte(strings.ReplaceAll(string(body), `"full_name":"acme/api"`, `"full_name":"evil/api"`))
		}})
		report := h.run(h.policy(endsLeaks))
		h.wantErrors(report, "acme: alert 1 is about a repository of somebody else")
	})
	inHouse(t, "an alert that is not active any more", func(t *testing.T, h *house) {
		value := h.leak("ghp")
		h.SkipOpenAPI = true // a server that ignores the filter
		h.Inject(fakegithub.Fault{Method: "GET", Path: "/orgs/acme/secret-scanning/alerts", Rewrite: func(body []byte) []byte {
			return []byte(strings.ReplaceAll(string(body), `"validity":"active"`, `"validity":"unknown"`))
		}})
		report := h.run(h.policy(endsLeaks))
		if len(report.Leaks) != 0 || !h.PersonalTokenWorks(value) {
			t.Errorf("%+v", report.Leaks)
		}
	})
}
