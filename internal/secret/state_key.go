package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
)

// Derive returns a key of 32 bytes, made from something that only the owner of
// a state file has; the same one each time for the same salt. An App's key may
// be in a KMS and only sign; a signature that is always the same is enough.
type Derive func(salt []byte) ([]byte, error)

// A state has a key of its own, so that it outlives the App's key: the file
// holds it wrapped under a key that is derived from the App's. When the App's
// key is replaced, the state is opened once more with the previous one and
// wrapped again.
const (
	stateKeySize  = 32
	stateSaltSize = 16
)

// wrapped is the encrypted key of a state, as the file has it.
type wrapped struct{ salt, box []byte }

// seal encrypts the key of a state.
func (d Derive) seal(key []byte) (wrapped, error) {
	salt := make([]byte, stateSaltSize)
	_, _ = rand.Read(salt) // never fails
	aead, err := d.aead(salt)
	if err != nil {
		return wrapped{}, err
	}
	return wrapped{salt, aead.Seal(nil, nil, key, nil)}, nil
}

// errOtherKey is the error for a state that was wrapped under another App's
// key.
var errOtherKey = errors.New("wrapped under another key")

// open decrypts the key of a state. The error is errOtherKey if it was wrapped
// under another key.
func (d Derive) open(w wrapped) ([]byte, error) {
	if d == nil || len(w.salt) != stateSaltSize {
		return nil, errOtherKey
	}
	aead, err := d.aead(w.salt)
	if err != nil {
		return nil, err
	}
	key, err := aead.Open(nil, nil, w.box, nil)
	if err != nil || len(key) != stateKeySize {
		return nil, errOtherKey
	}
	return key, nil
}

func (d Derive) aead(salt []byte) (cipher.AEAD, error) {
	derived, err := d(salt)
	if err != nil {
		return nil, fmt.Errorf("derive the key of the state file: %w", err)
	}
	if len(derived) != stateKeySize {
		return nil, fmt.Errorf("the key of a state file has %d bytes, not %d", stateKeySize, len(derived))
	}
	defer clear(derived)
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode64(text string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(text) }
