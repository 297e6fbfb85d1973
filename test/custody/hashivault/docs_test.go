package hashivault_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/valetkey/valetkey/test/custody/manual"
)

// What docs/custody.md has a reader write into the vault admits the job that it
// names, and no other, and lets it sign and nothing more.
func TestManual(t *testing.T) {
	const name = "valetkey"
	section := manual.Read(t, "Vault and OpenBao")
	v := newVault(t)
	v.write("transit/keys/"+name+"/import", map[string]any{"ciphertext": v.wrap("transit", v.key), "type": "rsa-2048"})
	var settings map[string]any
	if err := json.Unmarshal([]byte(section.Blocks("json")[0]), &settings); err != nil {
		t.Fatal(err)
	}
	v.operator(logical.DeleteOperation, "auth/jwt/role/"+role, nil)
	v.write("auth/jwt/role/"+name, settings)
	v.rights = map[string][]string{}
	for _, path := range regexp.MustCompile(`path "(.*?)"`).FindAllStringSubmatch(section.Blocks("hcl")[0], -1) {
		v.rights[name] = append(v.rights[name], path[1])
	}
	s := v.step(t, job, "hashivault://"+name, nil)
	if err := s.Mint(&v.key.PublicKey); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil || v.alive() != 0 {
		t.Errorf("%v, and %d tokens are alive", err, v.alive())
	}
	branch := job
	branch.Environment = ""
	s = v.step(t, branch, "hashivault://"+name, nil)
	s.Refused(s.Sign(&v.key.PublicKey), "bound_claims", branch.Subject())

	next := newKey(t)
	v.write("transit/keys/"+name+"/import_version", map[string]any{"ciphertext": v.wrap("transit", next)})
	v.write("transit/keys/"+name+"/config", map[string]any{"min_decryption_version": 2, "min_encryption_version": 2})
	if err := v.step(t, job, "hashivault://"+name, nil).Mint(&next.PublicKey); err != nil {
		t.Errorf("after the key was replaced: %v", err)
	}
}

// The commands that wrap a key for AWS make what a service unwraps that knows
// the mechanism, as the transit engine does.
func TestManualWrapping(t *testing.T) {
	for _, program := range []string{"sh", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	v, dir, other := newVault(t), t.TempDir(), newKey(t)
	public, _ := v.operator(logical.ReadOperation, "transit/wrapping_key", nil)["public_key"].(string)
	block, _ := pem.Decode([]byte(public))
	key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(other)})
	for name, content := range map[string][]byte{"wrapping.der": block.Bytes, "app.private-key.pem": key} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script := manual.Read(t, "Make the key, and keep no copy").Commands("openssl pkcs8", "openssl pkcs8") +
		manual.Read(t, "AWS KMS").Commands("openssl rand", "cat aes.wrapped")
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, script)
	}
	material, err := os.ReadFile(filepath.Join(dir, "material.bin"))
	if err != nil {
		t.Fatal(err)
	}
	v.write("transit/keys/wrapped/import", map[string]any{"ciphertext": base64.StdEncoding.EncodeToString(material), "type": "rsa-2048"})
	v.rights[role] = []string{"transit/sign/wrapped/sha2-256", "transit/keys/wrapped"}
	if err := v.step(t, job, "hashivault://wrapped", nil).Sign(&other.PublicKey); err != nil {
		t.Error(err)
	}
}
