package pat

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// Whatever a rule may have looked at is compared; the last use is not, since
// the rules look at it again.
func TestDifference(t *testing.T) {
	for want, c := range map[string]struct {
		kind   Kind
		change func(*Token)
	}{
		"":                           {Request, func(t *Token) { t.LastUsed = t.LastUsed.Add(time.Hour) }},
		"the token":                  {Request, func(t *Token) { t.TokenID++ }},
		"its owner":                  {Request, func(t *Token) { t.OwnerID++ }},
		"its name":                   {Request, func(t *Token) { t.Name = "other" }},
		"its choice of repositories": {Request, func(t *Token) { t.Selection = "all" }},
		"its reason":                 {Request, func(t *Token) { t.Reason = "because" }},
		"its scopes":                 {Authorization, func(t *Token) { t.Scopes = append(t.Scopes, "admin:org") }},
		"its end":                    {Grant, func(t *Token) { t.Expired = true }},
		"its beginning":              {Grant, func(t *Token) { t.Since = t.Since.Add(-time.Second) }},
		"its permissions":            {Grant, func(t *Token) { t.Permissions.Other = map[string]string{"plan": "read"} }},
	} {
		if got := difference(token(c.kind), token(c.kind, c.change)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := difference(token(Authorization), token(Authorization, func(t *Token) { t.Credential = "SSH key" })); got != "its scopes" {
		t.Errorf("got %q for another kind of credential", got)
	}
}

// Only who asked is told why: a revoke takes no reason.
func TestBodiesOfChanges(t *testing.T) {
	for action, c := range map[Action]struct {
		kind Kind
		want map[string]string
	}{
		Approve: {Request, map[string]string{"action": "approve", "reason": "why"}},
		Deny:    {Request, map[string]string{"action": "deny", "reason": "why"}},
		Revoke:  {Grant, map[string]string{"action": "revoke"}},
	} {
		r := changeOf(action, token(c.kind), "why")
		if got, _ := r.Body.(map[string]string); !maps.Equal(got, c.want) || r.Level != "write" {
			t.Errorf("%s: %v", action, r)
		}
	}
	if r := changeOf(Withdraw, token(Authorization), "why"); r.Body != nil || r.Method != "DELETE" {
		t.Errorf("%v", r)
	}
	if r := changeOf(Approve, token(Request), ""); len(r.Body.(map[string]string)) != 1 {
		t.Errorf("%v", r)
	}
}

// A permission of a family that nobody here knows passes for no other, and not
// for nothing.
func TestPermissionsOf(t *testing.T) {
	got := permissionsOf(map[string]map[string]string{
		"repository": {"contents": "read"}, "account": {"gists": "write"},
	})
	if got.Repository["contents"] != "read" || got.Other["account.gists"] != "write" || got.Organization != nil {
		t.Errorf("%+v", got)
	}
}

// An authorization of a token whose end is not told is none that never ends.
func TestAuthorizationsWithoutAnEnd(t *testing.T) {
	for text, want := range map[string]bool{
		`{"login":"a","credential_id":1,"credential_type":"personal access token","credential_accessed_at":null}`:                   false,
		`{"login":"a","credential_id":1,"credential_type":"` + string(redact.FineGrainedToken) + `","credential_accessed_at":null}`: false,
		`{"login":"a","credential_id":1,"credential_type":"SSH key","credential_accessed_at":null}`:                                 true,
		`{"login":"a","credential_id":1,"credential_type":"SSH key"}`:                                                               false,
		`{"login":"a","credential_id":1,"credential_type":"personal access token","credential_accessed_at":null,` +
			`"authorized_credential_expires_at":null}`: true,
	} {
		if err := new(wireAuthorization).UnmarshalJSON([]byte(text)); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// GitHub may refuse one token for ever. It does not hold up the others.
func TestATokenThatGitHubRefuses(t *testing.T) {
	inHouse(t, "the first of two", func(_ *testing.T, h *house) {
		h.ask("monalisa")
		h.ask("hubot")
		h.meddle("POST", "orgs/acme/personal-access-token-requests", func(n int) int {
			return map[int]int{1: http.StatusUnprocessableEntity}[n]
		})
		report := h.run(h.policy(requestRules))
		failed := fmt.Sprintf("approve request %d of monalisa in acme: GitHub answered 422", report.Records[0].ID)
		h.wantLines(report, "approve request of monalisa: failed, "+failed, "approve request of hubot: done")
		h.wantErrors(report, failed)
	})
}
