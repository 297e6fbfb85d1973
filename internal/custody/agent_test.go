package custody

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"github.com/valetkey/valetkey/internal/fault"
)

// dialed has every connection served by a function.
func dialed(serve func(net.Conn)) func(context.Context, string) (net.Conn, error) {
	return func(context.Context, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			serve(theirs)
		}()
		return ours, nil
	}
}

// keyring is an agent with keys.
func keyring(t *testing.T, keys ...any) func(context.Context, string) (net.Conn, error) {
	t.Helper()
	ring := sshagent.NewKeyring()
	for _, key := range keys {
		if err := ring.Add(sshagent.AddedKey{PrivateKey: key, Comment: "a comment\x1b[31m"}); err != nil {
			t.Fatal(err)
		}
	}
	return dialed(func(c net.Conn) { _ = sshagent.ServeAgent(ring, c) })
}

func newRSA(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAgent(t *testing.T) {
	other := newRSA(t, 2048)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	own := &w.key.PublicKey
	for name, c := range map[string]struct {
		uri, pin string
		keys     []any
		want     string // the error; empty: it signs
	}{
		"the only one":       {uri: "ssh-agent:", keys: []any{edwards, w.key}},
		"by OpenSSH's print": {uri: "ssh-agent:" + sshFingerprint(own), keys: []any{other, w.key}},
		"by GitHub's print":  {uri: "ssh-agent:" + Fingerprint(own) + "=", keys: []any{other, w.key}},
		"by the known key":   {uri: "ssh-agent:", pin: publicPEM(w), keys: []any{other, w.key}},
		"another than the known": {
			uri: "ssh-agent:" + Fingerprint(&other.PublicKey), pin: Fingerprint(own), keys: []any{other, w.key}, want: "none of its 2 keys",
		},
		"one of several": {
			uri: "ssh-agent:", keys: []any{other, w.key}, want: "it has 2 RSA keys\nhint: name one of them, as ssh-agent:SHA256:",
		},
		"none": {uri: "ssh-agent:", want: "it has no key\nhint: add the App's key with ssh-add"},
		"none that is meant": {
			uri: "ssh-agent:" + Fingerprint(own), keys: []any{edwards, other}, want: "none of its 2 keys is the one that is meant",
		},
		"none of RSA":             {uri: "ssh-agent:", keys: []any{edwards}, want: "none of its 1 keys"},
		"a key that is too small": {uri: "ssh-agent:", keys: []any{newRSA(t, 1024)}, want: "the signature has 128 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.config.AgentSocket, w.config.PublicKey, w.config.Dial = "/socket", c.pin, keyring(t, c.keys...)
			k := w.open(c.uri)
			if c.want != "" {
				if got := w.signError(k); !strings.Contains(got, c.want) {
					t.Errorf("%s, want %s", got, c.want)
				}
				return
			}
			for range 2 {
				w.sign(k)
			}
			if public, ok := k.Public().(*rsa.PublicKey); !ok || !public.Equal(own) {
				t.Error("the public key is another")
			}
		})
	}

	w.config.Dial = keyring(t, w.key)
	w.config.AgentSocket = "/socket"
	if _, err := w.open("ssh-agent:").Sign(nil, make([]byte, 32), crypto.SHA256); err == nil ||
		!strings.Contains(err.Error(), "not digests") {
		t.Error(err)
	}
	w.config.AgentSocket = ""
	if _, err := Open(t.Context(), "ssh-agent:", w.config); err == nil || !strings.Contains(fault.Hint(err), "native action") {
		t.Error(err)
	}
	w.config.AgentSocket = "/socket"
	w.config.Dial = func(context.Context, string) (net.Conn, error) { return nil, errors.New("refused") }
	if got := w.signError(w.open("ssh-agent:")); !strings.Contains(got, "nothing answers at SSH_AUTH_SOCK") {
		t.Error(got)
	}
}

// reply is what an agent answers to each message, in turn.
func replying(answers ...[]byte) func(net.Conn) {
	next := 0
	return func(c net.Conn) {
		var size [4]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(size[:])))
		if next < len(answers) {
			next++
			_, _ = c.Write(answers[next-1])
		}
	}
}

func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
}

