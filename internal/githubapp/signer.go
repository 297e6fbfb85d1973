package githubapp

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/valetkey/valetkey/internal/redact"
)

// GitHub refuses an iat ahead of its own clock, and an exp more than ten
// minutes ahead of it. With a minute back and four ahead, a clock may be wrong
// by that much before a second attempt is needed, and the JWT is short-lived.
const (
	backdate = 60 * time.Second
	lifetime = 4 * time.Minute
)

// signer implements [ghinstallation.Signer] over any crypto.Signer, so that a
// key may live in a KMS, and with the client id as the issuer.
type signer struct {
	issuer string
	key    crypto.Signer
	clock  *clock // set only if a JWT was refused for its times: other answers may come from a cache
	onJWT  func(redact.String)

	mu     sync.Mutex
	signed string
	at     time.Time // of the signature, by the corrected clock
}

// reuse is the time for which a JWT is used for further requests, because
// signing is a good part of the time of a mint. An attempt after a long rate
// limit signs again.
const reuse = 30 * time.Second

func (s *signer) Sign(claims jwt.Claims) (string, error) {
	c, ok := claims.(*jwt.RegisteredClaims)
	if !ok {
		return "", fmt.Errorf("unexpected claims %T", claims)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.now().Truncate(time.Second) // GitHub wants whole seconds
	if age := now.Sub(s.at); s.signed != "" && age >= 0 && age < reuse {
		return s.signed, nil
	}
	c.Issuer = s.issuer
	c.IssuedAt = jwt.NewNumericDate(now.Add(-backdate))
	c.ExpiresAt = jwt.NewNumericDate(now.Add(lifetime))
	input, err := jwt.NewWithClaims(jwt.SigningMethodRS256, c).SigningString()
	if err != nil {
		return "", err
	}
	signature, err := crypto.SignMessage(s.key, rand.Reader, []byte(input), crypto.SHA256)
	if err != nil {
		return "", err
	}
	s.signed, s.at = input+"."+base64.RawURLEncoding.EncodeToString(signature), now
	s.onJWT(redact.New(s.signed))
	return s.signed, nil
}

// correct sets the clock that JWTs go by. The last JWT was refused, so the next
// is a new one.
func (s *signer) correct(skew time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock.set(skew)
	s.signed = ""
}

// unsigned is the error of a call that could not be signed.
type unsigned struct{ cause error }

func (e unsigned) Error() string { return e.cause.Error() }

// presigned makes the JWT for a request before its attempt begins. The signer
// keeps it for the attempt.
type presigned struct {
	next   http.RoundTripper
	signer *signer
}

func (p presigned) RoundTrip(req *http.Request) (*http.Response, error) {
	if t := stateOf(req.Context()); t != nil && t.ctx.Err() != nil {
		return p.next.RoundTrip(req) // which sends it no more
	}
	if _, err := p.signer.Sign(&jwt.RegisteredClaims{}); err != nil {
		return nil, unsigned{err}
	}
	return p.next.RoundTrip(req)
}
