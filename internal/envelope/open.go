package envelope

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// Open decrypts an envelope with the first identity that opens it. Besides
// Seal's one line it takes the output of the stock tool: wrapped or armoured
// base64, padded or not. With an error, which is a [*fault.Error], the payload
// is zero.
func Open(line string, with []Identity) (Payload, error) {
	file, err := decode(line)
	if err != nil {
		return Payload{}, err
	}
	plain, err := decrypt(file, with)
	if err != nil {
		return Payload{}, err
	}
	return unmarshal(plain)
}

func decrypt(file []byte, with []Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(file), anyIdentity{with})
	if err == nil {
		var plain []byte
		// All of it or nothing: the part that age returns before an error is
		// genuine, but may end within a value.
		if plain, err = io.ReadAll(io.LimitReader(r, maxLine+1)); err == nil && len(plain) <= maxLine {
			return plain, nil
		}
	}
	// age's own errors quote the file, and people paste other things than
	// files.
	var ours *fault.Error
	switch {
	case errors.As(err, &ours):
		return nil, ours
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errCut
	}
	return nil, errDamaged
}

// decode returns the age file. It has checked the first line only.
func decode(line string) ([]byte, error) {
	if len(line) > maxLine {
		return nil, errTooLarge
	}
	t := strings.NewReplacer(`\r`, "", `\n`, "").Replace(strings.TrimPrefix(line, "\ufeff"))
	t = strings.Trim(strings.TrimSpace(t), "\"'")
	if strings.TrimSpace(t) == "" {
		return nil, errEmpty
	}
	if err := otherKind(t); err != nil {
		return nil, err
	}
	file, err := unbase64(t)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(string(file), armor.Header) { // armoured, and then base64
		if file, err = unbase64(string(file)); err != nil {
			return nil, err
		}
	}
	return file, checkIntro(string(file))
}

func checkIntro(file string) error {
	switch {
	case strings.HasPrefix(file, intro):
		return nil
	case file != "" && strings.HasPrefix(intro, file):
		return errCut
	case redact.KindOf(file) == redact.AgeFile:
		return errOtherAge
	}
	if err := otherKind(file); err != nil {
		return err
	}
	return errNotAge
}

// otherKind returns the error for something else that people pass instead of an
// envelope.
func otherKind(t string) error {
	kind := redact.KindOf(t)
	switch {
	case kind == redact.InstallationToken:
		return fault.New("is "+kind.WithArticle()+" in plain text, not an envelope",
			"it needs no decrypting: use it as it is, or pass the output encrypted-token")
	case kind.IsToken():
		return fault.New("is "+kind.WithArticle()+" in plain text, not an envelope", wholeOutput)
	case kind == redact.AgeIdentity:
		return fault.New("is an age identity, which opens envelopes, not an envelope",
			"pass it as identity, and here the output encrypted-token")
	case kind == redact.AgeRecipient:
		return fault.New("is an age recipient, which envelopes are made for, not an envelope", wholeOutput)
	case kind == redact.SSHPublicKey:
		return fault.New("is "+kind.WithArticle()+", not an envelope", wholeOutput)
	}
	kinds := []struct{ prefix, what, hint string }{
		{redact.PEM.Prefix() + " PGP", "a GPG message", "encrypt the value with the encrypt action, or with age"},
		{
			"${{", "an expression that nothing evaluated",
			"pass it in a workflow file, as in encrypted-token: ${{ needs.mint.outputs.encrypted-token }}",
		},
		{"{", "JSON in plain text", wholeOutput},
	}
	for _, k := range kinds {
		if strings.HasPrefix(t, k.prefix) {
			return fault.New("is "+k.what+", not an envelope", k.hint)
		}
	}
	switch {
	case strings.Trim(t, "*") == "":
		return errMasked
	case kind == redact.AgeFile:
		return errBinary
	case kind == redact.PEM && strings.Contains(t[:min(len(t), 60)], "PRIVATE KEY-----"):
		return fault.New("is a private key, not an envelope", "pass it as identity or private-key, and here the output encrypted-token")
	}
	return nil
}

