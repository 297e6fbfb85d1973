package envelope

import (
	"crypto/rsa"
	"strings"
	"unicode/utf8"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// Recipient is a key or a passphrase that an envelope is made for. It prints as
// its kind.
type Recipient struct {
	kind  kind
	wraps age.Recipient
}

func (r Recipient) String() string { return r.kind.String() }

const (
	maxRecipients     = 100
	maxRecipientsText = 256 << 10
	maxRecipientLine  = 8 << 10 // as stock age has it
	minRSABits        = 2048    // as stock age has it
	maxRSABits        = 16384   // as x/crypto/ssh has it
	minPassphrase     = 16
)

const wantRecipient = "give the public half of a key: age1… (age-keygen -y key.txt prints it), age1pq1…, ssh-ed25519 … or ssh-rsa …"

// The errors for lines that are not recipients.
var (
	privateRecipient = fault.New(
		"is a private key, not a recipient",
		"give the public half, which age-keygen -y or ssh-keygen -y prints, and replace the private key if this text was public",
	)
	pemRecipient = fault.New(
		"is the beginning of a PEM, and a recipient is one line",
		"give an RSA public key as ssh-rsa …, which ssh-keygen -i -m PKCS8 -f public.pem prints",
	)
	tokenRecipient = fault.New("is a token, not a recipient", wantRecipient+"; revoke the token if this text was public")
	pluginOnly     = fault.New("is a recipient of an age plugin, which is another program", wantRecipient)
	namedRecipient = fault.New("names a person, but a recipient is a key",
		"take the key from https://github.com/NAME.keys: ssh-ed25519 … or ssh-rsa …")
	sshKind = fault.New("is an SSH key of a kind that can only sign",
		"give an ssh-ed25519 or ssh-rsa key, or one that age-keygen makes")
	sshWeak      = fault.New("is an RSA key of under 2048 bits", "make a new key: age-keygen, or ssh-keygen -t ed25519")
	cutRecipient = fault.New("is a damaged recipient: characters are wrong or missing", "copy the whole line again")
	noRecipient  = fault.New("is not a recipient", wantRecipient)
)

// ParseRecipients reads recipients, one per line: age1…, age1pq1…, ssh-ed25519
// … or ssh-rsa …, with blank lines and # comments. A repeated one counts once,
// and a text without any returns none. The error is a [*fault.Error] that names
// each faulty line by its number.
func ParseRecipients(text string) ([]Recipient, error) {
	if len(text) > maxRecipientsText {
		return nil, fault.New("is larger than 256 KiB", wantRecipient)
	}
	var (
		to     []Recipient
		faulty faults
		seen   = map[string]bool{}
		inPEM  bool
	)
	for i, line := range strings.Split(unixLines(text), "\n") {
		line = strings.TrimSpace(line)
		if inPEM { // the first line's error covers the rest of a PEM
			inPEM = !strings.HasPrefix(line, "-----END")
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, id, what := parseRecipient(line)
		switch {
		case what != nil:
			faulty.add(i+1, what)
			inPEM = strings.HasPrefix(line, redact.PEM.Prefix()) && !strings.Contains(line, "-----END")
		case !seen[id]:
			seen[id] = true
			to = append(to, r)
		}
	}
	if err := faulty.err(); err != nil {
		return nil, err
	}
	if len(to) == 0 {
		return nil, nil
	}
	if err := CheckRecipients(to); err != nil {
		return nil, err
	}
	return to, nil
}

// parseRecipient returns a recipient, and an id that is the same for the same
// key.
func parseRecipient(line string) (r Recipient, id string, what *fault.Error) {
	if len(line) > maxRecipientLine || !utf8.ValidString(line) {
		return Recipient{}, "", noRecipient
	}
	switch kind := redact.KindOf(line); {
	case kind == redact.AgeRecipient:
		r, id, what = parseAgeRecipient(line)
	case kind == redact.SSHPublicKey:
		r, id, what = parseSSHRecipient(line)
	default:
		what = notRecipient(line, kind)
	}
	if what != nil {
		return Recipient{}, "", what
	}
	if !usable(r) {
		return Recipient{}, "", cutRecipient
	}
	return r, id, nil
}

// notRecipient returns the error for a line that is not a recipient, judged by
// its look.
func notRecipient(line string, kind redact.Kind) *fault.Error {
	switch label := strings.TrimPrefix(line, redact.PEM.Prefix()+" "); {
	case kind == redact.PEM && isPublic(label):
		return pemRecipient
	case kind == redact.PEM, kind == redact.AgeIdentity, kind == redact.AgePlugin:
		return privateRecipient
	case kind.IsToken():
		return tokenRecipient
	case strings.HasPrefix(line, "github:"), strings.HasPrefix(line, "@"):
		return namedRecipient
	}
	return noRecipient
}

// isPublic reports whether a PEM with this label holds nothing secret.
func isPublic(label string) bool {
	return strings.HasPrefix(label, "PUBLIC KEY") || strings.HasPrefix(label, "RSA PUBLIC KEY") || strings.HasPrefix(label, "CERTIFICATE")
}

// usable reports whether a well-formed public key can be encrypted to. Some
// can't, and finding out here, before anything is minted, costs a tenth of a
// millisecond.
func usable(r Recipient) bool {
	_, err := r.wraps.Wrap(make([]byte, fileKeySize))
	return err == nil
}

func parseAgeRecipient(line string) (Recipient, string, *fault.Error) {
	word, rest, _ := strings.Cut(line, " ")
	if rest = strings.TrimSpace(rest); rest != "" && !strings.HasPrefix(rest, "#") {
		return Recipient{}, "", cutRecipient
	}
	if strings.HasPrefix(word, redact.AgeRecipient.Prefix()+"pq1") {
		r, err := age.ParseHybridRecipient(word)
		if err != nil { // err holds the line
			return Recipient{}, "", cutRecipient
		}
		return Recipient{hybridKey, r}, r.String(), nil
	}
	if strings.Count(word, "1") > 1 { // age1NAME1…; 1 is not a digit of bech32
		return Recipient{}, "", pluginOnly
	}
	r, err := age.ParseX25519Recipient(word)
	if err != nil {
		return Recipient{}, "", cutRecipient
	}
	return Recipient{ageKey, r}, r.String(), nil
}

func parseSSHRecipient(line string) (Recipient, string, *fault.Error) {
	if !strings.HasPrefix(line, redact.SSHPublicKey.Prefix()) || strings.HasPrefix(line, redact.SSHPublicKey.Prefix()+"dss") {
		return Recipient{}, "", sshKind // ecdsa-…, sk-… and ssh-dss
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return Recipient{}, "", cutRecipient
	}
	switch key.Type() {
	case ssh.KeyAlgoED25519:
		r, err := agessh.NewEd25519Recipient(key)
		if err != nil {
			return Recipient{}, "", cutRecipient
		}
		return Recipient{sshEd25519, r}, string(key.Marshal()), nil
	case ssh.KeyAlgoRSA:
		r, err := agessh.NewRSARecipient(key)
		if err != nil {
			return Recipient{}, "", sshWeak
		}
		return Recipient{sshRSA, r}, string(key.Marshal()), nil
	}
	return Recipient{}, "", sshKind
}

// fitsAge reports whether age takes an RSA key of this size.
func fitsAge(key *rsa.PublicKey) bool {
	return key != nil && key.N != nil && key.N.BitLen() >= minRSABits && key.N.BitLen() <= maxRSABits
}

// KeyRecipient returns the recipient for an RSA key, such as the App's own:
// anybody with the private half can open the envelope. The file is one for an
// ssh-rsa key, so stock age takes the PEM as its identity.
func KeyRecipient(pub *rsa.PublicKey) (Recipient, error) {
	unfit := fault.New("the RSA key can't be encrypted to: it is damaged, or of a size that age doesn't take",
		"generate a private key on the App's settings page")
	if !fitsAge(pub) {
		return Recipient{}, unfit
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		return Recipient{}, unfit
	}
	wraps, err := agessh.NewRSARecipient(key)
	if r := (Recipient{sshRSA, wraps}); err == nil && usable(r) {
		return r, nil
	}
	return Recipient{}, unfit
}

// workFactor is age's default: 2¹⁸ rounds, 256 MiB, about a second.
const workFactor = 18

// PassphraseRecipient returns the recipient for a passphrase. A newline at its
// end comes from a file and is not part of it: nobody could type it at stock
// age's prompt.
func PassphraseRecipient(secret redact.String) (Recipient, error) {
	return passphraseRecipient(secret, workFactor)
}

// passphraseRecipient lets tests use less work.
func passphraseRecipient(secret redact.String, factor int) (Recipient, error) {
	const hint = "make one with: openssl rand -base64 24"
	text := trimNewline(secret.Reveal())
	switch {
	case text == "":
		return Recipient{}, fault.New("is empty", hint)
	case utf8.RuneCountInString(strings.TrimSpace(text)) < minPassphrase:
		return Recipient{}, fault.New("is shorter than 16 characters: anybody with the output could guess it", hint)
	case strings.ContainsAny(text, "\r\n"):
		return Recipient{}, fault.New("has several lines, which stock age could not be given", hint)
	}
	r, err := age.NewScryptRecipient(text)
	if err != nil {
		return Recipient{}, fault.New("can't be used", hint)
	}
	r.SetWorkFactor(factor)
	return Recipient{passphrase, r}, nil
}

func trimNewline(t string) string { return strings.TrimRight(t, "\r\n") }

// CheckRecipients returns an error if one envelope can't be for all of them, so
// that a command can refuse before it mints. The error is a [*fault.Error].
func CheckRecipients(to []Recipient) error {
	count := map[kind]int{}
	for _, r := range to {
		if r.wraps == nil {
			return errEncrypt
		}
		count[r.kind]++
	}
	switch {
	case len(to) == 0:
		return errNobody
	case len(to) > maxRecipients:
		return errTooMany
	case count[passphrase] > 1 && count[passphrase] == len(to):
		return errOnePassphrase
	case count[passphrase] > 0 && len(to) > 1:
		return errPassphraseAlone
	case count[hybridKey] > 0 && count[hybridKey] < len(to):
		return errMixedQuantum
	}
	return nil
}
