package fakegithub

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"strings"
	"time"
)

// TokenForm is the form of an installation token.
type TokenForm int

const (
	// Opaque is ghs_ and 36 characters, of which the last 6 are a checksum.
	Opaque TokenForm = iota
	// Stateless is ghs_APPID_JWT, about 520 characters with dots and dashes, in
	// a staged rollout since 2026-04-27.
	Stateless
)

// tokenLifetime is fixed: "The installation access token will expire after 1
// hour"
// (https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app).
const tokenLifetime = time.Hour

// Token is what one mint granted.
type Token struct {
	Value               string
	InstallationID      int64
	Permissions         map[string]string
	RepositorySelection string   // "all" or "selected"
	Repositories        []string // OWNER/NAME, what the token reaches now
	ExpiresAt           time.Time
	Revoked             bool
}

type token struct {
	value         string
	installation  *installation
	permissions   map[string]string
	narrowed      bool // the request named repositories; otherwise the token follows the installation
	repositoryIDs ids
	expiresAt     time.Time
	revoked       bool
	lag           int // calls left that fail as if the token were too new
	lagged        int // calls that failed so
}

// Tokens returns every token ever minted, in order.
func (s *Server) Tokens() []Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Token, 0, len(s.tokens))
	for _, t := range s.tokens {
		names := []string{}
		for _, repo := range s.tokenReach(t) {
			names = append(names, repo.Owner+"/"+repo.Name)
		}
		list = append(list, Token{
			Value: t.value, InstallationID: t.installation.ID, Permissions: maps.Clone(t.permissions),
			RepositorySelection: t.selection(), Repositories: names, ExpiresAt: t.expiresAt, Revoked: t.revoked,
		})
	}
	return list
}

// Alive reports whether a token would be accepted now: minted here, not
// expired, not revoked, App still installed.
func (s *Server) Alive(value string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.liveToken(value) != nil
}

// liveToken returns the token if it still works, else nil. The caller holds
// s.mu.
func (s *Server) liveToken(value string) *token {
	t := s.tokenByValue[value]
	if t == nil || t.revoked || !s.now().Before(t.expiresAt) || s.installations[t.installation.ID] != t.installation {
		return nil
	}
	return t
}

func (t *token) selection() string {
	if t.narrowed {
		return "selected"
	}
	return t.installation.selection()
}

// newTokenValue returns the text of a new token.
func newTokenValue(form TokenForm, appID int64, now time.Time) string {
	if form == Stateless {
		return statelessToken(appID, now)
	}
	body := randomString(base62, 30)
	return "ghs_" + body + checksum(body)
}

// base62 is the alphabet of token bodies and checksums.
const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// checksum is the CRC-32 of the body in base62, padded to 6 characters
// (https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/).
func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	digits := []byte("000000")
	for i := len(digits) - 1; sum > 0; i-- {
		digits[i] = base62[sum%62]
		sum /= 62
	}
	return string(digits)
}

// statelessToken has the shape and length of GitHub's. Its signature is random:
// clients must not look inside, and the fake only looks up the whole value.
func statelessToken(appID int64, now time.Time) string {
	header, _ := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT"})
	claims, _ := json.Marshal(map[string]any{
		"iss": "fakegithub", "iat": now.Unix(), "exp": now.Add(tokenLifetime).Unix(), "jti": randomString(base62, 32),
	})
	signature := make([]byte, 256)
	rand.Read(signature) // never fails, see crypto/rand
	b64 := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf("ghs_%d_%s", appID, strings.Join([]string{b64(header), b64(claims), b64(signature)}, "."))
}

// randomString returns n characters of an alphabet of at most 256.
func randomString(alphabet string, n int) string {
	limit := byte(256 / len(alphabet) * len(alphabet) % 256) // 0 means that every byte is fair
	out := make([]byte, 0, n)
	var b [64]byte
	for {
		rand.Read(b[:])
		for _, c := range b {
			if limit != 0 && c >= limit {
				continue // would favour the start of the alphabet
			}
			if out = append(out, alphabet[int(c)%len(alphabet)]); len(out) == n {
				return string(out)
			}
		}
	}
}
