package githubapp

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// Inspection is what GitHub tells the holder of a token about it.
type Inspection struct {
	Kind      string    // in words, by the token's prefix
	Login     string    // whose it is
	Scopes    []string  // of a classic token
	Classic   bool      // only classic tokens have scopes, perhaps none
	ExpiresAt time.Time // zero: never, or not told
	SSO       string    // what X-GitHub-SSO said: which organizations want it authorized
}

// kindOf tells in words what a token is; empty when it is none that GitHub makes.
func kindOf(token redact.String) string {
	if kind := redact.KindOf(token.Reveal()); kind.IsToken() {
		return string(kind)
	}
	if redact.IsOldToken(token.Reveal()) {
		return "personal access token (classic), of before 2021"
	}
	return ""
}

// Inspect asks GitHub what a personal token is. It changes nothing.
func (a *API) Inspect(ctx context.Context, token redact.String) (Inspection, error) {
	i := Inspection{Kind: kindOf(token)}
	var user struct {
		Login string `json:"login"`
	}
	client := a.client(bearer{token, a.wire})
	answer, err := a.exchange(ctx, client, "ask what the token is", http.MethodGet, "user", nil, &user)
	if err != nil {
		return i, err
	}
	header := answer.header
	i.Login = oneLine(user.Login)
	i.SSO = oneLine(header.Get("X-GitHub-SSO"))
	if scopes, ok := header["X-Oauth-Scopes"]; ok {
		i.Classic = true
		for scope := range strings.SplitSeq(strings.Join(scopes, ","), ",") {
			if scope = strings.TrimSpace(scope); scope != "" {
				i.Scopes = append(i.Scopes, oneLine(scope))
			}
		}
	}
	i.ExpiresAt = tokenExpiry(header.Get("GitHub-Authentication-Token-Expiration"))
	return i, nil
}

// tokenExpiry reads the two forms that GitHub writes.
func tokenExpiry(text string) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700", time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}
