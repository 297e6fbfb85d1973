package fakegithub

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"

	"golang.org/x/crypto/nacl/box"
)

// Limits of secrets
// (https://docs.github.com/en/actions/reference/security/secrets#limits-for-secrets).
// It is unconfirmed that those of Dependabot, Codespaces and agents are the
// same, and that an organization has 100 for Codespaces.
const (
	maxSecret              = 48 << 10 // whether before or after encryption is unknown; here before
	maxSecrets             = 100
	maxOrganizationSecrets = 1000
)

// vaultKey says where secrets are and which app reads them. Each key has its
// own vault and key pair.
type vaultKey struct {
	organization string // lower-case login; empty for those of a repository
	repository   int64
	environment  string // lower-case name; empty for those of the repository itself
	app          string
}

// vault holds the secrets of one place, and the key pair to seal them with.
type vault struct {
	vaultKey
	keyID           string
	public, private *[32]byte
	secrets         index[*secret] // by name, which is upper-case
}

type secret struct {
	name, value          string
	createdAt, updatedAt time.Time
	access
}

// vault returns the vault of a key, made on first use. The caller holds s.mu.
func (s *Server) vault(key vaultKey) *vault {
	v := s.vaults[key]
	if v == nil {
		v = &vault{vaultKey: key}
		s.vaults[key] = v
	}
	return v
}

// keyPair returns the key pair, made on first use.
func (v *vault) keyPair() (id string, public, private *[32]byte) {
	if v.public == nil {
		v.public, v.private, _ = box.GenerateKey(rand.Reader) // never fails, see crypto/rand
		v.keyID = randomString("123456789", 18)
	}
	return v.keyID, v.public, v.private
}

// limit returns how many secrets there may be.
func (v *vault) limit() int {
	if v.organization != "" && v.app != "codespaces" {
		return maxOrganizationSecrets
	}
	return maxSecrets
}

// open unseals a value that was sealed for the key that the caller names.
func (v *vault) open(keyID, sealed string) (value string, opened bool) {
	id, public, private := v.keyPair()
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || keyID != id {
		return "", false
	}
	plain, opened := box.OpenAnonymous(nil, raw, public, private)
	return string(plain), opened
}

// put stores a secret. An existing secret keeps its time of creation.
func (v *vault) put(name, value string, a access, now time.Time) (created bool) {
	s, known := v.secrets.get(name)
	if !known {
		s = &secret{name: name, createdAt: now}
		v.secrets.put(name, s)
	}
	s.value, s.access, s.updatedAt = value, a, now
	return !known
}

// isBase64 reports whether text matches the pattern of GitHub's description.
// Go's decoder differs from it: it skips line breaks.
func isBase64(text string) bool {
	_, err := base64.StdEncoding.DecodeString(text)
	return err == nil && text != "" && !strings.ContainsAny(text, "\r\n")
}
