package cli

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

// A token that is too short to be masked is not handed out.
func TestShortSecretsAreNotHandedOut(t *testing.T) {
	identity, public, err := envelope.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	to, err := envelope.ParseRecipients(public)
	if err != nil {
		t.Fatal(err)
	}
	token := func(v string) envelope.Payload { return envelope.Payload{Token: redact.New(v)} }
	pin := func(v string) envelope.Payload {
		return envelope.Payload{Values: map[string]redact.String{"PIN": redact.New(v)}}
	}
	const shortToken = "input encrypted-token: holds a token of under 8 characters, which can't be masked"
	const shortValue = "input encrypted-token: holds a value PIN of under 8 characters, which can't be masked here"
	for name, c := range map[string]struct {
		in   envelope.Payload
		line string // empty: it is opened
	}{
		"a token":        {token("ghs_123"), shortToken},
		"a value":        {pin("1234567"), shortValue},
		"short lines":    {pin("1234567\n7654321\n"), shortValue},
		"long enough":    {pin("12345678"), ""},
		"a longer token": {token("ghs_1234"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			line, err := envelope.Seal(c.in, to, nil)
			if err != nil {
				t.Fatal(err)
			}
			s := newStep(t, map[string]string{
				"INPUT_ENCRYPTED-TOKEN": line, "INPUT_IDENTITY": identity.Reveal(), "INPUT_PRIVATE-KEY": "",
				"INPUT_VERIFY": "false", // GitHub knows no such token
			})
			s.run(t, "decrypt")
			said, hint := s.annotation("error")
			if said != c.line || (s.exit == exitOK) != (c.line == "") || c.line != "" && hint == "" {
				t.Errorf("exit %d: %s, hint %s", s.exit, said, hint)
			}
			if out := s.file(t, "GITHUB_OUTPUT") + s.file(t, "GITHUB_STATE"); c.line != "" && out != "" {
				t.Errorf("handed out: %s", out)
			}
		})
	}
}

func TestMintRefusesATokenThatCannotBeMasked(t *testing.T) {
	s := newStep(t, nil)
	s.SkipOpenAPI = true
	s.Inject(at("POST", 1, fakegithub.Fault{Rewrite: func(body []byte) []byte {
		return regexp.MustCompile(`"token":\s*"[^"]*"`).ReplaceAll(body, []byte(`"token":"ghs_123"`))
	}}))
	s.run(t, "mint")
	said, _ := s.annotation("error")
	const want = "mint a token for installation 4242: the answer's token has under 8 characters, which can't be masked"
	if s.exit != exitFailure || said != want {
		t.Errorf("exit %d: %s", s.exit, said)
	}
	if out := s.file(t, "GITHUB_OUTPUT"); out != "" {
		t.Errorf("outputs: %s", out)
	}
}

// The log and the summary show as plain text whatever GitHub, or a server in
// its place, says.
func TestHostileText(t *testing.T) {
	const says = "no\u202e [click](http://evil.test) @everyone | <img src=x> \x1b[2J\n::add-mask::a ##[error]x"
	body, err := json.Marshal(map[string]string{"message": says})
	if err != nil {
		t.Fatal(err)
	}
	s := newFleetStep(t, 1, threeSecrets, map[string]string{"A": "opensesame-a", "B": "opensesame-b", "C": "opensesame-c"})
	s.SkipOpenAPI = true
	s.Inject(fakegithub.Fault{Method: "PUT", Status: http.StatusUnprocessableEntity, Body: string(body)})
	s.run(t, "sync")
	log := regexp.MustCompile(`(?m)^::add-mask::(?:[^a]|a[^ ]).*\n`).ReplaceAllString(s.log.String(), "")
	summary := s.file(t, "GITHUB_STEP_SUMMARY")
	if s.exit != exitFailure || !strings.Contains(log, `no\u202e [click]`) || !strings.Contains(log, `\x1b[2J`) {
		t.Errorf("exit %d: %s", s.exit, log)
	}
	if strings.ContainsAny(log+summary, "\u202e\x1b") || regexp.MustCompile(`(?m)^\s*::add-mask::a|^[^:].*##\[`).MatchString(log) {
		t.Errorf("the log obeys it: %q", log)
	}
	const want = "`no\\u202e [click](http://evil.test) @everyone ¦ <img src=x> \\x1b[2J ::add-mask::a ##[error]x"
	if !strings.Contains(summary, want) {
		t.Errorf("the summary is %s", summary)
	}
}
