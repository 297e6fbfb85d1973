// Package custody signs with an App's private key where it lives: in a key
// management service, in a vault's transit engine, behind an SSH agent, or in a
// file. GitHub needs no more of the key than one signature for each JWT, so the
// key itself never has to lie in a secret of GitHub.
//
// A URI says where the key is, and a [Config] who may use it there: a role that
// is taken with the OIDC token of the job, inside the step, or what an earlier
// step has configured. Nothing of this leaves the step, and every credential is
// masked before it is first used.
//
// The package opens no connection, reads no file and no environment, and prints
// nothing: it does so through the functions of its [Config]. It trusts no
// custodian: an answer is bounded, and a signature that is not one of the key is
// an error here, not a refusal of GitHub's later. Start at [Open].
package custody

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// Key is an RSA private key that signs where it lives. Several goroutines may
// use it at once.
type Key struct {
	ctx    context.Context // of all that signing does
	uri    string
	pin    pin
	config Config

	mu        sync.Mutex // guards the fields below
	custodian custodian
	public    *rsa.PublicKey // nil: not told
	asked     bool           // for the public key
}

var (
	_ crypto.Signer        = (*Key)(nil)
	_ crypto.MessageSigner = (*Key)(nil)
)

// custodian is a place where keys live, and one key there. Its methods are
// called one after the other.
type custodian interface {
	// sign signs by PKCS #1 v1.5 and SHA-256. The result is not to be trusted.
	sign(context.Context, payload) ([]byte, error)
	// publicKey returns the public key of the key that signed last. A custodian
	// that does not tell it to us answers with a [refusal].
	publicKey(context.Context) (*rsa.PublicKey, error)
}

// closer is a custodian from whom something was taken that can be given back.
// What the others gave ends by itself, after minutes, and nobody can end it
// sooner.
type closer interface{ close(context.Context) error }

// payload is what is signed.
type payload struct {
	message []byte // nil if only the digest is known
	digest  []byte // the SHA-256 of the message
}

// Open returns the key that a URI names. It checks the URI and the
// configuration, and sends nothing: the first signature takes the role. ctx
// bounds all that signing does, because a [crypto.Signer] is given none.
//
// The errors of Open and of signing are made to be shown: they name the inputs
// of a step, say what failed first, and have a hint.
func Open(ctx context.Context, uri string, c Config) (*Key, error) {
	at, err := parse(uri)
	if err != nil {
		return nil, err
	}
	known, err := parsePin(c.PublicKey)
	if err != nil {
		return nil, err
	}
	k := &Key{ctx: ctx, uri: at.uri(), pin: known, config: c}
	k.config.fill()
	for _, given := range []redact.String{c.Job.RequestToken, c.AWS.SecretAccessKey, c.AWS.SessionToken, c.Vault.Token} {
		if !given.Empty() {
			k.config.Secret(given) // who set it may not have masked it
		}
	}
	s := &service{Config: &k.config, location: at}
	switch at.scheme {
	case "awskms://":
		k.custodian, err = newAWS(s)
	case "gcpkms://":
		k.custodian, err = newGoogle(s)
	case "azurekms://":
		k.custodian, err = newAzure(s)
	case "hashivault://", "openbao://":
		k.custodian, err = newVault(s)
	case "ssh-agent:":
		k.custodian, err = newAgent(s, known)
	default:
		k.custodian, err = newFile(s)
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

// fill replaces the functions that only tell, if they are nil.
func (c *Config) fill() {
	if c.Secret == nil {
		c.Secret = func(redact.String) {}
	}
	if c.Info == nil {
		c.Info = func(string, ...any) {}
	}
	if c.Warning == nil {
		c.Warning = func(string, ...any) {}
	}
	if c.Done == nil {
		c.Done = func(string) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// String returns the URI in its usual spelling.
func (k *Key) String() string { return k.uri }

// Setting returns the input that names the key, for hints.
func (k *Key) Setting() string { return "key" }

// Public returns the public key, or nil as long as nobody has told it: a
// custodian is asked for it with the first signature.
func (k *Key) Public() crypto.PublicKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	if known := cmp.Or(k.pin.key, k.public); known != nil {
		return known
	}
	return nil
}

// Private returns the private key if it is in this process, as that of a file
// is, and otherwise nil.
func (k *Key) Private() crypto.Signer {
	if l, ok := k.custodian.(*local); ok {
		return l.key
	}
	return nil
}

// Sign signs the SHA-256 of a message by PKCS #1 v1.5. An SSH agent can't do
// that, because it wants the message: see [Key.SignMessage].
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.sign(payload{nil, digest}, opts)
}

// SignMessage signs a message by PKCS #1 v1.5 and SHA-256. It implements
// [crypto.MessageSigner].
func (k *Key) SignMessage(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	sum := sha256.Sum256(message)
	return k.sign(payload{message, sum[:]}, opts)
}

func (k *Key) sign(p payload, opts crypto.SignerOpts) ([]byte, error) {
	if _, pss := opts.(*rsa.PSSOptions); pss || opts.HashFunc() != crypto.SHA256 || len(p.digest) != sha256.Size {
		return nil, errors.New("custody: signs by PKCS #1 v1.5 and SHA-256 only")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	signature, err := k.custodian.sign(k.ctx, p)
	if err == nil {
		err = k.verify(p.digest, signature)
	}
	if err != nil {
		return nil, err
	}
	return signature, nil
}

// signing is what fails if a signature is of no use.
const signing = "sign with the App's key"

// verify returns an error unless a signature is one of the App's key, as far as
// that is known.
func (k *Key) verify(digest, signature []byte) error {
	if len(signature) == 0 {
		return notUnderstood(signing)
	}
	if n := len(signature); n < minBits/8 || n > maxBits/8 {
		return fault.New(fmt.Sprintf("%s: the signature has %d bytes, which no RSA key of 2048 bits makes", signing, n), importKey)
	}
	public, err := k.publicKey()
	if public == nil {
		return err
	}
	if rsa.VerifyPKCS1v15(public, crypto.SHA256, digest, signature) != nil {
		return fault.New(signing+": the signature is that of another key", importKey)
	}
	return nil
}

// publicKey returns the public key that signatures are checked by. It is nil if
// nothing is known of the App's public key, and the custodian does not tell.
func (k *Key) publicKey() (*rsa.PublicKey, error) {
	if k.pin.key != nil || k.asked {
		return cmp.Or(k.pin.key, k.public), nil
	}
	told, err := k.custodian.publicKey(k.ctx)
	var refused *refusal
	switch {
	case err == nil && !k.pin.admits(told):
		return nil, fault.New(signing+": it is not the App's key, but one with the fingerprint "+Fingerprint(told), importKey)
	case err == nil:
		k.public = told
	case k.pin.empty() && errors.As(err, &refused) && refused.status < 500:
		k.config.Info("the signature is left to GitHub to check: %s does not tell its public key to this step", k.uri)
	default:
		return nil, err
	}
	k.asked = true
	return k.public, nil
}

// Close gives back what was taken to sign: it revokes the token of a vault that
// the step got itself. A key that never signed has nothing to give back.
func (k *Key) Close(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c, ok := k.custodian.(closer); ok {
		return c.close(ctx)
	}
	return nil
}
