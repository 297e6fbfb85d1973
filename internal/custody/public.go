package custody

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/pattern"
)

// pin is what is known of the App's public key without its custodian: all of
// it, its fingerprint, or nothing.
type pin struct {
	key         *rsa.PublicKey
	fingerprint string // without the padding that the App's settings page shows and OpenSSH does not
}

var fingerprintPattern = pattern.Pattern{Text: `^SHA256:[0-9A-Za-z+/]{43}=?$`}

// parsePin parses what a user says of the App's public key.
func parsePin(text string) (pin, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return pin{}, nil
	case fingerprintPattern.Matches(text):
		return pinOf(text), nil
	}
	key, err := parsePublic("", text)
	if err != nil {
		return pin{}, fault.New("key-fingerprint is neither a PEM nor a fingerprint",
			"copy the fingerprint from the App's settings page, as in SHA256:…, or make a PEM with openssl rsa -in key.pem -pubout")
	}
	return pin{key: key}, nil
}

func pinOf(fingerprint string) pin { return pin{fingerprint: strings.TrimRight(fingerprint, "=")} }

// empty reports whether nothing is known.
func (p pin) empty() bool { return p.key == nil && p.fingerprint == "" }

// admits reports whether a key may be the App's. A fingerprint is either that
// of GitHub or that of OpenSSH.
func (p pin) admits(key *rsa.PublicKey) bool {
	if p.key != nil {
		return p.key.Equal(key)
	}
	return p.empty() || p.fingerprint == Fingerprint(key) || p.fingerprint == sshFingerprint(key)
}

// rsaEncryption says that a key is of RSA.
var rsaEncryption = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}

// Fingerprint returns the fingerprint that GitHub shows of a key.
func Fingerprint(key *rsa.PublicKey) string {
	inner, _ := asn1.Marshal(*key) // two numbers, which is RSAPublicKey of RFC 8017
	der, _ := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{
		pkix.AlgorithmIdentifier{Algorithm: rsaEncryption, Parameters: asn1.NullRawValue},
		asn1.BitString{Bytes: inner, BitLength: 8 * len(inner)},
	})
	sum := sha256.Sum256(der)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

func sshFingerprint(key *rsa.PublicKey) string {
	public, err := ssh.NewPublicKey(key)
	if err != nil {
		return ""
	}
	return ssh.FingerprintSHA256(public)
}

// parsePublic parses the PEM of a public key.
func parsePublic(op, text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, notUnderstood(op)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	return rsaPublic(op, key, err)
}

const (
	minBits = 2048  // what GitHub makes
	maxBits = 16384 // more would only take time
)

// rsaPublic returns a public key that a custodian told, if it can be an App's.
func rsaPublic(op string, key crypto.PublicKey, err error) (*rsa.PublicKey, error) {
	if err != nil {
		return nil, notUnderstood(op)
	}
	public, ok := key.(*rsa.PublicKey)
	switch {
	case !ok:
		return nil, fault.New(op+": it is not an RSA key", importKey)
	case public == nil, public.E < 3, public.N.Sign() <= 0, public.N.BitLen() > maxBits:
		return nil, notUnderstood(op)
	case public.N.BitLen() < minBits:
		return nil, fault.New(op+": it is an RSA key of under 2048 bits, and GitHub makes no such keys", importKey)
	}
	return public, nil
}

const importKey = "GitHub takes only keys that it made itself, which are RSA of 2048 bits: import the App's private key, " +
	"and use that in place of one that was made there"
