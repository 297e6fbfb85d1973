package custody

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/valetkey/valetkey/internal/fault"
)

// agent is a key behind an SSH agent. The agent may have it from a smart card,
// a TPM or an HSM. Two messages of its protocol are enough.
// https://datatracker.ietf.org/doc/draft-ietf-sshm-ssh-agent/
type agent struct {
	*service
	pin  pin
	blob []byte // of the public key, as the agent names it; nil: not found yet
	key  *rsa.PublicKey
}

const (
	agentFailure    = 5
	agentList       = 11
	agentIdentities = 12
	agentSign       = 13
	agentSigned     = 14

	// agentSHA256 asks for a signature with SHA-256. An agent that does not know
	// it signs with SHA-1.
	agentSHA256 = 2

	agentHint = "unlock the agent, plug in the card that has the key, or confirm the use of the key"

	maxAgentAnswer = 256 << 10 // the limit of OpenSSH
	agentTime      = time.Minute
)

// newAgent checks the settings for a key behind an SSH agent.
func newAgent(s *service, p pin) (custodian, error) {
	if s.AgentSocket == "" {
		return nil, fault.New("key needs an SSH agent, and SSH_AUTH_SOCK is not set",
			"start the agent before the runner, or in an earlier step; "+
				"a container does not reach it, so use the native action")
	}
	return &agent{service: s, pin: p}, nil
}

func (a *agent) sign(ctx context.Context, p payload) ([]byte, error) {
	const op = "sign with the SSH agent"
	if p.message == nil {
		return nil, errors.New(op + ": it signs messages, not digests")
	}
	if err := a.find(ctx); err != nil {
		return nil, err
	}
	request := appendField(appendField([]byte{agentSign}, a.blob), p.message)
	answer, err := a.exchange(ctx, op, binary.BigEndian.AppendUint32(request, agentSHA256))
	if err != nil {
		return nil, err
	}
	kind, rest := cutKind(answer)
	inner, _, _ := cutField(rest)
	format, rest, _ := cutField(inner)
	signature, _, ok := cutField(rest)
	switch {
	case kind == agentFailure:
		return nil, fault.New(op+": it refused", agentHint)
	case kind != agentSigned, !ok:
		return nil, notUnderstood(op)
	case string(format) != "rsa-sha2-256":
		return nil, fault.New(op+": it did not sign with SHA-256", "use an agent that knows rsa-sha2-256, such as OpenSSH 7.2 or later")
	}
	// Some agents leave out the zeros that a signature begins with.
	if missing := a.key.Size() - len(signature); missing > 0 {
		return append(make([]byte, missing), signature...), nil
	}
	return signature, nil
}

func (a *agent) publicKey(ctx context.Context) (*rsa.PublicKey, error) {
	err := a.find(ctx)
	return a.key, err
}

// find asks the agent for its keys, and chooses the one that is meant.
func (a *agent) find(ctx context.Context) error {
	if a.blob != nil {
		return nil
	}
	const op = "find the key in the SSH agent"
	answer, err := a.exchange(ctx, op, []byte{agentList})
	if err != nil {
		return err
	}
	kind, rest := cutKind(answer)
	if kind != agentIdentities || len(rest) < 4 {
		return notUnderstood(op)
	}
	count, rest := binary.BigEndian.Uint32(rest), rest[4:]
	var found []string
	for range count {
		blob, after, _ := cutField(rest)
		_, after, ok := cutField(after) // a comment
		if !ok {
			return notUnderstood(op)
		}
		rest = after
		key := agentKey(blob)
		if key == nil || a.location.key != "" && !pinOf(a.location.key).admits(key) || !a.pin.admits(key) {
			continue
		}
		a.blob, a.key = blob, key
		found = append(found, Fingerprint(key))
	}
	if len(found) != 1 {
		a.blob, a.key = nil, nil
		return notOne(op, int(count), found)
	}
	return nil
}

// notOne is the error for an agent that has none of the keys that are meant, or
// several.
func notOne(op string, all int, found []string) error {
	switch {
	case all == 0:
		return fault.New(op+": it has no key", "add the App's key with ssh-add, or the token that has it with ssh-add -s; "+
			"an agent that is locked shows none: unlock it with ssh-add -X")
	case len(found) == 0:
		return fault.New(op+": none of its "+strconv.Itoa(all)+" keys is the one that is meant",
			"add the App's key with ssh-add, and compare its "+
				"fingerprint, as ssh-add -l or the App's settings page show it")
	}
	return fault.New(op+": it has "+strconv.Itoa(len(found))+" RSA keys",
		"name one of them, as ssh-agent:"+strings.Join(found, ", ssh-agent:"))
}

// agentKey returns the RSA key of an agent's entry, or nil for another kind.
func agentKey(blob []byte) *rsa.PublicKey {
	public, err := ssh.ParsePublicKey(blob)
	if err != nil || public.Type() != ssh.KeyAlgoRSA {
		return nil
	}
	key, _ := public.(ssh.CryptoPublicKey).CryptoPublicKey().(*rsa.PublicKey)
	return key
}

// appendField appends a field as SSH has it: its length, and then the field.
func appendField(to, field []byte) []byte {
	return append(binary.BigEndian.AppendUint32(to, uint32(len(field))), field...) //nolint:gosec // it is a short one
}

// cutField takes the first field off. ok is false if there is none.
func cutField(from []byte) (field, rest []byte, ok bool) {
	if len(from) < 4 {
		return nil, nil, false
	}
	size, from := int64(binary.BigEndian.Uint32(from)), from[4:]
	if size > int64(len(from)) {
		return nil, nil, false
	}
	return from[:size], from[size:], true
}

// cutKind takes the kind off a message; 0 if the message is empty.
func cutKind(message []byte) (kind byte, rest []byte) {
	if len(message) == 0 {
		return 0, nil
	}
	return message[0], message[1:]
}

// exchange sends one message to the agent and returns its answer.
func (a *agent) exchange(ctx context.Context, op string, message []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, agentTime)
	defer cancel()
	connection, err := a.Dial(ctx, a.AgentSocket)
	if err != nil {
		return nil, &fault.Error{
			Problem: op + ": nothing answers at SSH_AUTH_SOCK",
			Hint: "check that the agent runs; a container does not " +
				"reach it, so use the native action", Err: err,
		}
	}
	defer func() { _ = connection.Close() }()
	defer context.AfterFunc(ctx, func() { _ = connection.Close() })() // which ends reading and writing
	_, err = connection.Write(appendField(nil, message))
	var size [4]byte
	if err == nil {
		_, err = io.ReadFull(connection, size[:])
	}
	n := binary.BigEndian.Uint32(size[:])
	if err == nil && n > maxAgentAnswer {
		return nil, notUnderstood(op)
	}
	var answer bytes.Buffer
	if err == nil {
		_, err = io.CopyN(&answer, connection, int64(n))
	}
	if err != nil {
		return nil, &fault.Error{Problem: op + ": it gave no answer", Hint: agentHint, Err: err}
	}
	return answer.Bytes(), nil
}
