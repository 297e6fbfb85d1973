package cli

import (
	"crypto/rand"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

// A token of a person ends by its value: the call has no credential. It is
// checked afterwards, with the token, where GitHub says something about it.
func TestRevokeEndsTokensOfPeople(t *testing.T) {
	const post = "POST /credentials/revoke"
	for _, c := range []struct {
		prefix, asked, outcome string
	}{
		{"ghp_", post + ", GET /user", "the personal access token (classic) is revoked, and does not work any more"},
		{"github_pat_", post + ", GET /user", "the fine-grained personal access token is revoked, and does not work any more"},
		{"gho_", post + ", GET /user", "the OAuth token is revoked, and does not work any more"},
		{"ghu_", post + ", GET /user", "the user access token is revoked, and does not work any more"},
		{"ghr_", post, "GitHub accepted the revocation of the refresh token; it does not say whether one works"},
	} {
		token := c.prefix + rand.Text() + rand.Text()
		s := newStep(t, map[string]string{"INPUT_TOKEN": token, "INPUT_PRIVATE-KEY": "", "RUNNER_DEBUG": "1"})
		s.AddPersonalToken(fakegithub.PersonalToken{Value: token, Login: "monalisa"})
		s.run(t, "revoke")
		log := s.log.String()
		if s.exit != exitOK || s.requests() != c.asked || !strings.Contains(log, c.outcome+"\n") {
			t.Errorf("%s: exit %d, asked %q: %s", c.prefix, s.exit, s.requests(), log)
		}
		if !strings.Contains(log, "it ends for its owner too, everywhere and for good\n") {
			t.Errorf("%s: does not say how far it goes: %s", c.prefix, log)
		}
		if s.Requests()[0].Authorization != "none" || s.PersonalTokenWorks(token) {
			t.Errorf("%s: sent with %s; works: %v", c.prefix, s.Requests()[0].Authorization, s.PersonalTokenWorks(token))
		}
		for _, form := range actions.Encodings(redact.New(token)) {
			if strings.Contains(withoutMasks(log), form.Reveal()) {
				t.Errorf("%s: the token is readable: %s", c.prefix, log)
			}
		}
	}
}

// A step fails if the token of a person may work on.
func TestRevokeFailsIfATokenOfAPersonMayWork(t *testing.T) {
	for _, c := range []struct {
		name        string
		fault       fakegithub.Fault
		error, hint string
	}{
		{
			"not at this GitHub",
			fakegithub.Fault{Path: "/credentials/revoke", Status: 404, Header: asJSONType, Body: `{"message":"Not Found"}`},
			"revoke the token by its value: GitHub answered 404: Not Found", "this GitHub ends no credentials by their values",
		},
		{
			"still at work",
			fakegithub.Fault{Path: "/user", Status: 200, Header: asJSONType, Body: `{"login":"monalisa"}`},
			"the token still works, although GitHub accepted its revocation", "run this again in a few minutes",
		},
		{
			"not known",
			fakegithub.Fault{Path: "/user", Status: 403, Header: asJSONType, Body: `{"message":"Forbidden"}`},
			"GitHub accepted the revocation, but the token may still work: ask whether the token still works: " +
				"GitHub answered 403: Forbidden",
			"",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStep(t, map[string]string{"INPUT_TOKEN": "gho_" + rand.Text() + rand.Text(), "INPUT_PRIVATE-KEY": ""})
				s.SkipOpenAPI = true
				s.Inject(c.fault)
				s.run(t, "revoke")
				if line, hint := s.annotation("error"); s.exit != exitFailure || line != c.error || !strings.Contains(hint, c.hint) {
					t.Errorf("exit %d, %q, hint %q", s.exit, line, hint)
				}
			})
		})
	}
}
