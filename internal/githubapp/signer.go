package githubapp

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/valetkey/valetkey/internal/redact"
)

// GitHub refuses an iat ahead of its own clock and an exp more than ten minutes
// ahead. A minute back and four forward lets a clock be wrong by as much before
// a second attempt is needed, and keeps the JWT short-lived.
const (
	backdate = 60 * time.Second
	lifetime = 4 * time.Minute
)

// clock is GitHub's time as far as we know: ours, shifted.
type clock struct{ shift atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.shift.Load())) }

// signer implements [ghinstallation.Signer] over any crypto.Signer, so that a
// key may live in a KMS, and with the client id as the issuer.
type signer struct {
	issuer string
	key    crypto.Signer
	clock  *clock
	secret func(redact.String)
}

func (s *signer) Sign(claims jwt.Claims) (string, error) {
	c, ok := claims.(*jwt.RegisteredClaims)
	if !ok {
		return "", fmt.Errorf("unexpected claims %T", claims)
	}
	now := s.clock.now().Truncate(time.Second) // GitHub wants whole seconds
	c.Issuer = s.issuer
	c.IssuedAt = jwt.NewNumericDate(now.Add(-backdate))
	c.ExpiresAt = jwt.NewNumericDate(now.Add(lifetime))
	input, err := jwt.NewWithClaims(jwt.SigningMethodRS256, c).SigningString()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(input))
	signature, err := s.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return "", err
	}
	signed := input + "." + base64.RawURLEncoding.EncodeToString(signature)
	s.secret(redact.New(signed))
	return signed, nil
}
