package envelope

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// appKey stands for the App's own; making one takes a while.
var appKey = sync.OnceValue(func() *rsa.PrivateKey { return rsaKey(2048) })

// smallKey is too small to use.
var smallKey = sync.OnceValue(func() *rsa.PrivateKey { return rsaKey(1024) })

func rsaKey(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

// fixedKey is the same in each process, so that a fuzz worker opens what its
// coordinator has sealed; it is derived from its name alone.
func fixedKey() ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("the key of a fuzz target"))
	return ed25519.NewKeyFromSeed(seed[:])
}

// pair is a recipient and its identity as users write them.
type pair struct{ name, public, private string }

func pairs(t testing.TB) []pair {
	t.Helper()
	x, err := age.GenerateX25519Identity()
	must(t, err)
	pq, err := age.GenerateHybridIdentity()
	must(t, err)
	edPublic, edPrivate := sshPair(t, fixedKey())
	rsaPublic, rsaPrivate := sshPair(t, appKey())
	return []pair{
		{"age", x.Recipient().String(), x.String()},
		{"post-quantum", pq.Recipient().String(), pq.String()},
		{"ssh-ed25519", edPublic, edPrivate},
		{"ssh-rsa", rsaPublic, rsaPrivate},
	}
}

// sshPair returns the two files that ssh-keygen makes.
func sshPair(t testing.TB, key crypto.PrivateKey) (public, private string) {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(key)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(key, "a comment")
	must(t, err)
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), string(pem.EncodeToMemory(block))
}

func recipientOf(t testing.TB, text string) []Recipient {
	t.Helper()
	to, err := ParseRecipients(text)
	must(t, err)
	return to
}

func identityFor(t testing.TB, text string) []Identity {
	t.Helper()
	with, err := ParseIdentities(redact.New(text))
	must(t, err)
	return with
}

const phrase = "correct horse battery staple"

// cheap returns a passphrase's recipient that takes no time.
func cheap(t testing.TB) []Recipient {
	t.Helper()
	r, err := passphraseRecipient(redact.New(phrase), 2)
	must(t, err)
	return []Recipient{r}
}

func token() Payload {
	return Payload{
		Token:          redact.New("ghs_" + strings.Repeat("q7", 18)),
		ExpiresAt:      time.Date(2026, 11, 20, 13, 14, 15, 0, time.UTC),
		APIURL:         "https://api.github.com",
		InstallationID: 4711,
		AppSlug:        "valet",
		Permissions:    map[string]string{"contents": "read", "issues": "write"},
		Repositories:   []string{"api", "web"},
	}
}

func values() Payload {
	return Payload{Values: map[string]redact.String{
		"DEPLOY_KEY": redact.New("line one\nline <two> & \"three\"\n"),
		"EMPTY":      redact.New(""),
		"ÜMLAUT":     redact.New("\u2028 \x00 🔑"),
	}}
}

// same compares payloads, the secrets in them too.
func same(want, got Payload) string {
	reveal := cmp.Transformer("reveal", redact.String.Reveal)
	return cmp.Diff(want, got, reveal)
}

// sealed returns a file as stock age makes it.
func sealed(t testing.TB, plain string, to ...age.Recipient) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := age.Encrypt(&file, to...)
	must(t, err)
	_, err = w.Write([]byte(plain))
	must(t, err)
	must(t, w.Close())
	return file.Bytes()
}

func b64(file []byte) string { return base64.StdEncoding.EncodeToString(file) }

func bytesOf(t testing.TB, line string) []byte {
	t.Helper()
	file, err := base64.StdEncoding.DecodeString(line)
	must(t, err)
	return file
}

// fails asserts an error of ours with a hint, and returns its text.
func fails(t testing.TB, err error) *fault.Error {
	t.Helper()
	var e *fault.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *fault.Error", err)
	}
	if e.Hint == "" {
		t.Errorf("%q has no hint", e)
	}
	return e
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
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
