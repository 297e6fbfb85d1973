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

// maxKeyText is the largest text that is parsed as a key. A key of 16384 bits
// is under 14 KiB in any of the forms below.
const maxKeyText = 64 << 10

const makeNewKey = "generate a private key on the App's settings page and paste the whole .pem file"

// ParseKey parses an App's private key in any form that people paste: PEM of
// PKCS#1 or PKCS#8, with newlines, escaped newlines or spaces, quoted or not,
// or base64 of that. GitHub accepts only RSA keys. An error names the kind of
// text that was given in place of a key, but never quotes the text.
func ParseKey(text redact.String) (crypto.Signer, error) {
	if len(text.Reveal()) > maxKeyText {
		return nil, fault.New("is larger than any private key", makeNewKey)
	}
	t := normalize(text.Reveal())
	if t == "" {
		return nil, fault.New("is empty", "pass the App's private key, as in private-key: ${{ secrets.APP_PRIVATE_KEY }}")
	}
	if err := checkForeign(t); err != nil {
		return nil, err
	}
	if !strings.Contains(t, "-----") {
		if inner, ok := decodeBase64(t); ok {
			if key, err := parseDER(inner); err == nil {
				return rsaOnly(key)
			}
			t = normalize(string(inner))
		}
	}
	der, label, err := parsePEM(t)
	if err != nil {
		return nil, err
	}
	if err := checkLabel(label, t); err != nil {
		return nil, err
	}
	key, parseErr := parseDER(der)
	if parseErr != nil {
		return nil, fault.New("is damaged: it is a PEM, but no key can be read from it", makeNewKey)
	}
	return rsaOnly(key)
}

// normalize reverts the changes that shells, editors and secret stores make to
// texts of several lines.
func normalize(t string) string {
	t = strings.TrimPrefix(strings.ToValidUTF8(t, ""), "\ufeff")
	if strings.ContainsAny(t, "\\\r") {
		t = strings.NewReplacer(`\\r`, "", `\\n`, "\n", `\r`, "", `\n`, "\n", "\r\n", "\n", "\r", "\n").Replace(t)
	}
	return strings.TrimSpace(strings.Trim(strings.TrimSpace(t), "\"'`\\"))
}

// checkForeign returns an error for the other texts that people paste in place
// of a key.
func checkForeign(t string) error {
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

// keyText has the patterns for keys that encoding/pem does not accept.
var keyText = sync.OnceValue(func() (p struct{ begin, end, header *regexp.Regexp }) {
	p.begin = regexp.MustCompile(`-----\s*BEGIN ([A-Z0-9 ]{1,40}?)\s*-----`)
	p.end = regexp.MustCompile(`-----\s*END [A-Z0-9 ]{1,40}?\s*-----`)
	p.header = regexp.MustCompile(`(?m)^[A-Za-z-]+: .*$`)
	return p
})

// parsePEM returns the bytes of a PEM and its label. It accepts more than
// encoding/pem, which requires every newline in its place.
func parsePEM(t string) (der []byte, label string, err error) {
	if b, _ := pem.Decode([]byte(t)); b != nil && len(b.Headers) == 0 {
		return b.Bytes, b.Type, nil
	}
	begin := keyText().begin.FindStringSubmatchIndex(t)
	if begin == nil {
		return nil, "", fault.New("is not a private key: it has no -----BEGIN … PRIVATE KEY----- line", makeNewKey)
	}
	label = t[begin[2]:begin[3]]
	rest := t[begin[1]:]
	end := keyText().end.FindStringIndex(rest)
	if end == nil {
		return nil, label, fault.New("is cut off: the -----END … PRIVATE KEY----- line is missing", makeNewKey)
	}
	der, ok := decodeBase64(keyText().header.ReplaceAllString(rest[:end[0]], ""))
	if !ok {
		return nil, label, fault.New("is damaged: the text between its BEGIN and END lines is not base64", makeNewKey)
	}
	return der, label, nil
}

// checkLabel returns an error for a PEM that is not a private key in plain
// text.
func checkLabel(label, t string) error {
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
		return nil, fault.New("is an RSA key of under 2048 bits, and GitHub makes no such keys", makeNewKey)
	}
	return k, nil
}

// decodeBase64 decodes either alphabet, padded or not, wrapped or not.
func decodeBase64(t string) ([]byte, bool) {
	t = strings.NewReplacer("\n", "", " ", "", "\t", "", "-", "+", "_", "/").Replace(t)
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(t, "="))
	return b, err == nil && len(b) > 0
}
