package cli

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// Every action that takes the App's key takes one that only signs, by one
// signature where one JWT does, and gives back what it took for that.
func TestKeyThatOnlySigns(t *testing.T) {
	for _, action := range actionsWith("key") {
		for where, move := range map[string]func(*step) *custodians{"a vault": (*step).withVault, "AWS": (*step).withAWS} {
			s := newFleetStep(t, 1, oneRotation+oneSecret+onePolicy, map[string]string{"VALUE": rand.Text()})
			c := move(s)
			s.run(t, action)
			if s.exit != exitOK || c.signatures != 1 || len(s.Tokens()) == 0 {
				t.Errorf("%s with a key in %s: exit %d, %d signatures, %d tokens: %s", action, where, s.exit, c.signatures,
					len(s.Tokens()), s.log.String())
			}
			c.check(t, s)
		}
	}
	if len(actionsWith("key")) != 4 || !slices.Equal(actionsWith("key"), actionsWith("oidc-audience")) {
		t.Errorf("key is an input of %v", actionsWith("key"))
	}
}

// Whatever ends a step, what was taken to sign is given back.
func TestWhatWasTakenToSignIsGivenBack(t *testing.T) {
	for _, c := range []struct {
		name         string
		env          map[string]string
		refuse, line string
		warning      string
	}{
		{
			name: "GitHub grants less", env: map[string]string{"INPUT_PERMISSIONS": "secrets: write"},
			line: "The permissions requested are not granted to this installation",
		},
		{name: "a signature is refused", refuse: "vault.test/v1/transit/sign/app/sha2-256", line: "the answer is 403"},
		{
			name: "the vault keeps its token", refuse: "vault.test/v1/auth/token/revoke-self",
			warning: "revoke the vault's token: the answer is 403: no",
		},
	} {
		s := newStep(t, nil)
		keepers := s.withVault()
		keepers.refuse(c.refuse, http.StatusForbidden, `{"errors":["no"]}`)
		s.next(t, c.env)
		s.run(t, "mint")
		line, _ := s.annotation("error")
		if s.exit == exitOK != (c.line == "") || !strings.Contains(line, c.line) {
			t.Errorf("%s: exit %d, %s", c.name, s.exit, s.log.String())
		}
		if warning, hint := s.annotation("warning"); warning != c.warning || c.warning != "" && !strings.Contains(hint, "revoke-self") {
			t.Errorf("%s: warning %q, hint %q", c.name, warning, hint)
		}
		if c.warning != "" {
			clear(keepers.alive)
		}
		keepers.check(t, s)
	}
}

// A custodian whose signature is that of another key is caught before GitHub
// sees it.
func TestSignatureOfAnotherKeyIsNotSent(t *testing.T) {
	another := fakegithubtest.NewKey()
	for fingerprint, line := range map[string]string{
		fingerprintOf(&fakegithubtest.Key().PublicKey): "it is not the App's key, but one with the fingerprint SHA256:",
		"": "A JSON web token could not be decoded", // the vault has another key, and GitHub says so
	} {
		s := newStep(t, map[string]string{"INPUT_KEY-FINGERPRINT": fingerprint})
		c := s.withVault()
		c.PrivateKey = another
		s.run(t, "mint")
		got, hint := s.annotation("error")
		if s.exit != exitFailure || !strings.Contains(got, line) || strings.Contains(hint, "private-key") {
			t.Errorf("exit %d, %q, hint %q", s.exit, got, hint)
		}
		if fingerprint != "" && s.requests() != "" {
			t.Errorf("GitHub was asked: %s", s.requests())
		}
		c.check(t, s)
	}
}

// A signature that can't be checked here is GitHub's to check, which the log
// says.
func TestSignatureThatGitHubChecks(t *testing.T) {
	s := newStep(t, nil)
	c := s.withVault()
	c.refuse("vault.test/v1/transit/keys/app", http.StatusForbidden, `{"errors":["permission denied"]}`)
	s.run(t, "mint")
	if s.exit != exitOK || !strings.Contains(s.log.String(), "\nthe signature is left to GitHub to check: hashivault://app does not tell") {
		t.Errorf("exit %d, %s", s.exit, s.log.String())
	}
	c.check(t, s)
}

// pats explain signs too, and gives back what it took.
func TestExplainWithAKeyThatOnlySigns(t *testing.T) {
	s := newFleetStep(t, 1, onePolicy, nil)
	c := s.withVault()
	s.exit = run(t.Context(), s.process(t), "pats", "explain", "1")
	if c.signatures != 1 || len(c.alive) != 1 {
		t.Errorf("exit %d, %d signatures: %s", s.exit, c.signatures, s.log.String())
	}
	c.check(t, s)
}
