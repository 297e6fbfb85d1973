package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// With a key that only signs, refresh leaves no key behind: the helper signs as
// the mint did, with the OIDC token of the step that it runs in.
func TestRefreshWithAKeyThatOnlySigns(t *testing.T) {
	testKey()
	for where, move := range map[string]func(*step) *custodians{"a vault": (*step).withVault, "AWS": (*step).withAWS} {
		synctest.Test(t, func(t *testing.T) {
			var c *custodians
			s, dir := refreshed(t, func(s *step) { c = move(s) })
			request := s.env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
			s.changeState(t, dir, func(state *refreshState) {
				text := string(state.Key.Custody)
				where := state.Key.URI == s.env["INPUT_KEY"] && strings.Contains(text, "valetkey")
				if !where || !state.Key.PEM.Empty() || strings.Contains(text, request) {
					t.Errorf("the state has %q and %s", state.Key.URI, text)
				}
			})
			// What a later step has for itself is not the App's.
			for name := range s.env {
				if strings.HasPrefix(name, "INPUT_") {
					delete(s.env, name)
				}
			}
			s.env["VAULT_ADDR"], s.env["AWS_REGION"], s.env["AWS_ENDPOINT_URL"] = "https://theirs.test", "us-east-1", "https://theirs.test"
			signed := c.signatures
			s.checkMints(t, dir, []mints{{0, 1}, {56 * time.Minute, 2}, {time.Minute, 2}, {55 * time.Minute, 3}})
			if c.signatures != signed+2 {
				t.Errorf("%s: %d signatures for two mints", where, c.signatures-signed)
			}
			time.Sleep(56 * time.Minute)
			delete(s.env, "ACTIONS_ID_TOKEN_REQUEST_URL")
			var log strings.Builder
			p := s.process(t)
			p.Stderr = &log
			_, err := currentToken(context.Background(), p, p.plain(), dir, nil)
			if err == nil || !strings.Contains(err.Error(), "ACTIONS_ID_TOKEN_REQUEST_URL is not set") || len(s.Tokens()) != 3 {
				t.Errorf("%s, without an OIDC token: %v, %d mints", where, err, len(s.Tokens()))
			}
			s.run(t, "post")
			s.checkRevoked(t)
			c.check(t, s)
		})
	}
}

// The file of a key has another path in later steps, so that the state has the
// key itself.
func TestRefreshWithAKeyInAFileOfAURI(t *testing.T) {
	s, dir := refreshed(t, func(s *step) {
		s.env["INPUT_KEY"] = "file:" + s.inFile(t)
		s.env["INPUT_PRIVATE-KEY-FILE"] = ""
	})
	if err := os.Remove(strings.TrimPrefix(s.env["INPUT_KEY"], "file:")); err != nil {
		t.Fatal(err)
	}
	s.changeState(t, dir, func(state *refreshState) { state.Tokens[0].Expires = time.Now() })
	s.checkMints(t, dir, []mints{{0, 2}})
	s.checkKeyHidden(t)
}

// gitAsks runs the credential helper for a repository of the App.
func (s *step) gitAsks(t *testing.T, flags ...string) (answer, log string) {
	t.Helper()
	p := s.process(t)
	var out, errors strings.Builder
	p.Stdin, p.Stdout, p.Stderr = strings.NewReader("protocol=https\nhost=github.test\npath=acme/api.git\n\n"), &out, &errors
	s.exit = run(t.Context(), p, "git-credential", append(flags, "get")...)
	return out.String(), errors.String()
}

// The credential helper takes the key as mint does, by variables or by flags.
// What steps of other actions have under the same names is left alone.
func TestGitCredentialWithAKeyThatOnlySigns(t *testing.T) {
	flags := []string{"-key", "hashivault://app", "-vault-url", "https://vault.test", "-vault-role", "valetkey"}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, []byte(testKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		env        map[string]string
		flags      []string
		signatures int
		problem    string
	}{
		{name: "by variables", signatures: 1},
		{
			name: "by flags", env: map[string]string{"INPUT_KEY": "", "INPUT_VAULT-URL": "", "INPUT_VAULT-ROLE": ""},
			flags: flags, signatures: 1,
		},
		{name: "a flag wins over private-key", env: map[string]string{"INPUT_PRIVATE-KEY": testKey()}, flags: flags, signatures: 1},
		{name: "a flag wins over key", flags: []string{"-private-key-file", file}},
		{
			name: "in the step of another action",
			env: map[string]string{
				"INPUT_KEY": "Linux-go-" + "8c1d", "INPUT_PRIVATE-KEY": testKey(), "INPUT_AWS-REGION": "eu-west-1", "INPUT_VAULT-URL": "x",
			},
		},
		{
			name: "in the step of another action, a flag", env: map[string]string{"INPUT_AWS-REGION": "eu-west-1"}, flags: flags,
			signatures: 1,
		},
		{
			name: "two keys by variables", env: map[string]string{"INPUT_PRIVATE-KEY": testKey()},
			problem: "error: input key: can't be used with private-key",
		},
		{
			name: "two keys by flags", flags: append([]string{"-private-key-file", file}, flags...),
			problem: "error: input key: can't be used with private-key-file",
		},
		{
			name: "a flag for another kind of key", flags: []string{"-aws-region", "eu-west-1"},
			problem: "error: input aws-region: is not for a key of hashivault://",
		},
		{
			name: "a flag without a key", env: map[string]string{"INPUT_KEY": ""}, flags: []string{"-vault-role", "valetkey"},
			problem: "error: input key: is empty, and its settings are not",
		},
	} {
		s := newStep(t, nil)
		keepers := s.withVault()
		s.next(t, c.env)
		answer, log := s.gitAsks(t, c.flags...)
		good := s.exit == exitOK && strings.Contains(answer, "password=ghs_")
		if good != (c.problem == "") || !strings.Contains(log, c.problem) {
			t.Errorf("%s: exit %d, %s", c.name, s.exit, log)
		}
		if keepers.signatures != c.signatures {
			t.Errorf("%s: %d signatures", c.name, keepers.signatures)
		}
		keepers.check(t, s, log)
		if strings.Contains(log, "add-mask") {
			t.Errorf("%s: the stream of git has a mask", c.name)
		}
	}
}

// The helper of git has a flag for each input of a key, and says what it is.
func TestGitCredentialFlags(t *testing.T) {
	s := newStep(t, nil)
	p := s.process(t)
	var help strings.Builder
	p.Stdout = &help
	run(t.Context(), p, "git-credential", "-h")
	unbroken := strings.Join(strings.Fields(help.String()), " ")
	for _, in := range schemaOf("").Inputs {
		if isKeySetting(in.Name) && !strings.Contains(unbroken, " -"+in.Name+" string "+in.Description) {
			t.Errorf("no flag %s in:\n%s", in.Name, help.String())
		}
	}
}

// A token for a shell is minted alike, and says nothing of other jobs.
func TestMintPrintWithAKeyThatOnlySigns(t *testing.T) {
	s := newStep(t, map[string]string{"GITHUB_ACTIONS": ""})
	c := s.withVault()
	p := s.process(t)
	var out, log strings.Builder
	p.Stdout, p.Stderr = &out, &log
	s.exit = run(t.Context(), p, "mint", printFlag)
	printed := strings.HasPrefix(out.String(), "ghs_") && !strings.Contains(log.String(), "encrypted-token")
	if s.exit != exitOK || !printed || c.signatures != 1 {
		t.Errorf("exit %d, %d signatures: %s", s.exit, c.signatures, log.String())
	}
	c.check(t, s, log.String())
}
