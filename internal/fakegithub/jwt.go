package fakegithub

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/golang-jwt/jwt/v4"
)

// The messages with which GitHub refuses a JWT, as quoted in public issue
// threads.
const (
	jwtUndecodable = "A JSON web token could not be decoded"
	jwtIssuedAt    = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued."
	jwtExpired     = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
	jwtTooLong     = "'Expiration time' claim ('exp') is too far in the future"
	jwtUnknownApp  = "Integration not found" // with status 404; unconfirmed
)

// maxJWTLifetime is in seconds, counted from the server's clock and not from
// iat
// (https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app).
const maxJWTLifetime = 600

// verifyJWT returns the App that signed, or why the JWT is refused. The
// signature is checked before the times: a caller without the key learns
// nothing about them.
func (c *call) verifyJWT(value string) (app *App, refusal string) {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithJSONNumber(), jwt.WithoutClaimsValidation())
	claims := jwt.MapClaims{}
	errUnknown := errors.New("unknown issuer")
	_, err := parser.ParseWithClaims(value, claims, func(*jwt.Token) (any, error) {
		if app = c.appIssuing(claims["iss"]); app == nil {
			return nil, errUnknown
		}
		return app.PublicKey, nil
	})
	if errors.Is(err, errUnknown) {
		return nil, jwtUnknownApp
	}
	if err != nil {
		return nil, jwtUndecodable
	}
	return app, c.checkTimes(claims)
}

// checkTimes compares whole seconds, without grace for clocks that differ.
func (c *call) checkTimes(claims jwt.MapClaims) (refusal string) {
	now := c.now.Unix()
	issued, ok := wholeNumber(claims["iat"])
	if !ok || issued > now {
		return jwtIssuedAt
	}
	expires, ok := wholeNumber(claims["exp"])
	if !ok || expires <= now {
		return jwtExpired
	}
	if expires > now+maxJWTLifetime {
		return jwtTooLong
	}
	return ""
}

func wholeNumber(claim any) (int64, bool) {
	number, ok := claim.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := number.Int64()
	return n, err == nil
}

// appIssuing returns the App that the claim iss names by its id in decimal
// digits or its client id.
func (c *call) appIssuing(iss any) *App {
	name, ok := iss.(string)
	if !ok {
		return nil
	}
	for _, app := range c.apps {
		if name == app.ClientID || name == strconv.FormatInt(app.ID, 10) {
			return app
		}
	}
	return nil
}

func (c *call) refuseJWT(refusal string) *answer {
	status := http.StatusUnauthorized
	if refusal == jwtUnknownApp {
		status = http.StatusNotFound
	}
	return refuse(c.failDoc(status, refusal, ""))
}
