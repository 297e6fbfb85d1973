package envelope

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/valetkey/valetkey/internal/redact"
)

func TestParseIdentities(t *testing.T) {
	k := pairs(t)
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(appKey())}))
	pkcs8 := pkcs8Of(t, appKey())
	ed8 := pkcs8Of(t, fixedKey())
	keygen := "# created: 2026-11-20T13:14:15Z\n# public key: " + k[0].public + "\n" + k[0].private + "\n"
	for name, c := range map[string]struct {
		text string
		want []kind
	}{
		"age":                           {k[0].private, []kind{ageKey}},
		"as age-keygen writes it":       {keygen, []kind{ageKey}},
		"as age-keygen writes it, CRLF": {strings.ReplaceAll(keygen, "\n", "\r\n"), []kind{ageKey}},
		"as age-keygen writes it, \\n":  {strings.ReplaceAll(keygen, "\n", `\n`), []kind{ageKey}},
		"quoted":                        {`"` + k[0].private + "\"\n", []kind{ageKey}},
		"BOM":                           {"\ufeff" + k[0].private, []kind{ageKey}},
		"post-quantum":                  {k[1].private, []kind{hybridKey}},
		"OpenSSH Ed25519":               {k[2].private, []kind{sshEd25519}},
		"OpenSSH RSA":                   {k[3].private, []kind{sshRSA}},
		"PKCS#1":                        {pkcs1, []kind{sshRSA}},
		"PKCS#8":                        {pkcs8, []kind{sshRSA}},
		"PKCS#8 Ed25519":                {ed8, []kind{sshEd25519}},
		"several, and of all kinds": {
			keygen + "\n" + k[2].private + "# more\n" + pkcs1 + k[1].private, []kind{ageKey, sshEd25519, sshRSA, hybridKey},
		},
		"PEM, CRLF":                       {strings.ReplaceAll(k[2].private, "\n", "\r\n"), []kind{sshEd25519}},
		"PEM, escaped":                    {strings.ReplaceAll(pkcs1, "\n", `\n`), []kind{sshRSA}},
		"PEM, newlines became spaces":     {strings.ReplaceAll(k[2].private+pkcs8, "\n", " "), []kind{sshEd25519, sshRSA}},
		"PEM, newlines lost":              {strings.ReplaceAll(k[2].private, "\n", ""), []kind{sshEd25519}},
		"PEM, indented":                   {strings.ReplaceAll("\n"+k[2].private, "\n", "\n    "), []kind{sshEd25519}},
		"age keys, newlines are spaces":   {k[0].private + " " + k[1].private + " # done", []kind{ageKey, hybridKey}},
		"a comment behind an age key":     {k[0].private + " # alice's", []kind{ageKey}},
		"a comment that looks like a key": {"#AGE-SECRET-KEY-1OLD\n" + k[0].private, []kind{ageKey}},
	} {
		t.Run(name, func(t *testing.T) {
			with, err := ParseIdentities(redact.New(c.text))
			must(t, err)
			var got []kind
			for _, i := range with {
				got = append(got, i.kind)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func pkcs8Of(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestParseIdentitiesErrors(t *testing.T) {
	k := pairs(t)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(fixedKey(), "", []byte(phrase))
	must(t, err)
	locked := string(pem.EncodeToMemory(block))
	//nolint:staticcheck // deprecated and insecure, which is why people have such files
	old, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(appKey()), []byte(phrase),
		x509.PEMCipherAES128)
	must(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	small := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(smallKey())}))
	der, err := x509.MarshalPKIXPublicKey(&appKey().PublicKey)
	must(t, err)
	_, ecPrivate := sshPair(t, ec)
	_, rest, _ := strings.Cut(k[2].private, "\n")
	for name, c := range map[string]struct{ text, want string }{
		"empty":                  {"", "is empty"},
		"blank":                  {" \n\n", "is empty"},
		"comments only":          {"# here\n# nothing", "holds comments only"},
		"newlines became spaces": {"# created: today # public key: " + k[0].public + " " + k[0].private, "has its key in a # comment"},
		"a recipient":            {k[0].private + "\n" + k[0].public, "line 2 is a public key, not an identity"},
		"an SSH public key":      {k[2].public, "line 1 is a public key, not an identity"},
		"a public PEM": {
			"\n" + string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
			"line 2 is a public key, not an identity",
		},
		"a certificate": {
			string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), "line 1 is a public key, not an identity",
		},
		"a token":        {token().Token.Reveal(), "line 1 is a token, not an identity"},
		"a plugin's":     {"AGE-PLUGIN-YUBIKEY-1QQQQQQ", "line 1 is an identity of an age plugin, which is another program"},
		"locked OpenSSH": {locked, "line 1 is a private key protected by a passphrase"},
		"locked PEM":     {string(pem.EncodeToMemory(old)), "line 1 is a private key protected by a passphrase"},
		"locked PKCS#8": {
			string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})),
			"line 1 is a private key protected by a passphrase",
		},
		"an age file, armoured": {
			string(pem.EncodeToMemory(&pem.Block{Type: "AGE ENCRYPTED FILE", Bytes: der})),
			"line 1 is an encrypted file, not an identity",
		},
		"an age file": {"age-encryption.org/v1\n", "line 1 is an encrypted file, not an identity"},
		"a GPG key": {
			string(pem.EncodeToMemory(&pem.Block{Type: "PGP PRIVATE KEY BLOCK", Bytes: der})),
			"line 1 is an encrypted file, not an identity",
		},
		"ECDSA":         {ecPrivate, "line 1 is a private key that is neither ssh-ed25519 nor ssh-rsa"},
		"ECDSA, PKCS#8": {pkcs8Of(t, ec), "line 1 is a private key that is neither ssh-ed25519 nor ssh-rsa"},
		"weak RSA":      {small, "line 1 is an RSA key of under 2048 bits"},
		"PEM cut off": {
			k[0].private + "\n" + k[2].private[:100], "line 2 is a private key that is cut off: its -----END line is missing",
		},
		"PEM without its first line": {rest, strings.ReplaceAll(manyLines(strings.Count(rest, "\n")), "a recipient", "an identity")},
		"PEM damaged": {
			k[2].private[:100] + "!" + k[2].private[101:], "line 1 is a damaged private key: characters are wrong or missing",
		},
		"PEM without its middle": {
			k[2].private[:100] + k[2].private[200:], "line 1 is a damaged private key: characters are wrong or missing",
		},
		"PEM too large": {
			string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: make([]byte, 17<<10)})),
			"line 1 is a damaged private key: characters are wrong or missing",
		},
		"PEM of a strange label": {
			"-----BEGIN what?-----\nAAAA\n-----END what?-----",
			"line 1 is a damaged private key: characters are wrong or missing; line 2 is not an identity; line 3 is not an identity",
		},
		"age cut off": {k[0].private[:50], "line 1 is a damaged private key: characters are wrong or missing"},
		"age changed": {
			k[0].private[:50] + strings.ToUpper(flip(strings.ToLower(k[0].private[50:51]))) + k[0].private[51:],
			"line 1 is a damaged private key: characters are wrong or missing",
		},
		"post-quantum cut off": {k[1].private[:50], "line 1 is a damaged private key: characters are wrong or missing"},
		"words":                {"my secret key", "line 1 is not an identity"},
		"lines after a PEM": {
			k[2].private + "my secret key", fmt.Sprintf("line %d is not an identity", 1+strings.Count(k[2].private, "\n")),
		},
		"too large": {strings.Repeat("#", 64<<10+1), "is larger than 64 KiB, which no list of keys is"},
		"too many":  {strings.Repeat(k[0].private+"\n", 101), "holds more than 100 keys"},
	} {
		t.Run(name, func(t *testing.T) {
			with, err := ParseIdentities(redact.New(c.text))
			refusedAs(t, c.text, c.want, with, err)
		})
	}
}

// A PEM of a key with a damaged number in it must not panic.
func TestParseIdentitiesOfOddKeys(t *testing.T) {
	good := x509.MarshalPKCS1PrivateKey(appKey())
	for i := 0; i < len(good); i += 1 + min(i/40, 1)*20 { // all of the first lengths, and samples of the numbers
		for _, v := range []byte{0, 0xff} {
			odd := slices.Clone(good)
			odd[i] = v
			text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: odd})
			with, err := ParseIdentities(redact.New(string(text)))
			if err == nil && len(with) != 1 {
				t.Errorf("byte %d: %v", i, with)
			}
		}
	}
}
