package cli

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/redact"
)

// stateStep is a sync with a state file, whose key is the step's own.
func stateStep(t *testing.T) *step {
	t.Helper()
	return newFleetStep(t, 1, oneSecret, map[string]string{
		"VALUE": rand.Text(), "INPUT_STATE-FILE": filepath.Join(t.TempDir(), "state"),
	})
}

// unchanged runs the sync again, with other inputs, and checks that the state
// file opened: nothing is written again.
func (s *step) unchanged(t *testing.T, env map[string]string) {
	t.Helper()
	s.next(t, env)
	s.run(t, "sync")
	if s.exit != exitOK || s.outputs(t)["unchanged"] != "1" {
		t.Errorf("with %v: exit %d, %v: %s", env, s.exit, s.outputs(t), s.log.String())
	}
}

// A key that moves to where it only signs opens the states that it made before,
// and the other way round.
func TestStateOfAKeyThatMoves(t *testing.T) {
	s := stateStep(t)
	s.run(t, "sync")
	if s.exit != exitOK || s.outputs(t)["created"] != "1" {
		t.Fatal(s.log.String())
	}
	c := s.withVault()
	s.unchanged(t, nil)
	if c.signatures != 2 { // one of them is the JWT
		t.Errorf("%d signatures", c.signatures)
	}
	c.check(t, s)
	s.unchanged(t, map[string]string{"INPUT_KEY": "", "INPUT_VAULT-URL": "", "INPUT_VAULT-ROLE": "", "INPUT_PRIVATE-KEY": testKey()})
}

// After the App's key was replaced, the one before opens the state once more,
// as text or where it only signs.
func TestStateOfAReplacedKey(t *testing.T) {
	before := fakegithubtest.NewKey()
	for name, c := range map[string]struct {
		move       func(*step) *custodians
		env        map[string]string
		signatures int // with the new key or by a custodian: two that open or seal, and a JWT
		line       string
	}{
		"as text":    {(*step).withAWS, map[string]string{"INPUT_PREVIOUS-PRIVATE-KEY": fakegithubtest.PEM(before)}, 3, ""},
		"by AWS":     {(*step).withAWS, map[string]string{"INPUT_PREVIOUS-KEY": "awskms:///alias/before"}, 4, ""},
		"by a vault": {(*step).withVault, map[string]string{"INPUT_PREVIOUS-KEY": "hashivault://before"}, 4, ""},
		"by AWS, with the fingerprint of the new one": {(*step).withAWS, map[string]string{
			"INPUT_PREVIOUS-KEY": "awskms:///alias/before", "INPUT_KEY-FINGERPRINT": fingerprintOf(&fakegithubtest.Key().PublicKey),
		}, 4, ""},
		"not at all": {(*step).withAWS, nil, 1, "was made with another key of an App"},
	} {
		s := stateStep(t)
		s.ReplaceKey(917, &before.PublicKey)
		s.env["INPUT_PRIVATE-KEY"] = fakegithubtest.PEM(before)
		s.run(t, "sync")
		s.ReplaceKey(917, &fakegithubtest.Key().PublicKey)
		keepers := c.move(s)
		keepers.Before = before
		s.next(t, c.env)
		s.run(t, "sync")
		if line, _ := s.annotation("error"); (s.exit == exitOK) != (c.line == "") || !strings.Contains(line, c.line) {
			t.Errorf("%s: exit %d, %s", name, s.exit, s.log.String())
		}
		if keepers.signatures != c.signatures {
			t.Errorf("%s: %d signatures, want %d", name, keepers.signatures, c.signatures)
		}
		keepers.check(t, s)
		if c.line == "" { // the state is kept under the new key
			s.unchanged(t, map[string]string{"INPUT_PREVIOUS-KEY": "", "INPUT_PREVIOUS-PRIVATE-KEY": ""})
		}
	}
}

// What opened the state is given back although nothing else was done.
func TestStateOfAnotherKeyLeavesNothingBehind(t *testing.T) {
	s := stateStep(t)
	s.run(t, "sync")
	c := s.withVault()
	c.PrivateKey = fakegithubtest.NewKey()
	s.next(t, nil)
	s.run(t, "sync")
	line, hint := s.annotation("error")
	if !strings.Contains(line, "was made with another key") || !strings.Contains(hint, "previous-key") {
		t.Errorf("%q, hint %q", line, hint)
	}
	if len(c.alive) != 1 {
		t.Errorf("%d tokens of the vault", len(c.alive))
	}
	c.check(t, s)
}

func TestPreviousKeyFaults(t *testing.T) {
	for _, c := range []struct {
		name       string
		env        map[string]string
		line, hint string
	}{
		{
			"two of them",
			map[string]string{"INPUT_PREVIOUS-KEY": "hashivault://old", "INPUT_PREVIOUS-PRIVATE-KEY": testKey()},
			"input previous-key: can't be used with previous-private-key", "give one of them",
		},
		{
			"elsewhere",
			map[string]string{"INPUT_PREVIOUS-KEY": "awskms:///alias/old"},
			"input previous-key: is not of the same kind as key", "state-reset: true",
		},
		{
			"no URI",
			map[string]string{"INPUT_PREVIOUS-KEY": "old"},
			"input previous-key: is not of the same kind as key", "state-reset: true",
		},
		{
			"a PEM",
			map[string]string{"INPUT_PREVIOUS-KEY": anotherKey()},
			"input previous-key: is not of the same kind as key", "state-reset: true",
		},
		{
			"a wrong one",
			map[string]string{"INPUT_PREVIOUS-KEY": "hashivault://old/1"},
			"input previous-key: is not the URI of a key", "write it as hashivault://KEY",
		},
		{
			"without a state",
			map[string]string{"INPUT_PREVIOUS-KEY": "hashivault://old", "INPUT_STATE-FILE": ""},
			"input previous-key: needs state-file", "take it out",
		},
		{
			"beside private-key",
			map[string]string{
				"INPUT_PREVIOUS-KEY": "hashivault://old", "INPUT_KEY": "", "INPUT_VAULT-URL": "", "INPUT_VAULT-ROLE": "",
				"INPUT_PRIVATE-KEY": testKey(),
			},
			"input previous-key: is not of the same kind as key", "state-reset: true",
		},
	} {
		s := stateStep(t)
		keepers := s.withVault()
		s.next(t, c.env)
		s.run(t, "sync")
		line, hint := s.annotation("error")
		asked := len(keepers.asked) > 0 || s.requests() != ""
		if s.exit != exitFailure || line != c.line || !strings.Contains(hint, c.hint) || asked {
			t.Errorf("%s: exit %d, %q, hint %q, asked %v %s", c.name, s.exit, line, hint, keepers.asked, s.requests())
		}
		if pasted := redact.New(c.env["INPUT_PREVIOUS-KEY"]); redact.IsSecret(pasted.Reveal()) {
			for _, part := range actions.LongLines(pasted) {
				if !strings.Contains(s.log.String(), "::add-mask::"+part.Reveal()+"\n") {
					t.Errorf("%s: it is not masked", c.name)
				}
			}
		}
	}
}
