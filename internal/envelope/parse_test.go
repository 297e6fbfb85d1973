package envelope

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

func TestParseRecipients(t *testing.T) {
	k := pairs(t)
	for name, c := range map[string]struct {
		text string
		want []kind
	}{
		"empty":                  {"", nil},
		"blank":                  {" \n\t\r\n", nil},
		"comments":               {"# nobody\n#\n   # at all", nil},
		"each classic kind":      {k[0].public + "\n" + k[2].public + "\n" + k[3].public, []kind{ageKey, sshEd25519, sshRSA}},
		"post-quantum":           {k[1].public, []kind{hybridKey}},
		"CRLF and a BOM":         {"\ufeff" + k[0].public + "\r\n\r\n" + k[2].public + "\r\n", []kind{ageKey, sshEd25519}},
		"indented":               {"   " + k[0].public + "\t\n\t" + k[2].public, []kind{ageKey, sshEd25519}},
		"comments at their ends": {k[0].public + " # alice\n" + k[2].public + " bob@host # and more", []kind{ageKey, sshEd25519}},
		"duplicates": {
			k[0].public + "\n" + k[2].public + " a\n" + k[0].public + "\n" + k[2].public + " b", []kind{ageKey, sshEd25519},
		},
	} {
		t.Run(name, func(t *testing.T) {
			to, err := ParseRecipients(c.text)
			must(t, err)
			var got []kind
			for _, r := range to {
				got = append(got, r.kind)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestParseRecipientsErrors(t *testing.T) {
	k := pairs(t)
	good := k[0].public
	small, _ := sshPair(t, smallKey())
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	ecPublic, _ := sshPair(t, ec)
	der, err := x509.MarshalPKIXPublicKey(&appKey().PublicKey)
	must(t, err)
	publicPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	for name, c := range map[string]struct{ text, want string }{
		"an identity":             {good + "\n" + k[0].private, "line 2 is a private key, not a recipient"},
		"a post-quantum identity": {k[1].private, "line 1 is a private key, not a recipient"},
		"a private key, all lines": {
			k[2].private + good + "\nhello",
			fmt.Sprintf("line 1 is a private key, not a recipient; line %d is not a recipient", 2+strings.Count(k[2].private, "\n")),
		},
		"a private key, cut off": {good + "\n" + k[2].private[:90], "line 2 is a private key, not a recipient"},
		"a private key, one line": {
			strings.ReplaceAll(k[2].private, "\n", " ") + "\nx",
			"line 1 is a private key, not a recipient; line 2 is not a recipient",
		},
		"a public PEM": {publicPEM, "line 1 is the beginning of a PEM, and a recipient is one line"},
		"a token":      {"\n" + token().Token.Reveal(), "line 2 is a token, not a recipient"},
		"a user": {
			"github:alice\n@alice",
			"line 1 names a person, but a recipient is a key; line 2 names a person, but a recipient is a key",
		},
		"a plugin":       {"age1yubikey1qwertyuiop", "line 1 is a recipient of an age plugin, which is another program"},
		"ECDSA":          {ecPublic, "line 1 is an SSH key of a kind that can only sign"},
		"a hardware key": {"sk-ssh-ed25519@openssh.com AAAA", "line 1 is an SSH key of a kind that can only sign"},
		"DSA":            {"ssh-dss AAAA", "line 1 is an SSH key of a kind that can only sign"},
		"weak RSA":       {small, "line 1 is an RSA key of under 2048 bits"},
		"cut age":        {good[:40], "line 1 is a damaged recipient: characters are wrong or missing"},
		"changed age": {
			good[:20] + flip(good[20:21]) + good[21:], "line 1 is a damaged recipient: characters are wrong or missing",
		},
		"cut post-quantum":        {k[1].public[:400], "line 1 is a damaged recipient: characters are wrong or missing"},
		"cut SSH":                 {k[2].public[:40], "line 1 is a damaged recipient: characters are wrong or missing"},
		"two in a line":           {good + " " + good, "line 1 is a damaged recipient: characters are wrong or missing"},
		"with a comma":            {good + ",", "line 1 is a damaged recipient: characters are wrong or missing"},
		"a point of low order":    {lowOrder(t), "line 1 is a damaged recipient: characters are wrong or missing"},
		"upper case":              {strings.ToUpper(good), "line 1 is not a recipient"},
		"an SSH key with options": {`command="ls" ` + k[2].public, "line 1 is not a recipient"},
		"not UTF-8":               {good + "\xff", "line 1 is not a recipient"},
		"a long line":             {"ssh-rsa " + strings.Repeat("A", 9000), "line 1 is not a recipient"},
		"a large text":            {strings.Repeat("#", 256<<10+1), "is larger than 256 KiB"},
		"several": {
			"a\n" + good + "\n# comment\nb\n\nAGE-SECRET-KEY-1\n",
			"line 1 is not a recipient; line 4 is not a recipient; line 6 is a private key, not a recipient",
		},
		"many": {strings.Repeat("x\n", 25), manyLines(20) + "; and 5 more"},
		"post-quantum and others": {
			good + "\n" + k[1].public,
			"post-quantum recipients (age1pq1…) can't be combined with others",
		},
	} {
		t.Run(name, func(t *testing.T) {
			to, err := ParseRecipients(c.text)
			refusedAs(t, c.text, c.want, to, err)
		})
	}
}

// flip returns another digit of bech32.
func flip(digit string) string {
	if digit == "q" {
		return "p"
	}
	return "q"
}

// lowOrder is the age1… form of the point at zero, to which nobody can encrypt.
func lowOrder(t *testing.T) string {
	t.Helper()
	text := bech32Zero()
	if _, err := age.ParseX25519Recipient(text); err != nil {
		t.Fatal("the test's own bech32 is wrong")
	}
	return text
}

// bech32Zero encodes 32 zero bytes for "age", as in BIP 173.
func bech32Zero() string {
	const digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	generator := []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3}
	sum := uint32(1)
	add := func(v byte) {
		top := sum >> 25
		sum = (sum&0x1ffffff)<<5 ^ uint32(v)
		for i, g := range generator {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	for _, c := range "age" {
		add(byte(c) >> 5)
	}
	add(0)
	for _, c := range "age" {
		add(byte(c) & 31)
	}
	for range 52 + 6 {
		add(0)
	}
	text := "age1" + strings.Repeat("q", 52)
	for i := range 6 {
		text += string(digits[(sum^1)>>(5*(5-i))&31])
	}
	return text
}

func manyLines(n int) string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("line %d is not a recipient", i+1))
	}
	return strings.Join(lines, "; ")
}

// refusedAs checks that a list was refused with an error that repeats no word
// of it.
func refusedAs[T any](t *testing.T, given, want string, got []T, err error) {
	t.Helper()
	e := fails(t, err)
	if e.Error() != want {
		t.Errorf("got  %q\nwant %q", e.Error(), want)
	}
	if got != nil {
		t.Errorf("there are %T: %v", got, got)
	}
	for _, word := range strings.Fields(given) {
		if len(word) > 32 && strings.Contains(e.Error()+e.Hint, word[20:32]) {
			t.Errorf("%q echoes what it was given", e.Error()+e.Hint)
		}
	}
}

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

// vocabulary matches every text that an error of the Parse functions can have.
var vocabulary = func() *regexp.Regexp {
	var problems []string
	for _, f := range []*fault.Error{
		privateRecipient, pemRecipient, tokenRecipient, pluginOnly, namedRecipient, sshKind, sshWeak, cutRecipient, noRecipient,
		publicIdentity, tokenIdentity, pluginIdentity, lockedIdentity, lockedFile, kindIdentity, weakIdentity, cutPEM, damagedIdentity,
		noIdentity,
	} {
		problems = append(problems, regexp.QuoteMeta(f.Problem))
	}
	line := `line \d+ (` + strings.Join(problems, "|") + `)`
	return regexp.MustCompile(`^(` + line + `(; ` + line + `)*(; and \d+ more)?` +
		`|is empty|is larger than \d+ KiB(, which no list of keys is)?|holds comments only|holds more than 100 keys|` +
		`has its key in a # comment` +
		`|` + regexp.QuoteMeta(errMixedQuantum.Problem) + `|` + regexp.QuoteMeta(errTooMany.Problem) + `)$`)
}()
