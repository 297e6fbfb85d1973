package custody

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// local is a private key in this process.
type local struct{ key crypto.Signer }

// newFile reads the private key in a file.
func newFile(s *service) (custodian, error) {
	text, err := s.ReadFile(s.key)
	if err != nil {
		return nil, &fault.Error{Problem: "the file of key can't be read: " + err.Error(), Hint: fault.Hint(err), Err: err}
	}
	pem := redact.New(string(text))
	s.Secret(pem)
	key, err := s.ParseKey(pem)
	if err != nil {
		return nil, &fault.Error{Problem: "the file of key " + err.Error(), Hint: fault.Hint(err), Err: err}
	}
	return &local{key}, nil
}

func (l *local) sign(_ context.Context, p payload) ([]byte, error) {
	return l.key.Sign(rand.Reader, p.digest, crypto.SHA256)
}

func (l *local) publicKey(context.Context) (*rsa.PublicKey, error) {
	return rsaPublic("read the key", l.key.Public(), nil)
}
