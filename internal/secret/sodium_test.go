package secret

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/nacl/box"

	"github.com/valetkey/valetkey/internal/redact"
)

// libsodium opens each line of standard input: public key, private key and box.
const opener = `
import base64, ctypes, sys
sodium = ctypes.CDLL("libsodium.so.23")
assert sodium.sodium_init() >= 0
for line in sys.stdin:
    public, private, sealed = (base64.b64decode(part) for part in line.split())
    plain = ctypes.create_string_buffer(max(1, len(sealed) - 48))
    if sodium.crypto_box_seal_open(plain, sealed, ctypes.c_ulonglong(len(sealed)), public, private) != 0:
        sys.exit("the box does not open")
    print("=" + plain.raw[:len(sealed) - 48].hex())
`

// GitHub opens our boxes with libsodium, which this test does as well.
func TestLibsodiumOpensOurBoxes(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 to call libsodium from")
	}
	if out, err := exec.Command(python, "-c", `import ctypes; ctypes.CDLL("libsodium.so.23")`).CombinedOutput(); err != nil {
		t.Skipf("there is no libsodium (Debian has it as libsodium23): %s", bytes.TrimSpace(out))
	}
	values := []string{
		"", "x", "a value", "ä\n€\x00\xff", strings.Repeat("k", 31), strings.Repeat("long ", 5000), strings.Repeat("x", MaxValue),
	}
	var boxes, want strings.Builder
	encode := base64.StdEncoding.EncodeToString
	for _, value := range values {
		public, private, err := box.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := publicKey{id: "1", key: public}.seal(redact.New(value))
		if err != nil {
			t.Fatal(err)
		}
		boxes.WriteString(encode(public[:]) + " " + encode(private[:]) + " " + sealed + "\n")
		want.WriteString("=" + hex.EncodeToString([]byte(value)) + "\n")
	}
	open := exec.Command(python, "-c", opener)
	open.Stdin = strings.NewReader(boxes.String())
	out, err := open.CombinedOutput()
	if err != nil || string(out) != want.String() {
		t.Errorf("%v: %.200s", err, out)
	}
}
