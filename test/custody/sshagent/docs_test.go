//go:build unix

package sshagent_test

import (
	"crypto/x509"
	"encoding/pem"
	"os/exec"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/test/custody/manual"
	"github.com/valetkey/valetkey/test/custody/step"
)

// What docs/custody.md has a reader do brings a key into a module, and the agent
// signs with it.
func TestManual(t *testing.T) {
	installed(t, "openssl", "pkcs11-tool", "softhsm2-util")
	a, key := newAgent(t), step.Key()
	library := a.initialize()
	a.file("app.private-key.pem", string(pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key),
	})), 0o600)
	section := manual.Read(t, "SSH agent")
	script := manual.Read(t, "Make the key, and keep no copy").Commands("openssl pkcs8", "openssl pkcs8") +
		section.Commands("module=", "pkcs11-tool --module \"$module\" --login --write-object public.der") +
		section.Commands("SSH_AUTH_SOCK", "SSH_AUTH_SOCK=/run/valetkey/agent ssh-add -l")
	for _, change := range [][2]string{ // where this test has it otherwise
		{"module=/usr/lib/softhsm/libsofthsm2.so", "module=" + library},
		{"--login", "--login --pin " + pin},
		{"/run/valetkey/agent", a.socket},
	} {
		if !strings.Contains(script, change[0]) {
			t.Fatalf("no %q in\n%s", change[0], script)
		}
		script = strings.ReplaceAll(script, change[0], change[1])
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
	cmd.Env, cmd.Dir = append(a.env, a.askpass()...), a.dir
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), fingerprint(t, key)) {
		t.Fatalf("%v: %s\n%s", err, out, script)
	}
	if err := a.step("ssh-agent:"+fingerprint(t, key), nil).Mint(&key.PublicKey); err != nil {
		t.Error(err)
	}
}
