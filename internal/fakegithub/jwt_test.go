package fakegithub_test

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

func TestJWT(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	now := time.Now().Unix()
	const (
		undecodable = "A JSON web token could not be decoded"
		issuedAt    = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued."
		expired     = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
		tooLong     = "'Expiration time' claim ('exp') is too far in the future"
	)
	good := func(change jwt.MapClaims) string {
		claims := jwt.MapClaims{"iss": "917", "iat": now - 60, "exp": now + 540}
		for k, v := range change {
			claims[k] = v
		}
		return f.sign(claims)
	}
	claims := jwt.MapClaims{"iss": "917", "iat": now, "exp": now + 60}
	hmac, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, authorization string
		status              int
		message             string
	}{
		{"App id", good(nil), 200, ""},
		{"client id", good(jwt.MapClaims{"iss": f.App.ClientID}), 200, ""},
		{"exactly ten minutes", good(jwt.MapClaims{"exp": now + 600}), 200, ""},
		{"unknown App", good(jwt.MapClaims{"iss": "918"}), 404, "Integration not found"},
		{"no issuer", good(jwt.MapClaims{"iss": ""}), 404, "Integration not found"},
		{"wrong signature", good(nil) + "AAAA", 401, undecodable},
		{"other algorithm", "Bearer " + hmac, 401, undecodable},
		{"garbage", "Bearer garbage", 401, undecodable},
		{"scheme token", "token " + strings.TrimPrefix(good(nil), "Bearer "), 401, undecodable},
		{"nothing", "", 401, "Requires authentication"},
		{"iat in the future", good(jwt.MapClaims{"iat": now + 30}), 401, issuedAt},
		{"iat with a fraction", good(jwt.MapClaims{"iat": float64(now) - 60.5}), 401, issuedAt},
		{"iat as text", good(jwt.MapClaims{"iat": "60"}), 401, issuedAt},
		{"no iat", good(jwt.MapClaims{"iat": nil}), 401, issuedAt},
		{"exp past", good(jwt.MapClaims{"exp": now - 1}), 401, expired},
		{"no exp", good(jwt.MapClaims{"exp": nil}), 401, expired},
		{"exp too far", good(jwt.MapClaims{"exp": now + 630}), 401, tooLong},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := f.send("GET", "/app", test.authorization, "")
			if r.StatusCode != test.status || r.message() != test.message {
				t.Errorf("got %d %q, want %d %q", r.StatusCode, r.message(), test.status, test.message)
			}
		})
	}
}

func TestJWTWithClockSkew(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	f.SetClockSkew(-5 * time.Minute)
	r := f.send("GET", "/app", f.JWT(time.Now()), "")
	if !strings.HasPrefix(r.message(), "'Issued at'") {
		t.Errorf("got %d %q, want a complaint about iat", r.StatusCode, r.message())
	}
	date, err := time.Parse(time.RFC1123, r.Header.Get("Date"))
	if got := time.Until(date).Round(time.Minute); err != nil || got != -5*time.Minute {
		t.Errorf("Date header is off by %v (%v), want -5m", got, err)
	}
	// The caller can correct its clock by this header.
	claims := jwt.MapClaims{"iss": "917", "iat": date.Unix() - 60, "exp": date.Unix() + 540}
	if r := f.send("GET", "/app", f.sign(claims), ""); r.StatusCode != 200 {
		t.Errorf("corrected by Date: got %d %q", r.StatusCode, r.message())
	}
}
