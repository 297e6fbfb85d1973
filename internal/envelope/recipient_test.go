package envelope

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

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

func TestPassphraseRecipient(t *testing.T) {
	for name, c := range map[string]struct{ secret, want string }{
		"empty":           {"", "is empty"},
		"a newline":       {"\n", "is empty"},
		"15 characters":   {"fifteen letters", "is shorter than 16 characters: anybody with the output could guess it"},
		"15, and more":    {"fifteen letters\r\n", "is shorter than 16 characters: anybody with the output could guess it"},
		"spaces":          {strings.Repeat(" ", 30), "is shorter than 16 characters: anybody with the output could guess it"},
		"bytes":           {strings.Repeat("ü", 15), "is shorter than 16 characters: anybody with the output could guess it"},
		"several lines":   {phrase + "\n" + phrase, "has several lines, which stock age could not be given"},
		"16 characters":   {"sixteen letters!", ""},
		"a newline at it": {"sixteen letters!\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := PassphraseRecipient(redact.New(c.secret))
			if c.want == "" {
				must(t, err)
				if r.String() != "a passphrase" {
					t.Errorf("it is %v", r)
				}
				return
			}
			if got := fails(t, err).Error(); got != c.want || r != (Recipient{}) {
				t.Errorf("got %v and %q, want %q", r, got, c.want)
			}
		})
	}
}

// The cost of a passphrase is the standard's; TestStockAgeWithPassphrase opens
// one at that cost.
func TestPassphraseAtItsFullCost(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second, and many under the race detector")
	}
	t.Parallel()
	r, err := PassphraseRecipient(redact.New(phrase))
	must(t, err)
	line, err := Seal(token(), []Recipient{r}, nil)
	must(t, err)
	if header := string(bytesOf(t, line)); !regexp.MustCompile(`^age-encryption\.org/v1\n-> scrypt \S+ 18\n`).MatchString(header) {
		t.Error("the work factor is not 18")
	}
}

func TestRSAKeysThatAreRefused(t *testing.T) {
	const public = "the RSA key can't be encrypted to: it is damaged, or of a size that age doesn't take"
	for name, key := range map[string]*rsa.PublicKey{
		"none": nil, "zero": {}, "small": &smallKey().PublicKey,
		"even exponent": {N: appKey().N, E: 2},
		"huge":          {N: new(big.Int).Lsh(big.NewInt(1), 20000), E: 65537},
	} {
		if r, err := KeyRecipient(key); fails(t, err).Error() != public || r != (Recipient{}) {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	const private = "the RSA key opens nothing: it is damaged, or of a size that age doesn't take"
	for name, key := range map[string]*rsa.PrivateKey{"none": nil, "zero": {}, "small": smallKey()} {
		if i, err := KeyIdentity(key); fails(t, err).Error() != private || i != (Identity{}) {
			t.Errorf("%s: %v, %v", name, i, err)
		}
	}
}
