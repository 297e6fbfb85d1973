package envelope

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"filippo.io/age"

	"github.com/valetkey/valetkey/internal/redact"
)

// No change to any part of a file gets anything out of it.
func TestTampering(t *testing.T) {
	keys := pairs(t)
	type sealedFor struct {
		name string
		to   []Recipient
		with []Identity
	}
	all := []sealedFor{{"passphrase", cheap(t), []Identity{PassphraseIdentity(redact.New(phrase))}}}
	for _, k := range keys {
		all = append(all, sealedFor{k.name, recipientOf(t, k.public), identityFor(t, k.private)})
	}
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			line, err := Seal(token(), s.to, nil)
			must(t, err)
			file := bytesOf(t, line)
			for i := range file {
				region := regionOf(file, i)
				if i%7 != 0 && (region == "payload" || region == "stanza" && len(file) > 1500) {
					continue // one seal over all of it: some bytes stand for the others
				}
				if s.name == "passphrase" && region == "stanza" && file[i] == '2' {
					continue // the work factor: 3 is another one, 2^2 more are too many for a test
				}
				for _, bit := range []byte{1, 0x20} {
					changed := bytes.Clone(file)
					changed[i] ^= bit
					refused(t, fmt.Sprintf("%s, byte %d, bit %#x", region, i, bit), region, changed, s.with)
				}
				cutOff := file[:i]
				refused(t, fmt.Sprintf("cut in %s after %d", region, i), "", cutOff, s.with)
			}
			refused(t, "a byte more", "payload", append(bytes.Clone(file), 0), s.with)
		})
	}
}

func regionOf(file []byte, i int) string {
	mac := bytes.Index(file, []byte("\n--- ")) + 1
	switch payload := mac + len("--- ") + 43 + 1; {
	case i < len(intro):
		return "intro"
	case i < mac:
		return "stanza"
	case i < payload:
		return "mac"
	case i < payload+16:
		return "nonce"
	}
	return "payload"
}

// refused asserts that the error is one of those that a change at this place
// may have.
func refused(t *testing.T, what, region string, file []byte, with []Identity) {
	t.Helper()
	got, err := Open(b64(file), with)
	if err == nil {
		t.Fatalf("%s: it opens", what)
	}
	if diff := same(Payload{}, got); diff != "" {
		t.Fatalf("%s: there is a payload: %s", what, diff)
	}
	e := fails(t, err)
	// In the intro and the stanzas, a changed byte may be a newline, which ends
	// a line, or one that takes the end of a line away.
	allowed := map[string][]error{
		"intro":   {errNotAge, errOtherAge, errDamaged, errCut},
		"stanza":  {errDamaged, errCut, errCostly, ErrNoMatch},
		"mac":     {errDamaged, errCut},
		"nonce":   {errDamaged},
		"payload": {errDamaged},
	}[region]
	for _, a := range allowed {
		if errors.Is(err, a) {
			return
		}
	}
	if region != "" {
		t.Errorf("%s: %v", what, e)
	}
}

// A file of ours with the header of another sender: the header is bound to the
// key in it.
func TestHeadersCannotBeSwapped(t *testing.T) {
	k := pairs(t)[0]
	to, with := recipientOf(t, k.public), identityFor(t, k.private)
	files := make([][]byte, 2)
	for i := range files {
		line, err := Seal(token(), to, nil)
		must(t, err)
		files[i] = bytesOf(t, line)
	}
	at := bytes.Index(files[0], []byte("\n--- "))
	if sha256.Sum256(files[0][:at]) == sha256.Sum256(files[1][:at]) {
		t.Fatal("two files have the same header")
	}
	refused(t, "header swapped before the MAC", "mac", append(bytes.Clone(files[0][:at]), files[1][at:]...), with)
	refused(t, "header swapped", "payload", append(bytes.Clone(files[0][:at+49]), files[1][at+49:]...), with)
}

// Opening may cost at most one step more than sealing.
func TestAffordable(t *testing.T) {
	for factor, want := range map[string]bool{"1": true, "18": true, "19": true, "20": false, "22": false, "64": false} {
		if got := affordable(&age.Stanza{Type: "scrypt", Args: []string{"salt", factor}}); got != want {
			t.Errorf("a work factor of %s: %v", factor, got)
		}
	}
}
