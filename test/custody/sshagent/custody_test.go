//go:build unix

package sshagent_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/custody"
	"github.com/valetkey/valetkey/test/custody/step"
)

// step opens a key behind the agent.
func (a *agent) step(uri string, inputs func(*custody.Config)) *step.Step {
	a.tb.Helper()
	return step.Open(a.tb, uri, map[string]string{"SSH_AUTH_SOCK": a.socket}, inputs)
}

// The agent's key mints, from a file and from a module, by the fingerprint that
// OpenSSH shows, by that which the App's settings show, and by itself if it is
// the only one.
func TestMint(t *testing.T) {
	for name, add := range ways {
		t.Run(name, func(t *testing.T) {
			a, key := newAgent(t), step.Key()
			add(a, key)
			for _, uri := range []string{
				"ssh-agent:", "ssh-agent:" + fingerprint(t, key), "ssh-agent:" + step.Fingerprint(&key.PublicKey),
			} {
				s := a.step(uri, nil)
				if err := s.Mint(&key.PublicKey); err != nil {
					t.Errorf("%s: %v", uri, err)
				}
				if err := s.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Of several keys, the one that is named signs, or that of the App if the step
// knows it. Otherwise none does.
func TestSeveralKeys(t *testing.T) {
	a, key, other := newAgent(t), step.Key(), newKey(t, 2048)
	a.addECDSA()
	a.addFile(other)
	a.addModule(key)
	for _, s := range []*step.Step{
		a.step("ssh-agent:"+fingerprint(t, key), nil),
		a.step("ssh-agent:", func(c *custody.Config) { c.PublicKey = step.Fingerprint(&key.PublicKey) }),
	} {
		if err := s.Mint(&key.PublicKey); err != nil {
			t.Error(err)
		}
	}
	s := a.step("ssh-agent:", nil)
	s.Refused(s.Sign(&key.PublicKey), "it has 2 RSA keys", "ssh-agent:SHA256:")
	s = a.step("ssh-agent:"+fingerprint(t, newKey(t, 2048)), nil)
	s.Refused(s.Sign(&key.PublicKey), "none of its 3 keys", "ssh-add")
	s = a.step("ssh-agent:"+fingerprint(t, other), func(c *custody.Config) { c.PublicKey = step.Fingerprint(&key.PublicKey) })
	s.Refused(s.Sign(&key.PublicKey), "none of its 3 keys")
}

// Each state of an agent that can't sign ends the step with what there is to do.
func TestRefused(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*agent)
		want    []string
	}{
		"no key":            {func(*agent) {}, []string{"it has no key", "ssh-add"}},
		"another kind":      {(*agent).addECDSA, []string{"none of its 1 keys"}},
		"too short":         {func(a *agent) { a.addFile(newKey(a.tb, 1024)) }, []string{"2048 bits"}},
		"locked":            {func(a *agent) { a.addFile(step.Key()); a.lock() }, []string{"it has no key", "unlock it"}},
		"the module ended":  {func(a *agent) { a.addModule(step.Key()); a.removeModule() }, []string{"it has no key"}},
		"not there":         {func(a *agent) { a.socket += "-other" }, []string{"nothing answers at SSH_AUTH_SOCK", "native"}},
		"nobody confirms":   {(*agent).addUnconfirmed, []string{"it refused", "confirm"}},
		"something else":    {(*agent).impostor, []string{"not what the service describes"}},
		"its time has come": {func(a *agent) { a.addFile(step.Key(), "-t", "1"); time.Sleep(2 * time.Second) }, []string{"it has no key"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAgent(t)
			test.prepare(a)
			s := a.step("ssh-agent:", nil)
			s.Refused(s.Sign(&step.Key().PublicKey), test.want...)
		})
	}
}

// addUnconfirmed has the agent ask for each signature, and somebody say no.
func (a *agent) addUnconfirmed() {
	a.tb.Helper()
	a.addFile(step.Key(), "-c")
	a.file("askpass", "#!/bin/sh\nexit 1\n", 0o700)
}

// addECDSA has the agent hold a key that no App has.
func (a *agent) addECDSA() {
	a.tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.tb.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.tb.Fatal(err)
	}
	a.run("ssh-add", "-q", a.file("other.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), 0o600))
}

// lock locks the agent with a password.
func (a *agent) lock() {
	a.tb.Helper()
	a.file("askpass", "#!/bin/sh\necho "+pin+"\n", 0o700)
	a.run("ssh-add", "-x")
}

// removeModule takes the module from the agent, as when a card is pulled.
func (a *agent) removeModule() {
	a.tb.Helper()
	a.run("ssh-add", "-e", a.library())
}

// impostor puts something else at the agent's address.
func (a *agent) impostor() {
	a.tb.Helper()
	a.socket = filepath.Join(a.dir, "other")
	listener, err := net.Listen("unix", a.socket)
	if err != nil {
		a.tb.Fatal(err)
	}
	a.tb.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(connection, make([]byte, 5)) // as much as any message has
			_, _ = connection.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			connection.Close()
		}
	}()
}
