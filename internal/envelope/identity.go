package envelope

import (
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// Identity opens an envelope: the private half of a key, or a passphrase. It
// prints as its kind.
type Identity struct {
	kind    kind
	unwraps age.Identity // nil opens nothing
}

// Format implements [fmt.Formatter], so that no verb shows a key: age's own
// identities print their keys.
func (i Identity) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(i.kind.String())) }

const (
	maxIdentities     = 100
	maxIdentitiesText = 64 << 10
	maxKeyDER         = 16 << 10 // an RSA key of 16384 bits is 9 KiB
)

const wantIdentity = "pass the private half of a key: AGE-SECRET-KEY-1… as age-keygen writes it, " +
	"or a whole SSH private key (ssh-ed25519 or ssh-rsa)"

// The errors for lines that are not identities.
var (
	publicIdentity = fault.New("is a public key, not an identity", wantIdentity)
	tokenIdentity  = fault.New("is a token, not an identity", wantIdentity)
	pluginIdentity = fault.New("is an identity of an age plugin, which is another program", wantIdentity)
	lockedIdentity = fault.New("is a private key protected by a passphrase",
		"take the passphrase off a copy (ssh-keygen -p -N '' -f copy), or use an age key")
	lockedFile      = fault.New("is an encrypted file, not an identity", "decrypt it first: age -d key.age")
	kindIdentity    = fault.New("is a private key that is neither ssh-ed25519 nor ssh-rsa", wantIdentity)
	weakIdentity    = fault.New("is an RSA key of under 2048 bits", "make a new key: age-keygen, or ssh-keygen -t ed25519")
	cutPEM          = fault.New("is a private key that is cut off: its -----END line is missing", "pass the whole file")
	damagedIdentity = fault.New("is a damaged private key: characters are wrong or missing", "pass the whole file, as it is")
	noIdentity      = fault.New("is not an identity", wantIdentity)
)

// ParseIdentities reads private keys: AGE-SECRET-KEY-1… and
// AGE-SECRET-KEY-PQ-1…, one per line, and SSH or PEM ones (Ed25519 and RSA, not
// protected by a passphrase), with blank lines and # comments. Newlines may
// have been escaped or turned into spaces on the way. The error is a
// [*fault.Error] that names each faulty line by its number.
func ParseIdentities(text redact.String) ([]Identity, error) {
	if len(text.Reveal()) > maxIdentitiesText {
		return nil, fault.New("is larger than 64 KiB, which no list of keys is", wantIdentity)
	}
	t := unixLines(strings.NewReplacer(`\r`, "", `\n`, "\n").Replace(text.Reveal()))
	t = strings.Trim(strings.TrimRight(t, " \t\n"), "\"'")
	var (
		with   []Identity
		faulty faults
	)
	for line := 1; t != ""; {
		i, length, what := nextIdentity(t)
		if what != nil {
			faulty.add(line, what)
		} else if i.unwraps != nil {
			with = append(with, i)
		}
		line += strings.Count(t[:length], "\n")
		t = t[length:]
	}
	if err := faulty.err(); err != nil {
		return nil, err
	}
	return checkIdentities(with, text)
}

func checkIdentities(with []Identity, text redact.String) ([]Identity, error) {
	switch {
	case len(with) > maxIdentities:
		return nil, fault.New("holds more than 100 keys", "pass the key of this job alone")
	case len(with) > 0:
		return with, nil
	case strings.TrimSpace(text.Reveal()) == "":
		return nil, &fault.Error{Problem: "is empty", Hint: wantIdentity, Err: ErrEmpty}
	case strings.Contains(text.Reveal(), redact.AgeIdentity.Prefix()):
		return nil, fault.New("has its key in a # comment",
			"keep the newlines of the file that age-keygen wrote, or pass the line AGE-SECRET-KEY-… alone")
	}
	return nil, fault.New("holds comments only", wantIdentity)
}

// nextIdentity reads one item from the beginning of a text: a word, a PEM, a
// comment or white space. length is its length, at least 1.
func nextIdentity(t string) (i Identity, length int, what *fault.Error) {
	switch {
	case strings.ContainsRune(" \t\n", rune(t[0])):
		return Identity{}, 1, nil
	case t[0] == '#':
		return Identity{}, lineEnd(t), nil
	case strings.HasPrefix(t, redact.PEM.Prefix()):
		return nextPEM(t)
	}
	word := t[:wordEnd(t)]
	if strings.HasPrefix(word, redact.AgeIdentity.Prefix()) {
		i, what = parseAgeIdentity(word)
		return i, len(word), what
	}
	return Identity{}, lineEnd(t), notIdentity(redact.KindOf(word)) // the error covers the rest of the line
}

func parseAgeIdentity(word string) (Identity, *fault.Error) {
	if strings.HasPrefix(word, redact.AgeIdentity.Prefix()+"PQ-1") {
		if id, err := age.ParseHybridIdentity(word); err == nil {
			return Identity{hybridKey, id}, nil
		}
	} else if id, err := age.ParseX25519Identity(word); err == nil {
		return Identity{ageKey, id}, nil
	}
	return Identity{}, damagedIdentity
}