// unbase64 decodes either alphabet, padded or not, wrapped or not, armoured or
// not. Leniency does no harm here: age accepts only an intact file.
func unbase64(t string) ([]byte, error) {
	if rest, ok := strings.CutPrefix(t, armor.Header); ok {
		inner, after, whole := strings.Cut(rest, armor.Footer)
		if !whole {
			return nil, errCut
		}
		if strings.TrimSpace(after) != "" {
			return nil, errDamaged
		}
		t = inner
	}
	t = strings.TrimRight(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return -1
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		}
		return r
	}, t), "=")
	if len(t)%4 == 1 { // no base64 has this length: it was cut, and the rest tells more
		t = t[:len(t)-1]
	}
	file, err := base64.RawStdEncoding.DecodeString(t)
	if err != nil {
		return nil, errNotBase64
	}
	return file, nil
}

const fileKeySize = 16

// anyIdentity is the one identity that age gets. It comes before all of ours,
// sees the header as age has read it, and says in our words why nothing opens
// it.
type anyIdentity struct{ with []Identity }

func (l anyIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	var kinds []kind
	for _, s := range stanzas {
		if k, ok := kindOf(s.Type); ok {
			kinds = append(kinds, k)
		}
	}
	if slices.Contains(kinds, passphrase) {
		if len(stanzas) > 1 || !affordable(stanzas[0]) {
			return nil, passphraseError(stanzas)
		}
	}
	for _, i := range l.with {
		// An identity without a stanza of its kind has nothing to try, and a
		// passphrase would be tried for a second.
		if i.unwraps == nil || !slices.Contains(kinds, i.kind) {
			continue
		}
		key, err := i.unwraps.Unwrap(stanzas)
		switch {
		case errors.Is(err, age.ErrIncorrectIdentity):
		case err != nil, len(key) != fileKeySize: // for SSH keys, age accepts any length
			return nil, errDamaged
		default:
			return key, nil
		}
	}
	return nil, noMatch(kinds, l.with)
}

// passphraseError returns what is wrong with the stanza of a passphrase.
func passphraseError(stanzas []*age.Stanza) error {
	if len(stanzas) > 1 || len(stanzas[0].Args) != 2 || !digits(stanzas[0].Args[1]) {
		return errDamaged
	}
	return errCostly
}

// affordable checks the work factor, which the sender chose.
func affordable(s *age.Stanza) bool {
	if len(s.Args) != 2 || !digits(s.Args[1]) {
		return false
	}
	factor, err := strconv.Atoi(s.Args[1])
	return err == nil && factor <= maxWorkFactor
}

func digits(t string) bool {
	return t != "" && t[0] != '0' && strings.Trim(t, "0123456789") == ""
}

// noMatch says which keys would open the file, and which were tried.
func noMatch(kinds []kind, with []Identity) error {
	var given []kind
	for _, i := range with {
		given = append(given, i.kind)
	}
	if slices.Contains(kinds, passphrase) {
		return noPassphrase(with)
	}
	problem, hint := "is encrypted for "+recipientList(kinds), "pass "+inputHint(kinds)
	switch {
	case len(given) == 0:
		problem += ", and nothing was given to open it with"
	case !slices.ContainsFunc(given, func(k kind) bool { return slices.Contains(kinds, k) }):
		problem += ", and what was given is " + joinKinds(given)
	default:
		problem += ", but not the one that was given"
		hint = "compare the recipients it was made for with the public half of yours (age-keygen -y, ssh-keygen -y)"
		if slices.Contains(kinds, sshRSA) {
			hint += "; the App's private key has to be the one that minted, not another of the same App"
		}
	}
	return &fault.Error{Problem: problem, Hint: hint, Err: ErrNoMatch}
}

func noPassphrase(with []Identity) error {
	e := &fault.Error{
		Err:     ErrNoMatch,
		Problem: "is encrypted with a passphrase, and none was given",
		Hint:    "pass passphrase, with the one that it was encrypted with",
	}
	for _, i := range with {
		switch {
		case i.kind != passphrase:
		case i.unwraps != nil:
			e.Problem = "is encrypted with another passphrase than the one given"
			e.Hint = "pass the one that it was encrypted with: a space at either end counts, a newline at the end doesn't"
			return e
		default:
			e.Problem = "is encrypted with a passphrase, and the one given is empty"
			e.Hint = "is the secret that holds it set, and passed to this job?"
		}
	}
	return e
}

func recipientList(kinds []kind) string {
	if len(kinds) == 0 {
		return "nobody we know"
	}
	return joinKinds(kinds)
}

const identityHint = "identity, with the private half of a key it is for"

// inputHint names the inputs of the decrypt action that open a file.
func inputHint(kinds []kind) string {
	if slices.Contains(kinds, sshRSA) {
		return "private-key, with the App's (without recipients, mint encrypts to it), or " + identityHint
	}
	return identityHint
}
