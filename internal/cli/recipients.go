package cli

import (
	"crypto/rsa"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/fault"
)

// parseRecipients returns who can open the encrypted outputs, from recipients
// or passphrase. It returns none if neither is given.
func parseRecipients(r *actions.Runner, in *actions.Inputs) []envelope.Recipient {
	secret := in.Secret("passphrase")
	r.Mask(actions.EachLine(secret)...)
	to, err := envelope.ParseRecipients(in.String("recipients"))
	envelopeFault(in, "recipients", err)
	if secret.Empty() {
		return to
	}
	one, err := envelope.PassphraseRecipient(secret)
	if envelopeFault(in, "passphrase", err) {
		return to
	}
	if to = append(to, one); len(to) > 1 {
		envelopeFault(in, "passphrase", envelope.CheckRecipients(to))
	}
	return to
}

// ownKey returns the App itself as the recipient: whoever has its key can open
// an output that it encrypted.
func ownKey(in *actions.Inputs, input string, key *rsa.PublicKey) []envelope.Recipient {
	own, err := envelope.KeyRecipient(key)
	if envelopeFault(in, input, err) {
		return nil
	}
	return []envelope.Recipient{own}
}

const noneGiven = "is empty, and so are passphrase and private-key"

// parseIdentities reads exactly one of identity, passphrase and the App's key,
// with which an encrypted output is opened.
func parseIdentities(r *actions.Runner, in *actions.Inputs) []envelope.Identity {
	identity, secret := in.Key("identity"), in.Secret("passphrase")
	r.Mask(actions.LongLines(identity)...)
	r.Mask(actions.EachLine(secret)...)
	key := readAppKey(r, in)
	var given []string
	for name, is := range map[string]bool{"identity": !identity.Empty(), "passphrase": !secret.Empty(), "private-key": key.Given()} {
		if is {
			given = append(given, name)
		}
	}
	if len(given) != 1 {
		const hint = "give the one of the three that the encryption was for: " +
			"the App's private-key, unless recipients or a passphrase were named"
		switch cause, without := r.WithoutSecrets(""); {
		case len(given) > 1:
			in.Fault("identity", "is not the only one: passphrase and private-key are other ways to open it", hint)
		case cause != "":
			in.Fault("identity", noneGiven+": "+cause, without)
		default:
			in.Fault("identity", noneGiven, hint+missingKey)
		}
		return nil
	}
	switch given[0] {
	case "identity":
		list, err := envelope.ParseIdentities(identity)
		envelopeFault(in, "identity", err)
		return list
	case "passphrase":
		return []envelope.Identity{envelope.PassphraseIdentity(secret)}
	}
	private, ok := key.parse(r, in).(*rsa.PrivateKey)
	if !ok {
		return nil
	}
	own, err := envelope.KeyIdentity(private)
	envelopeFault(in, key.Input, err)
	return []envelope.Identity{own}
}

// envelopeFault notes an error of the envelope package. It reports whether
// there was one.
func envelopeFault(in *actions.Inputs, name string, err error) bool {
	if err != nil {
		in.Fault(name, err.Error(), fault.Hint(err))
	}
	return err != nil
}
