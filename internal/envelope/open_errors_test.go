package envelope

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"

	"github.com/valetkey/valetkey/internal/redact"
)

// stanza is a recipient of any type.
type stanza string

func (s stanza) Wrap([]byte) ([]*age.Stanza, error) {
	return []*age.Stanza{{Type: string(s), Args: []string{"some"}, Body: []byte("body")}}, nil
}

// short hands half of the file key to another recipient.
type short struct{ age.Recipient }

func (s short) Wrap(key []byte) ([]*age.Stanza, error) { return s.Recipient.Wrap(key[:8]) }

func TestOpenErrors(t *testing.T) {
	keys, others := pairs(t), pairs(t)
	line := func(public string) string {
		l, err := Seal(token(), recipientOf(t, public), nil)
		must(t, err)
		return l
	}
	mine := identityFor(t, keys[0].private)
	x, err := age.ParseX25519Recipient(keys[0].public)
	must(t, err)
	holding := func(plain string) string { return b64(sealed(t, plain, x)) }
	edit := func(line, old, instead string) string {
		file := string(bytesOf(t, line))
		if !strings.Contains(file, old) {
			t.Fatalf("there is no %q to replace", old)
		}
		return b64([]byte(strings.Replace(file, old, instead, 1)))
	}
	secret, err := Seal(token(), cheap(t), nil)
	must(t, err)
	ed, err := agessh.NewEd25519Identity(fixedKey())
	must(t, err)
	good := line(keys[0].public)
	headerEnd := bytes.Index(bytesOf(t, good), []byte("\n---")) // of the stanzas

	const (
		damaged = "is damaged: a part of the age file was changed or is missing"
		cut     = "is cut off: the end of the age file is missing"
		notAge  = "is base64, but not of an age file"
		notOurs = "opens, but what is in it is neither a token nor values as valetkey writes them"
		newer   = "was made by a newer release of valetkey"
	)
	for name, c := range map[string]struct {
		line string
		with []Identity
		want string
		is   error
	}{
		"empty":       {"", mine, "is empty: there is nothing to open", ErrEmpty},
		"white space": {" \r\n\t", mine, "is empty: there is nothing to open", ErrEmpty},
		"quotes":      {`""`, mine, "is empty: there is nothing to open", ErrEmpty},
		"too large":   {strings.Repeat("A", 1<<20+1), mine, "is larger than 1 MiB, which no envelope of ours is", nil},
		"large":       {strings.Repeat("A", 1<<20), mine, notAge, nil},

		"from a log": {"***", mine, "is ***, which a log shows in the place of a masked value", nil},
		"a token":    {token().Token.Reveal(), mine, "is an installation token in plain text, not an envelope", nil},
		"a classic PAT": {
			"ghp_" + strings.Repeat("q7", 18), mine, "is a personal access token (classic) in plain text, not an envelope", nil,
		},
		"a fine-grained PAT": {
			"github_pat_" + strings.Repeat("q7", 18), mine,
			"is a fine-grained personal access token in plain text, not an envelope", nil,
		},
		"an OAuth token":     {"gho_" + strings.Repeat("q7", 18), mine, "is an OAuth token in plain text, not an envelope", nil},
		"a user token":       {"ghu_" + strings.Repeat("q7", 18), mine, "is a user access token in plain text, not an envelope", nil},
		"a refresh token":    {"ghr_" + strings.Repeat("q7", 18), mine, "is a refresh token in plain text, not an envelope", nil},
		"a token in base64":  {b64([]byte(token().Token.Reveal())), mine, "is an installation token in plain text, not an envelope", nil},
		"an identity":        {keys[0].private, mine, "is an age identity, which opens envelopes, not an envelope", nil},
		"a recipient":        {keys[0].public, mine, "is an age recipient, which envelopes are made for, not an envelope", nil},
		"an SSH key":         {keys[2].public, mine, "is an SSH public key, not an envelope", nil},
		"an SSH private key": {keys[2].private, mine, "is a private key, not an envelope", nil},
		"GPG": {
			"-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----", mine, "is a GPG message, not an envelope", nil,
		},
		"an expression": {
			"${{ needs.mint.outputs.encrypted-token }}", mine, "is an expression that nothing evaluated, not an envelope", nil,
		},
		"JSON":             {`{"version":1,"token":"t"}`, mine, "is JSON in plain text, not an envelope", nil},
		"binary":           {string(bytesOf(t, good)), mine, "is a binary age file, which no input takes unharmed", nil},
		"not base64":       {"hello, world", mine, "is neither base64 nor an armoured age file", nil},
		"two lines":        {b64([]byte("ab")) + "\n" + good, mine, "is neither base64 nor an armoured age file", nil},
		"another armour":   {"-----BEGIN SOMETHING-----\nQUJD\n-----END SOMETHING-----", mine, notAge, nil},
		"base64 of a word": {b64([]byte("hello, world")), mine, notAge, nil},
		"age of old": {
			b64([]byte("age-encryption.org/v0\n-> X25519 a\nb\n--- c\n")), mine, "is an age file of another version than v1", nil,
		},

		"cut in the first line":  {good[:20], mine, cut, nil},
		"cut in the stanza":      {good[:80], mine, cut, nil},
		"cut in base64's middle": {good[:81], mine, cut, nil},
		"cut after the stanzas":  {b64(bytesOf(t, good)[:headerEnd+2]), mine, cut, nil},
		"cut in the MAC":         {b64(bytesOf(t, good)[:headerEnd+20]), mine, cut, nil},
		"cut after the header":   {b64(bytesOf(t, good)[:headerEnd+49]), mine, cut, nil},
		"cut in the nonce":       {b64(bytesOf(t, good)[:headerEnd+55]), mine, cut, nil},
		"cut after the nonce":    {b64(bytesOf(t, good)[:headerEnd+1+48+16]), mine, cut, nil},
		"cut in the payload":     {good[:len(good)-4], mine, damaged, nil},
		"twice":                  {b64(append(bytesOf(t, good), bytesOf(t, good)...)), mine, damaged, nil},
		"armour without an end":  {armor.Header + "\n" + good, mine, cut, nil},
		"text after the armour":  {armor.Header + "\n" + good + "\n" + armor.Footer + "\nmore", mine, damaged, nil},
		"no recipients":          {b64([]byte(intro + "--- " + strings.Repeat("A", 43) + "\n")), mine, damaged, nil},
		"half a file key":        {b64(sealed(t, "x", short{ed.Recipient()})), identityFor(t, keys[2].private), damaged, nil},

		"nothing to open it with": {
			good, nil,
			"is encrypted for an age key (age1…), and nothing was given to open it with", ErrNoMatch,
		},
		"the zero identity": {
			good,
			[]Identity{{}},
			"is encrypted for an age key (age1…), and what was given is a key of an age plugin", ErrNoMatch,
		},
		"another age key": {
			good, identityFor(t, others[0].private),
			"is encrypted for an age key (age1…), but not the one that was given", ErrNoMatch,
		},
		"another post-quantum key": {
			line(keys[1].public), identityFor(t, others[1].private),
			"is encrypted for a post-quantum age key (age1pq1…), but not the one that was given", ErrNoMatch,
		},
		"another kind": {
			line(keys[2].public), mine,
			"is encrypted for an SSH key (ssh-ed25519), and what was given is an age key (age1…)", ErrNoMatch,
		},
		"several kinds": {
			line(keys[0].public + "\n" + others[0].public + "\n" + keys[2].public + "\n" + keys[3].public), identityFor(t, keys[1].private),
			"is encrypted for an age key (age1…), an SSH key (ssh-ed25519) and an RSA key (the App's private key, or ssh-rsa), " +
				"and what was given is a post-quantum age key (age1pq1…)", ErrNoMatch,
		},
		"the App's, with identities": {
			line(keys[3].public), append(identityFor(t, keys[2].private), mine...),
			"is encrypted for an RSA key (the App's private key, or ssh-rsa), and what was given is an SSH key (ssh-ed25519) " +
				"and an age key (age1…)", ErrNoMatch,
		},
		"plugin": {
			b64(sealed(t, "x", stanza("piv-p256"), stanza("odd-grease"))), mine,
			"is encrypted for a key of an age plugin, and what was given is an age key (age1…)", ErrNoMatch,
		},
		"grease alone": {
			b64(sealed(t, "x", stanza("odd-grease"))), mine,
			"is encrypted for nobody we know, and what was given is an age key (age1…)", ErrNoMatch,
		},
		"a key with a passphrase": {
			good,
			[]Identity{PassphraseIdentity(redact.New(phrase))},
			"is encrypted for an age key (age1…), and what was given is a passphrase", ErrNoMatch,
		},

		"a passphrase with a key": {secret, mine, "is encrypted with a passphrase, and none was given", ErrNoMatch},
		"a passphrase, nothing":   {secret, nil, "is encrypted with a passphrase, and none was given", ErrNoMatch},
		"another passphrase": {
			secret,
			[]Identity{PassphraseIdentity(redact.New(phrase + " "))},
			"is encrypted with another passphrase than the one given", ErrNoMatch,
		},
		"an empty passphrase": {
			secret,
			[]Identity{PassphraseIdentity(redact.New(""))},
			"is encrypted with a passphrase, and the one given is empty", ErrNoMatch,
		},
		"a work factor of 20": {
			edit(secret, " 2\n", " 20\n"),
			[]Identity{PassphraseIdentity(redact.New(phrase))},
			"asks for more work than a passphrase is worth: its scrypt work factor is over 19", nil,
		},
		"a work factor of 10⁴⁰": {
			edit(secret, " 2\n", " 1"+strings.Repeat("0", 40)+"\n"), nil,
			"asks for more work than a passphrase is worth: its scrypt work factor is over 19", nil,
		},
		"a work factor of 0":  {edit(secret, " 2\n", " 0\n"), []Identity{PassphraseIdentity(redact.New(phrase))}, damaged, nil},
		"a work factor of -1": {edit(secret, " 2\n", " -1\n"), []Identity{PassphraseIdentity(redact.New(phrase))}, damaged, nil},
		"no work factor":      {edit(secret, " 2\n", "\n"), []Identity{PassphraseIdentity(redact.New(phrase))}, damaged, nil},
		"a passphrase among others": {
			edit(secret, "\n-> ", "\n-> X25519 a\nAAAA\n-> "), []Identity{PassphraseIdentity(redact.New(phrase))}, damaged, nil,
		},

		"empty inside":           {holding(""), mine, notOurs, nil},
		"text":                   {holding("hello"), mine, notOurs, nil},
		"a list":                 {holding("[1]"), mine, notOurs, nil},
		"null":                   {holding("null"), mine, notOurs, nil},
		"other JSON":             {holding(`{"a":1}`), mine, notOurs, nil},
		"no version":             {holding(`{"token":"t"}`), mine, notOurs, nil},
		"version 0":              {holding(`{"version":0,"token":"t"}`), mine, notOurs, nil},
		"a version in words":     {holding(`{"version":"1","token":"t"}`), mine, notOurs, nil},
		"neither":                {holding(`{"version":1}`), mine, notOurs, nil},
		"no values":              {holding(`{"version":1,"values":{}}`), mine, notOurs, nil},
		"both":                   {holding(`{"version":1,"token":"t","values":{"A":"a"}}`), mine, notOurs, nil},
		"a number as a value":    {holding(`{"version":1,"values":{"A":1}}`), mine, notOurs, nil},
		"a list as a token":      {holding(`{"version":1,"token":["t"]}`), mine, notOurs, nil},
		"a token of two lines":   {holding(`{"version":1,"token":"t\n::set-env"}`), mine, notOurs, nil},
		"a time in words":        {holding(`{"version":1,"token":"t","expires_at":"soon"}`), mine, notOurs, nil},
		"Latin-1":                {holding("{\"version\":1,\"values\":{\"A\":\"caf\xe9\"}}"), mine, notOurs, nil},
		"more after it":          {holding(`{"version":1,"token":"t"}{}`), mine, notOurs, nil},
		"version 2":              {holding(`{"version":2,"token":"t"}`), mine, newer, nil},
		"version 2, other shape": {holding(`{"version":2,"token":{"of":"another shape"},"values":3}`), mine, newer, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Open(c.line, c.with)
			e := fails(t, err)
			if e.Error() != c.want {
				t.Errorf("got  %q\nwant %q", e.Error(), c.want)
			}
			for _, sentinel := range []error{ErrEmpty, ErrNoMatch} {
				if errors.Is(err, sentinel) != (sentinel == c.is) {
					t.Errorf("errors.Is(err, %q) is %t", sentinel, errors.Is(err, sentinel))
				}
			}
			if diff := same(Payload{}, got); diff != "" {
				t.Errorf("there is a payload: %s", diff)
			}
		})
	}
}

// Hints that depend on the keys.
func TestHints(t *testing.T) {
	keys, others := pairs(t), pairs(t)
	for name, c := range map[string]struct {
		public string
		with   []Identity
		want   string
	}{
		"the App's key is missing": {keys[3].public, nil, "without recipients, mint encrypts to it"},
		"an older key of the App": {
			sshPublicOfAnother(t), identityFor(t, keys[3].private), "the App's private key has to be the one that minted",
		},
		"another age key": {keys[0].public, identityFor(t, others[0].private), "age-keygen -y"},
	} {
		t.Run(name, func(t *testing.T) {
			line, err := Seal(token(), recipientOf(t, c.public), nil)
			must(t, err)
			_, err = Open(line, c.with)
			if hint := fails(t, err).Hint; !strings.Contains(hint, c.want) {
				t.Errorf("got %q, want one with %q", hint, c.want)
			}
		})
	}
}

func sshPublicOfAnother(t *testing.T) string {
	t.Helper()
	public, _ := sshPair(t, rsaKey(2048))
	return public
}
