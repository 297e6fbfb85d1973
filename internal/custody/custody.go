// Package custody signs with an App's private key where it lives: in a key
// management service, in a vault's transit engine, behind an SSH agent, or in a
// file. GitHub needs no more of the key than one signature for each JWT, so the
// key itself never has to lie in a secret of GitHub.
//
// A URI says where the key is, see [Parse], and a [Config] who may use it there:
// a role that is taken with the OIDC token of the job, inside the step, or what
// an earlier step has configured. Nothing of this leaves the step, and every
// credential is masked before it is first used.
//
// The package opens no connection, reads no file and no environment, and prints
// nothing: it does so through the functions of its [Config]. It trusts no
// custodian: an answer is bounded, and a signature that is not one of the key is
// an error here, not a refusal of GitHub's later. Start at [Open].
package custody

import (
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"io"
)

// Key is a private key of RSA that signs where it lives. Several goroutines may
// use it at once.
type Key struct{}

var (
	_ crypto.Signer        = (*Key)(nil)
	_ crypto.MessageSigner = (*Key)(nil)
)

// Open returns the key that a URI names. It checks the URI and the
// configuration, and sends nothing: the first signature takes the role. ctx
// bounds everything that signing does, because a [crypto.Signer] is given none.
//
// Errors of Open and of signing are made to be shown: they say what failed
// first, and their hint what to do about it.
func Open(ctx context.Context, uri string, c Config) (*Key, error) {
	return nil, errors.New("not yet")
}

// String returns the URI in its usual spelling.
func (k *Key) String() string { return "" }

// Public returns the public key, or nil as long as nobody has told it: a
// custodian is asked for it with the first signature.
func (k *Key) Public() crypto.PublicKey { return nil }

// Private returns the private key if it is in this process, as that of a file
// is, and otherwise nil.
func (k *Key) Private() crypto.Signer { return nil }

// Sign signs the SHA-256 of a message, by PKCS #1 v1.5. An SSH agent can't do
// that: it wants the message, see [Key.SignMessage].
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("not yet")
}

// SignMessage signs a message, by PKCS #1 v1.5 and SHA-256. It implements
// [crypto.MessageSigner].
func (k *Key) SignMessage(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	sum := sha256.Sum256(message)
	return k.Sign(random, sum[:], opts)
}

// Close gives back what was taken to sign: it revokes the token of a vault that
// the step got itself. A key that never signed has nothing to give back.
func (k *Key) Close(ctx context.Context) error { return nil }
