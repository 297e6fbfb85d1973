package envelope

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// The stock tool opens our files, and we open its files, for each kind of key
// that the installed version knows.
func TestStockAge(t *testing.T) {
	if _, err := exec.LookPath("age"); err != nil {
		t.Skip("there is no age in PATH: apt-get install age")
	}
	dir := t.TempDir()
	for _, k := range append(pairs(t), appPair(t)...) {
		t.Run(k.name, func(t *testing.T) {
			theirs, complaint, err := run(t, dir, `{"version":1,"token":"t"}`, "age", "-r", k.public)
			if err != nil && strings.HasPrefix(k.public, "age1pq1") && strings.Contains(complaint, "recipient") {
				t.Skip("the installed age is older than 1.3 and knows no post-quantum keys")
			}
			must(t, err)
			with := identityFor(t, k.private)
			got, err := Open(b64([]byte(theirs)), with)
			must(t, err)
			if diff := same(Payload{Token: redact.New("t")}, got); diff != "" {
				t.Error(diff)
			}
			armoured, _, err := run(t, dir, `{"version":1,"values":{"A":"a\n"}}`, "age", "-a", "-r", k.public)
			must(t, err)
			got, err = Open(armoured, with)
			must(t, err)
			if diff := same(Payload{Values: map[string]redact.String{"A": redact.New("a\n")}}, got); diff != "" {
				t.Error(diff)
			}

			key := filepath.Join(dir, "key of "+k.name)
			must(t, os.WriteFile(key, []byte(k.private), 0o600))
			line, err := Seal(token(), recipientOf(t, k.public), nil)
			must(t, err)
			plain, _, err := run(t, dir, string(bytesOf(t, line)), "age", "-d", "-i", key)
			must(t, err)
			holdsToken(t, plain)
		})
	}
}

// appPair is the App's key as GitHub hands it out: PKCS#1, and only the public
// half that can be derived from it.
func appPair(t *testing.T) []pair {
	t.Helper()
	public, _ := sshPair(t, appKey())
	one := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(appKey())})
	return []pair{{"the App's PKCS#1", public, string(one)}, {"the App's PKCS#8", public, pkcs8Of(t, appKey())}}
}

// The App's recipient is made without the text form of its public key.
func TestStockAgeOpensTheAppsOwn(t *testing.T) {
	if _, err := exec.LookPath("age"); err != nil {
		t.Skip("there is no age in PATH: apt-get install age")
	}
	dir := t.TempDir()
	to, err := KeyRecipient(&appKey().PublicKey)
	must(t, err)
	line, err := Seal(token(), []Recipient{to}, nil)
	must(t, err)
	key := filepath.Join(dir, "app.pem")
	must(t, os.WriteFile(key, []byte(appPair(t)[0].private), 0o600))
	plain, _, err := run(t, dir, string(bytesOf(t, line)), "age", "-d", "-i", key)
	must(t, err)
	holdsToken(t, plain)

	// This is the command of docs/another-job.md, word for word.
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("there is no jq in PATH")
	}
	got, _, err := run(t, dir, line, "sh", "-c", "base64 -d | age -d -i app.pem | jq -r .token")
	must(t, err)
	if strings.TrimSpace(got) != token().Token.Reveal() {
		t.Error("the pipe gives another token")
	}
}

// Stock age takes a passphrase from a terminal only; script(1) provides one.
func TestStockAgeWithPassphrase(t *testing.T) {
	for _, tool := range []string{"age", "script"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s in PATH", tool)
		}
	}
	if testing.Short() {
		t.Skip("takes seconds: the work factor is the standard one")
	}
	t.Parallel()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "plain"), []byte(`{"version":1,"token":"t"}`), 0o600))
	_, _, err := run(t, dir, phrase+"\n"+phrase+"\n", "script", "-qec", "age -p -a -o theirs plain", os.DevNull)
	must(t, err)
	theirs, err := os.ReadFile(filepath.Join(dir, "theirs"))
	must(t, err)
	got, err := Open(string(theirs), []Identity{PassphraseIdentity(redact.New(phrase))})
	must(t, err)
	if diff := same(Payload{Token: redact.New("t")}, got); diff != "" {
		t.Error(diff)
	}

	line, err := Seal(token(), cheap(t), nil)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "ours"), bytesOf(t, line), 0o600))
	_, _, err = run(t, dir, phrase+"\n", "script", "-qec", "age -d -o opened ours", os.DevNull)
	must(t, err)
	plain, err := os.ReadFile(filepath.Join(dir, "opened"))
	must(t, err)
	holdsToken(t, string(plain))
}

func holdsToken(t *testing.T, plain string) {
	t.Helper()
	got, err := unmarshal([]byte(plain))
	must(t, err)
	if diff := same(token(), got); diff != "" {
		t.Error(diff)
	}
}

func run(t *testing.T, dir, stdin string, command ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err = cmd.Run()
	if err != nil {
		t.Logf("%s: %s", command[0], complaint.String())
	}
	return out.String(), complaint.String(), err
}
