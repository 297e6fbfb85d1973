package cli

import (
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
)

// The names of the state that the main stage leaves to the post stage.
const (
	stateToken   = "token"
	stateExpires = "expires-at"
	stateHost    = "github-api-url"
	stateSkew    = "clock-difference" // how far GitHub's clock is ahead of this machine's

	stateInsecure = "insecure-http"
	stateRefresh  = "refresh-directory"
	stateIdentity = "refresh-identity"
)

// saveToken leaves a token to the post stage, which revokes it.
func saveToken(r *actions.Runner, p envelope.Payload, h host) error {
	expires := ""
	if !p.ExpiresAt.IsZero() {
		expires = p.ExpiresAt.UTC().Format(time.RFC3339)
	}
	skew, insecure := "", ""
	if h.Skew != 0 {
		skew = h.Skew.String()
	}
	if h.InsecureHTTP {
		insecure = "true"
	}
	return r.SaveState(
		actions.Pair{Name: stateToken, Value: p.Token.Reveal()},
		actions.Pair{Name: stateExpires, Value: expires},
		actions.Pair{Name: stateHost, Value: h.URL},
		actions.Pair{Name: stateSkew, Value: skew},
		actions.Pair{Name: stateInsecure, Value: insecure},
	)
}

// stateTime returns when the token of the state expires, by GitHub's clock, or
// the zero time if that is not known.
func stateTime(r *actions.Runner) time.Time {
	expires, err := time.Parse(time.RFC3339, r.State(stateExpires))
	if err != nil {
		return time.Time{}
	}
	return expires
}
