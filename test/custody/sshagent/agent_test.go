//go:build unix

// Package sshagent_test runs the custodian ssh-agent: against the agent of
// OpenSSH, with the App's key in a file and in a hardware security module, for
// which SoftHSM stands: it speaks PKCS #11 as they do, and does not give the key
// away either. The tests need Debian's packages openssh-client and softhsm2.
package sshagent_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// agent is a running ssh-agent.
type agent struct {
	tb     testing.TB
	dir    string
	socket string
	env    []string
}

// pin opens the token of the module.
const pin = "1234"

// newAgent starts an agent without keys.
func newAgent(tb testing.TB) *agent {
	tb.Helper()
	program := installed(tb, "ssh-agent", "ssh-add")
	dir, err := os.MkdirTemp("", "agent-") // short, because a socket's path may be no longer than 108 bytes
	if err != nil {
		tb.Fatal(err)
	}
	a := &agent{tb: tb, dir: dir, socket: filepath.Join(dir, "socket")}
	a.env = append(os.Environ(), "SSH_AUTH_SOCK="+a.socket, "SOFTHSM2_CONF="+filepath.Join(dir, "softhsm2.conf"))
	cmd := exec.CommandContext(tb.Context(), program, "-D", "-a", a.socket)
	cmd.Env = append(a.env, a.askpass()...)
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	})
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("unix", a.socket); err == nil {
			conn.Close()
			return a
		}
	}
	tb.Fatal("ssh-agent does not answer")
	return nil
}

// installed returns the path of the first of some programs that a test needs. It
// skips the test if one is missing.
func installed(tb testing.TB, names ...string) string {
	tb.Helper()
	first := ""
	for i := len(names) - 1; i >= 0; i-- {
		path, err := exec.LookPath(names[i])
		if err != nil {
			tb.Skipf("%s is not installed", names[i])
		}
		first = path
	}
	return first
}

// askpass names the program that is run where a user would be asked.
func (a *agent) askpass() []string {
	return []string{"SSH_ASKPASS=" + filepath.Join(a.dir, "askpass"), "SSH_ASKPASS_REQUIRE=force"}
}

// run runs a program that talks to the agent or to the module.
func (a *agent) run(program string, args ...string) string {
	a.tb.Helper()
	cmd := exec.CommandContext(a.tb.Context(), program, args...)
	cmd.Env = append(a.env, a.askpass()...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		a.tb.Fatalf("%s %v: %v: %s", program, args, err, out)
	}
	return string(out)
}

// file writes a file beside the agent's socket, for its owner alone.
func (a *agent) file(name, text string, mode os.FileMode) string {
	a.tb.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		a.tb.Fatal(err)
	}
	return path
}

// addFile has the agent hold a key that GitHub handed out as a file, under the
// conditions that arguments of ssh-add set.
func (a *agent) addFile(key *rsa.PrivateKey, conditions ...string) {
	a.tb.Helper()
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	file := a.file("app.pem", string(pem.EncodeToMemory(block)), 0o600)
	a.run("ssh-add", slices.Concat([]string{"-q"}, conditions, []string{file})...)
}

// addModule imports a key into the module, and has the agent use it there.
func (a *agent) addModule(key *rsa.PrivateKey) {
	a.tb.Helper()
	library := a.initialize()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.tb.Fatal(err)
	}
	file := a.file("pkcs8.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), 0o600)
	a.run("softhsm2-util", "--import", file, "--token", "valetkey", "--label", "app", "--id", "01", "--pin", pin)
	if err := os.Remove(file); err != nil {
		a.tb.Fatal(err)
	}
	a.run("ssh-add", "-s", library)
}

// initialize makes the module, without a key, and returns its library.
func (a *agent) initialize() (library string) {
	a.tb.Helper()
	library = a.library()
	tokens := filepath.Join(a.dir, "tokens")
	if err := os.Mkdir(tokens, 0o700); err != nil {
		a.tb.Fatal(err)
	}
	a.file("softhsm2.conf", "directories.tokendir = "+tokens+"\nlog.level = ERROR\n", 0o600)
	a.file("askpass", "#!/bin/sh\necho "+pin+"\n", 0o700)
	a.run("softhsm2-util", "--init-token", "--free", "--label", "valetkey", "--so-pin", pin, "--pin", pin)
	return library
}

// library is what the agent reaches the module with.
func (a *agent) library() string {
	a.tb.Helper()
	installed(a.tb, "softhsm2-util")
	libraries, err := filepath.Glob("/usr/lib/*/softhsm/libsofthsm2.so")
	if err != nil || len(libraries) == 0 {
		a.tb.Skip("the library of softhsm2 is not installed")
	}
	return libraries[0]
}

func newKey(tb testing.TB, bits int) *rsa.PrivateKey {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// fingerprint is what ssh-add -l shows of a key.
func fingerprint(tb testing.TB, key *rsa.PrivateKey) string {
	tb.Helper()
	public, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		tb.Fatal(err)
	}
	return ssh.FingerprintSHA256(public)
}

// ways are those in which the agent gets a key.
var ways = map[string]func(*agent, *rsa.PrivateKey){
	"file":   func(a *agent, key *rsa.PrivateKey) { a.addFile(key) },
	"module": (*agent).addModule,
}

// The agent holds exactly the key that was given to it, and signs as GitHub
// wants it.
func TestAgent(t *testing.T) {
	for name, add := range ways {
		t.Run(name, func(t *testing.T) {
			a, key := newAgent(t), newKey(t, 2048)
			add(a, key)
			if listed := a.run("ssh-add", "-l"); !strings.Contains(listed, fingerprint(t, key)) || strings.Count(listed, "\n") != 1 {
				t.Errorf("the agent has %s", listed)
			}
		})
	}
}
