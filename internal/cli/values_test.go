package cli

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/internal/redact"
)

// A forged envelope of values sets no variable that the workflow did not name,
// and never one that later steps obey.
func TestForgedValues(t *testing.T) {
	held := map[string]redact.String{"DATABASE_PASSWORD": redact.New(rand.Text())}
	for _, name := range []string{"HTTPS_PROXY", "SSL_CERT_FILE", "PS4", "GIT_SSL_NO_VERIFY", "NODE_EXTRA_CA_CERTS", "evil\n::warning::x"} {
		held[name] = redact.New("a-value-of-the-forger")
	}
	for _, c := range []struct {
		name, names, export, fault string
		outputs, variables         []string
	}{
		{name: "into the environment", names: "DATABASE_PASSWORD", export: "env", variables: []string{"DATABASE_PASSWORD"}},
		{name: "into outputs", names: "DATABASE_PASSWORD", outputs: []string{"DATABASE_PASSWORD"}},
		{name: "all of them", fault: "input encrypted-token: holds a text of 17 characters, which is not a name for a variable"},
		{name: "all of them, into the environment", export: "env", fault: "input names: is empty, and export is env"},
		{name: "named, into the environment", names: "HTTPS_PROXY", export: "env", fault: `input names: "HTTPS_PROXY", which decides`},
		{name: "named, into outputs", names: "HTTPS_PROXY", outputs: []string{"HTTPS_PROXY"}},
		{name: "another spelling", names: "database_password", fault: `input names: "database_password" is not in encrypted-token`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStep(t, map[string]string{"INPUT_NAMES": c.names, "INPUT_EXPORT": c.export})
			s.env["INPUT_ENCRYPTED-TOKEN"] = forge(t, envelope.Payload{Values: held})
			s.run(t, "decrypt")
			if line, _ := s.annotation("error"); !strings.HasPrefix(line, c.fault) || (s.exit == exitOK) != (c.fault == "") {
				t.Errorf("exit %d: %s", s.exit, s.log.String())
			}
			for variable, want := range map[string][]string{"GITHUB_OUTPUT": c.outputs, "GITHUB_ENV": c.variables} {
				got, err := fakerunner.ReadPairs(s.env[variable])
				if err != nil || len(got) != len(want) {
					t.Errorf("%s: %d names, want %v (%v)", variable, len(got), want, err)
				}
				for _, name := range want {
					if got[name] != held[name].Reveal() {
						t.Errorf("%s lacks %s", variable, name)
					}
				}
			}
			if strings.Contains(s.log.String(), "\n::warning::") {
				t.Errorf("a name of the forger's is a command: %s", s.log.String())
			}
		})
	}
}

// An input that has no meaning for what was opened is a fault.
func TestInputsOfTheOtherKind(t *testing.T) {
	values := forge(t, envelope.Payload{Values: map[string]redact.String{"A": redact.New(rand.Text())}})
	for input, value := range map[string]string{
		"git": "true", "gh": "true", "bot-identity": "true", "export-env": "GH_TOKEN", "revoke": "true", "plaintext-output": "false",
	} {
		s := newStep(t, map[string]string{"INPUT_" + strings.ToUpper(input): value, "INPUT_ENCRYPTED-TOKEN": values})
		s.run(t, "decrypt")
		line, _ := s.annotation("error")
		if line != "input "+input+": is for a token, and encrypted-token holds values" || s.file(t, "GITHUB_OUTPUT") != "" {
			t.Errorf("%s: %s", input, s.log.String())
		}
	}
	s := newStep(t, nil)
	s.env["INPUT_ENCRYPTED-TOKEN"], s.env["INPUT_NAMES"] = forge(t, s.aToken(t)), "A"
	s.run(t, "decrypt")
	line, _ := s.annotation("error")
	if line != "input names: is for values, and encrypted-token holds a token" || len(s.Requests()) > 0 {
		t.Errorf("names: %s", s.log.String())
	}
}