// notIdentity returns the error for a word of this kind in the place of an
// identity.
func notIdentity(kind redact.Kind) *fault.Error {
	switch {
	case kind == redact.AgeRecipient, kind == redact.SSHPublicKey:
		return publicIdentity
	case kind == redact.AgePlugin:
		return pluginIdentity
	case kind == redact.AgeFile:
		return lockedFile
	case kind.IsToken():
		return tokenIdentity
	}
	return noIdentity
}

func lineEnd(t string) int { return indexOrLen(t, "\n") }

func wordEnd(t string) int { return indexOrLen(t, " \t\n") }

func indexOrLen(t, at string) int {
	if i := strings.IndexAny(t, at); i >= 0 {
		return i
	}
	return len(t)
}

// pemText is compiled when the first key comes: most steps have none.
var pemText = sync.OnceValue(func() (p struct{ begin, end, header *regexp.Regexp }) {
	p.begin = regexp.MustCompile(`^` + redact.PEM.Prefix() + ` ([A-Z0-9 ]{1,40})-----`)
	p.end = regexp.MustCompile(`-----END [A-Z0-9 ]{1,40}-----`)
	p.header = regexp.MustCompile(`(?m)^[A-Za-z-]+: .*$`)
	return p
})

func nextPEM(t string) (Identity, int, *fault.Error) {
	begin, stop := pemText().begin.FindStringSubmatchIndex(t), pemText().end.FindStringIndex(t)
	if begin == nil {
		return Identity{}, lineEnd(t), damagedIdentity
	}
	if stop == nil || stop[0] < begin[1] {
		return Identity{}, len(t), cutPEM // the rest belongs to the key
	}
	i, what := parsePEM(t[begin[2]:begin[3]], t[begin[1]:stop[0]])
	return i, stop[1], what
}

func parsePEM(label, body string) (Identity, *fault.Error) {
	switch {
	case label == "ENCRYPTED PRIVATE KEY", strings.Contains(body, "Proc-Type: 4,ENCRYPTED"):
		return Identity{}, lockedIdentity
	case label == "AGE ENCRYPTED FILE", strings.HasPrefix(label, "PGP "):
		return Identity{}, lockedFile
	case strings.HasSuffix(label, "PUBLIC KEY"), strings.HasPrefix(label, "CERTIFICATE"):
		return Identity{}, publicIdentity
	}
	body = strings.Join(strings.Fields(pemText().header.ReplaceAllString(body, "")), "")
	der, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(body, "="))
	if err != nil || len(der) > maxKeyDER {
		return Identity{}, damagedIdentity
	}
	key, err := ssh.ParseRawPrivateKey(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
	if locked := (*ssh.PassphraseMissingError)(nil); errors.As(err, &locked) {
		return Identity{}, lockedIdentity
	}
	if err != nil {
		return Identity{}, damagedIdentity
	}
	return identityOf(key)
}

func identityOf(key any) (Identity, *fault.Error) {
	switch k := key.(type) {
	case *ed25519.PrivateKey: // of OpenSSH's form
		return identityOf(*k)
	case ed25519.PrivateKey: // of PKCS#8
		if id, err := agessh.NewEd25519Identity(k); err == nil {
			return Identity{sshEd25519, id}, nil
		}
		return Identity{}, damagedIdentity
	case *rsa.PrivateKey:
		if k.N.BitLen() < minRSABits {
			return Identity{}, weakIdentity
		}
		if id, err := agessh.NewRSAIdentity(k); err == nil {
			return Identity{sshRSA, id}, nil
		}
		return Identity{}, damagedIdentity
	}
	return Identity{}, kindIdentity
}

// NewIdentity makes an age key. It returns the private half, as ParseIdentities
// reads it, and the public half, as ParseRecipients does.
func NewIdentity() (identity redact.String, recipient string, err error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return redact.String{}, "", &fault.Error{Problem: "no key can be made", Hint: "check that the machine has a source of randomness"}
	}
	return redact.New(key.String()), key.Recipient().String(), nil
}

// KeyIdentity returns the identity for an RSA key. It opens envelopes for the
// [KeyRecipient] of the same key.
func KeyIdentity(key *rsa.PrivateKey) (Identity, error) {
	unfit := fault.New("the RSA key opens nothing: it is damaged, or of a size that age doesn't take",
		"pass the App's private key, the whole .pem file")
	if key == nil || !fitsAge(&key.PublicKey) {
		return Identity{}, unfit
	}
	id, err := agessh.NewRSAIdentity(key)
	if err != nil {
		return Identity{}, unfit
	}
	return Identity{sshRSA, id}, nil
}

// maxWorkFactor bounds the cost of opening: 2¹⁹ rounds, 512 MiB, about two
// seconds. The sender chooses it, and at 20 the process has a GiB, which is all
// that many runners leave to a container. Sealing takes 18, as age itself does.
const maxWorkFactor = 19

// PassphraseIdentity returns the identity for a passphrase.
func PassphraseIdentity(secret redact.String) Identity {
	id, err := age.NewScryptIdentity(trimNewline(secret.Reveal()))
	if err != nil { // it is empty, and opens nothing
		return Identity{kind: passphrase}
	}
	id.SetMaxWorkFactor(maxWorkFactor)
	return Identity{passphrase, id}
}
