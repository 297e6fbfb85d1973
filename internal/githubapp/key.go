package githubapp

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"regexp"
	"strings"
	"sync"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// maxKeyText bounds what is taken apart in search of a key; a 16384-bit one is
// under 14 KiB in any of the forms below.
const maxKeyText = 64 << 10

const makeNewKey = "generate a private key on the App's settings page and paste the whole .pem file"

// ParseKey reads an App's private key in any form that people paste: PKCS#1 or
// PKCS#8 PEM, its newlines kept, escaped or turned into spaces, quoted or not,
// or base64 of that. GitHub takes RSA only. An error says what was given in
// the place of a key, by kind; what it was is nowhere in it.
func ParseKey(text redact.String) (crypto.Signer, error) {
	if len(text.Reveal()) > maxKeyText {
		return nil, fault.New("is larger than any private key", makeNewKey)
	}
	t := tidy(text.Reveal())
	if t == "" {
		return nil, fault.New("is empty", "pass the App's private key, as in private-key: ${{ secrets.APP_PRIVATE_KEY }}")
	}
	if err := foreign(t); err != nil {
		return nil, err
	}
	if inner, ok := unbase64(t); ok && !strings.Contains(t, "-----") {
		if key, err := parseDER(inner); err == nil {
			return rsaOnly(key)
		}
		t = tidy(string(inner))
	}
	der, label, err := body(t)
	if err != nil {
		return nil, err
	}
	if err := notPrivate(label, t); err != nil {
		return nil, err
	}
	key, parseErr := parseDER(der)
	if parseErr != nil {
		return nil, fault.New("is damaged: there is a PEM, but no key can be read from it", makeNewKey)
	}
	return rsaOnly(key)
}

// tidy undoes what shells, editors and secret stores do to a text of lines.
func tidy(t string) string {
	t = strings.TrimPrefix(strings.ToValidUTF8(t, ""), "\ufeff")
	t = strings.NewReplacer(`\\r`, "", `\\n`, "\n", `\r`, "", `\n`, "\n", "\r\n", "\n", "\r", "\n").Replace(t)
	return strings.TrimSpace(strings.Trim(strings.TrimSpace(t), "\"'`\\"))
}

// foreign names what people paste in the place of a key.
func foreign(t string) error {
	if kind := redact.KindOf(t); kind != "" && kind != redact.PEM && kind != redact.JWT { // a key in base64 may begin as a JWT
		return fault.New("is "+kind.WithArticle()+", not a private key", makeNewKey)
	}
	kinds := []struct{ prefix, kind string }{
		{"SHA256:", "a key's fingerprint"},
		{"Iv1.", "a client id"},
		{"Iv23", "a client id"},
	}
	for _, k := range kinds {
		if strings.HasPrefix(t, k.prefix) {
			return fault.New("is "+k.kind+", not a private key", makeNewKey)
		}
	}
	if redact.IsOldToken(t) {
		return fault.New("looks like a client secret, not a private key", makeNewKey)
	}
	return nil
}

// keyText is for what encoding/pem does not take; compiled when it is met.
var keyText = sync.OnceValue(func() (p struct{ begin, end, header *regexp.Regexp }) {
	p.begin = regexp.MustCompile(`-----\s*BEGIN ([A-Z0-9 ]{1,40}?)\s*-----`)
	p.end = regexp.MustCompile(`-----\s*END [A-Z0-9 ]{1,40}?\s*-----`)
	p.header = regexp.MustCompile(`(?m)^[A-Za-z-]+: .*$`)
	return p
})

// body gives the bytes between the lines of a PEM and its label. It is looser
// than encoding/pem, which wants every newline in its place.
func body(t string) (der []byte, label string, err error) {
	if b, _ := pem.Decode([]byte(t)); b != nil && len(b.Headers) == 0 {
		return b.Bytes, b.Type, nil
	}
	begin := keyText().begin.FindStringSubmatchIndex(t)
	if begin == nil {
		return nil, "", fault.New("is no private key: there is no -----BEGIN … PRIVATE KEY----- line in it", makeNewKey)
	}
	label = t[begin[2]:begin[3]]
	rest := t[begin[1]:]
	end := keyText().end.FindStringIndex(rest)
	if end == nil {
		return nil, label, fault.New("is cut off: the -----END … PRIVATE KEY----- line is missing", makeNewKey)
	}
	der, ok := unbase64(keyText().header.ReplaceAllString(rest[:end[0]], ""))
	if !ok {
		return nil, label, fault.New("is damaged: between its BEGIN and END lines is something else than base64", makeNewKey)
	}
	return der, label, nil
}

// notPrivate tells by the label what a PEM of another kind is.
func notPrivate(label, t string) error {
	switch {
	case label == "ENCRYPTED PRIVATE KEY", strings.Contains(t, "Proc-Type: 4,ENCRYPTED"):
		return fault.New("is protected by a passphrase", "decrypt it first (openssl rsa -in key.pem -out plain.pem), or "+makeNewKey)
	case strings.HasSuffix(label, "PUBLIC KEY"):
		return fault.New("is a public key, not a private one", makeNewKey)
	case strings.HasPrefix(label, "CERTIFICATE"):
		return fault.New("is a certificate, not a private key", makeNewKey)
	case label == "OPENSSH PRIVATE KEY":
		return fault.New("is an SSH key, not an App's private key", makeNewKey)
	case label == "EC PRIVATE KEY":
		return fault.New("is not an RSA key", "GitHub Apps sign with RSA only: "+makeNewKey)
	}
	return nil
}

func parseDER(der []byte) (any, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	return x509.ParsePKCS8PrivateKey(der)
}

// minBits is what GitHub makes; Go signs with nothing under 1024.
const minBits = 2048

func rsaOnly(key any) (crypto.Signer, error) {
	k, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fault.New("is not an RSA key", "GitHub Apps sign with RSA only: "+makeNewKey)
	}
	if k.N.BitLen() < minBits {
		return nil, fault.New("is an RSA key of under 2048 bits, which is none of GitHub's", makeNewKey)
	}
	return k, nil
}

// unbase64 decodes either alphabet, padded or not, wrapped or not.
func unbase64(t string) ([]byte, bool) {
	t = strings.NewReplacer("\n", "", " ", "", "\t", "", "-", "+", "_", "/").Replace(t)
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(t, "="))
	return b, err == nil && len(b) > 0
}
