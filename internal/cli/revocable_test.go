package cli

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

// ageFile is an encrypted text as stock tools write it.
func ageFile(t *testing.T, armoured bool) []byte {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	plain, err := age.Encrypt(&out, identity.Recipient())
	if err == nil {
		_, err = plain.Write([]byte("x"))
	}
	if err == nil {
		err = plain.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if !armoured {
		return out.Bytes()
	}
	var text bytes.Buffer
	w := armor.NewWriter(&text)
	if _, err := w.Write(out.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// A text that does not look like a token that can be ended is a fault, which
// says what it is and what to do. Nothing is sent then, and none of the text is
// shown.
func TestRevokeTakesWholeTokensOnly(t *testing.T) {
	random := make([]byte, 20)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	digits := hex.EncodeToString(random)
	long := rand.Text() + rand.Text()
	for _, c := range []struct{ name, token, problem, hint string }{
		{"an installation token that is gone", "ghs_" + long[:36], "", ""},
		{"a stateless one", "ghs_917_eyJ" + long + "." + long + "." + long, "", ""},
		{"one of before 2021", "v1." + digits, "", ""},
		{"cut short", "ghs_" + long[:10], "is not a whole installation token: it is cut short or changed", "as it is"},
		{"in capitals", "GHS_" + long[:36], "is not a whole installation token: it is cut short or changed", "as it is"},
		{
			"two of them", "ghs_" + long[:36] + " ghs_" + long[:36],
			"is not a token: it has white space or other characters that no token has", "as it is",
		},
		{
			"a classic token that is cut short", "ghp_" + long[:10],
			"is not a whole personal access token (classic): it is cut short or changed", "give the whole token",
		},
		{
			"a fine-grained token with a quote", "github_pat_" + long + `"`,
			"is not a whole fine-grained personal access token: it is cut short or changed", "give the whole token",
		},
		{"a refresh token in capitals", "GHR_" + long, "is not a whole refresh token: it is cut short or changed", "give the whole token"},
		{
			"an old personal token", digits, "is a personal access token (classic) from before 2021, or not a token at all",
			"Personal access tokens",
		},
		{"an envelope", base64.StdEncoding.EncodeToString(ageFile(t, false)), "is an encrypted token", "pass it as encrypted-token"},
		{
			"an envelope without padding", base64.RawURLEncoding.EncodeToString(ageFile(t, false)),
			"is an encrypted token", "pass it as encrypted-token",
		},
		{"an armoured envelope", string(ageFile(t, true)), "is an encrypted token", "pass it as encrypted-token"},
		{
			"an armoured envelope in base64", base64.StdEncoding.EncodeToString(ageFile(t, true)),
			"is an encrypted token", "pass it as encrypted-token",
		},
		{"the App's key", testKey(), "is a private key and not a token: PEM block, such as a private key", "make a new one"},
		{"a JWT", "eyJ" + long, "is a JSON web token, which ends by itself within minutes", "as it is"},
		{"a word", "token", "is not a GitHub token", "as it is"},
		{"a token of GitLab", "glpat-" + long, "is a token of GitLab, and not a GitHub token", "as it is"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStep(t, map[string]string{"INPUT_TOKEN": c.token, "INPUT_PRIVATE-KEY": ""})
			s.Inject(fakegithub.Fault{Status: 401, Header: asJSONType, Body: `{"message":"Bad credentials"}`})
			s.run(t, "revoke")
			if c.problem == "" {
				if s.exit != exitOK || len(s.Requests()) != 1 || !strings.Contains(s.log.String(), "the token was gone already") {
					t.Errorf("exit %d, asked %q: %s", s.exit, s.requests(), s.log.String())
				}
				return
			}
			line, hint := s.annotation("error")
			if s.exit != exitFailure || line != "input token: "+c.problem || !strings.Contains(hint, c.hint) {
				t.Errorf("exit %d, %q, hint %q", s.exit, line, hint)
			}
			if len(s.Requests()) != 0 {
				t.Errorf("asked %s", s.requests())
			}
			if strings.Contains(line+hint, c.token) && len(c.token) > 8 {
				t.Errorf("the token is shown: %s, %s", line, hint)
			}
		})
	}
}

// An envelope is not signed, so the token in it is checked as well.
func TestRevokeLooksIntoEnvelopes(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	to, err := envelope.ParseRecipients(identity.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := envelope.Seal(envelope.Payload{Token: redact.New("ghp_" + rand.Text() + rand.Text())}, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newStep(t, map[string]string{"INPUT_ENCRYPTED-TOKEN": sealed, "INPUT_IDENTITY": identity.String(), "INPUT_PRIVATE-KEY": ""})
	s.run(t, "revoke")
	line, _ := s.annotation("error")
	want := "input encrypted-token: holds something that is a personal access token (classic), which no mint makes"
	if s.exit != exitFailure || line != want || len(s.Requests()) != 0 {
		t.Errorf("exit %d, %q, asked %q", s.exit, line, s.requests())
	}
}

// The post stage does not check the token: the main stage minted it. Nor does it
// end a token of a person, who never asked for that: what an envelope held may be
// anybody's.
func TestPostRevokesWhateverMainLeft(t *testing.T) {
	for _, token := range []string{"of another form, " + rand.Text(), "ghp_" + rand.Text() + rand.Text()} {
		s := newStep(t, map[string]string{
			"STATE_token": token, "STATE_github-api-url": "https://api.github.test", "INPUT_app_id": "7",
		})
		s.Inject(fakegithub.Fault{Status: 401, Header: asJSONType, Body: `{"message":"Bad credentials"}`})
		s.run(t, "post")
		if s.exit != exitOK || s.requests() != "DELETE /installation/token" {
			t.Errorf("exit %d, asked %q: %s", s.exit, s.requests(), s.log.String())
		}
	}
}