func TestHostileAgent(t *testing.T) {
	w := newWorld(t)
	public, err := ssh.NewPublicKey(&w.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	list := framed(ssh.Marshal(struct {
		Type, Count byte
		Rest        []byte `ssh:"rest"`
	}{12, 0, append([]byte{0, 0, 1}, ssh.Marshal(struct{ Blob, Comment []byte }{public.Marshal(), nil})...)}))
	signature := func(format string, blob []byte) []byte {
		inner := ssh.Marshal(struct {
			Format string
			Blob   []byte
		}{format, blob})
		return framed(append([]byte{14}, ssh.Marshal(struct{ S []byte }{inner})...))
	}
	for name, c := range map[string]struct {
		answers [][]byte
		want    string
	}{
		"no answer":              {nil, "it gave no answer"},
		"an endless answer":      {[][]byte{{0xff, 0xff, 0xff, 0xff, 12}}, "not what the service describes"},
		"a cut answer":           {[][]byte{list[:100]}, "it gave no answer"},
		"an empty answer":        {[][]byte{framed(nil)}, "not what the service describes"},
		"another message":        {[][]byte{framed([]byte{5})}, "not what the service describes"},
		"many keys that are not": {[][]byte{framed([]byte{12, 0xff, 0xff, 0xff, 0xff})}, "not what the service describes"},
		"a refusal":              {[][]byte{list, framed([]byte{5})}, "it refused\nhint: unlock the agent"},
		"SHA-1":                  {[][]byte{list, signature("ssh-rsa", make([]byte, 256))}, "did not sign with SHA-256"},
		"another signature":      {[][]byte{list, signature("rsa-sha2-256", make([]byte, 256))}, "the signature is that of another key"},
		"an empty signature":     {[][]byte{list, signature("rsa-sha2-256", nil)}, "the signature is that of another key"},
		"a large signature":      {[][]byte{list, signature("rsa-sha2-256", make([]byte, 5000))}, "the signature has 5000 bytes"},
		"no signature":           {[][]byte{list, framed([]byte{14, 0, 0, 0, 0})}, "not what the service describes"},
	} {
		w := newWorld(t)
		w.config.AgentSocket, w.config.Dial = "/socket", dialed(replying(c.answers...))
		if got := w.signError(w.open("ssh-agent:")); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// An agent that waits for a person does not wait for ever, and not after the
// step was cancelled.
func TestSilentAgent(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			end := make(chan struct{})
			w.config.AgentSocket, w.config.Dial = "/socket", dialed(func(net.Conn) { <-end })
			k, err := Open(ctx, "ssh-agent:", w.config)
			if err != nil {
				t.Fatal(err)
			}
			if cancelled {
				time.AfterFunc(time.Second, cancel)
			}
			began := time.Now()
			if got := w.signError(k); !strings.Contains(got, "it gave no answer") {
				t.Error(got)
			}
			if took := time.Since(began); took > agentTime || cancelled && took > time.Second {
				t.Errorf("waited for %s", took)
			}
			close(end)
		})
	}
}

// Some agents leave out the zeros that a signature begins with.
func TestAgentLeavesOutZeros(t *testing.T) {
	w := newWorld(t)
	ring := sshagent.NewKeyring()
	if err := ring.Add(sshagent.AddedKey{PrivateKey: w.key}); err != nil {
		t.Fatal(err)
	}
	w.config.AgentSocket = "/socket"
	w.config.Dial = dialed(func(c net.Conn) { _ = sshagent.ServeAgent(shortAgent{ring.(sshagent.ExtendedAgent)}, c) })
	k := w.open("ssh-agent:")
	short := 0
	for i := range 2000 {
		signature, err := k.SignMessage(nil, binary.BigEndian.AppendUint32(nil, uint32(i)), crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if signature[0] == 0 {
			if short++; short == 2 {
				return
			}
		}
	}
	t.Errorf("%d of 2000 signatures begin with a zero", short)
}

type shortAgent struct{ sshagent.ExtendedAgent }

func (a shortAgent) SignWithFlags(key ssh.PublicKey, data []byte, flags sshagent.SignatureFlags) (*ssh.Signature, error) {
	s, err := a.ExtendedAgent.SignWithFlags(key, data, flags)
	for err == nil && s.Blob[0] == 0 {
		s.Blob = s.Blob[1:]
	}
	return s, err
}
