package cli

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/redact"
)

// checkMasked looks for the masks of a secret in front of the first line of the
// log that begins with before.
func (s *step) checkMasked(t *testing.T, masks []redact.String, before string) {
	t.Helper()
	log := "\n" + s.log.String()
	i := strings.Index(log, "\n"+before)
	if i < 0 || len(masks) == 0 {
		t.Fatalf("%d masks, and the log says %s", len(masks), withoutMasks(log))
	}
	for n, mask := range masks {
		if !strings.Contains(log[:i+1], "\n::add-mask::"+mask.Reveal()+"\n") {
			t.Errorf("%d of %d masks is missing, or comes after %s", n+1, len(masks), before)
		}
	}
}

// A secret is masked before anything else can fail.
func TestSecretsAreMaskedFirst(t *testing.T) {
	identity, _, err := envelope.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	token, secret := redact.New("ghs_"+strings.Repeat(rand.Text(), 2)), redact.New("opensesame-"+rand.Text())
	key := redact.New(testKey())
	tokens, secrets, keys := actions.Encodings(token), []redact.String{secret}, actions.LongLines(key)
	for name, c := range map[string]struct {
		stage, variable string
		value           redact.String
		masks           []redact.String
	}{
		"a token of revoke":         {"revoke", "INPUT_TOKEN", token, tokens},
		"a token of sync":           {"sync", "INPUT_TOKEN", token, tokens},
		"an identity of decrypt":    {"decrypt", "INPUT_IDENTITY", identity, []redact.String{identity}},
		"an identity of revoke":     {"revoke", "INPUT_IDENTITY", identity, []redact.String{identity}},
		"a passphrase of decrypt":   {"decrypt", "INPUT_PASSPHRASE", secret, secrets},
		"a passphrase of mint":      {"mint", "INPUT_PASSPHRASE", secret, secrets},
		"a passphrase of encrypt":   {"encrypt", "INPUT_PASSPHRASE", secret, secrets},
		"a value of encrypt":        {"encrypt", "VALUE", secret, secrets},
		"the key of mint":           {"mint", "INPUT_PRIVATE-KEY", key, keys},
		"the key of rotate":         {"rotate", "INPUT_PRIVATE-KEY", key, keys},
		"the key before, of sync":   {"sync", "INPUT_PREVIOUS-PRIVATE-KEY", key, keys},
		"a key in a misnamed input": {"mint", "INPUT_APP_PRIVATE_KEY", key, keys},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStep(t, map[string]string{
				"INPUT_PRIVATE-KEY": "", "INPUT_GITHUB-API-URL": "not an address", "INPUT_RECIPIENTS": "nobody",
				"INPUT_NAMES": "VALUE",
			})
			if c.variable == "INPUT_IDENTITY" {
				s.env["INPUT_ENCRYPTED-TOKEN"] = "nothing"
			}
			s.env[c.variable] = c.value.Reveal()
			s.run(t, c.stage)
			s.checkMasked(t, c.masks, "::error::")
		})
	}
}

// A value that sync copies is masked, though another one makes the step fail.
func TestValuesOfSyncAreMaskedFirst(t *testing.T) {
	value := "opensesame-" + rand.Text()
	s := newFleetStep(t, 1, threeSecrets, map[string]string{"A": value})
	s.run(t, "sync")
	s.checkMasked(t, []redact.String{redact.New(value)}, "::error::")
}

// The post stage masks the tokens that it may have to complain of, since masks
// of an earlier step are gone with its process.
func TestPostMasksFirst(t *testing.T) {
	s, dir := refreshed(t)
	s.checkMasked(t, []redact.String{redact.New(s.env["STATE_"+stateIdentity])}, "minted a token")
	another := redact.New("ghs_" + strings.Repeat(rand.Text(), 2))
	s.changeState(t, dir, func(state *refreshState) {
		state.Tokens = append(state.Tokens, liveToken{Value: storedSecret{another}, Expires: time.Now().Add(time.Hour)})
	})
	first := actions.Encodings(redact.New(s.env["STATE_"+stateToken]))
	s.log.Reset()
	s.run(t, "post")
	s.checkMasked(t, first, "the token is revoked")
	s.checkMasked(t, slices.Concat(first, actions.Encodings(another)), "the token was gone already")

	s = newStep(t, map[string]string{"STATE_" + stateToken: another.Reveal(), "STATE_" + stateHost: "not an address"})
	s.run(t, "post")
	s.checkMasked(t, actions.Encodings(another), "::warning::")
}
