package githubapp

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// Inspection is what GitHub says about a token to its holder.
type Inspection struct {
	Kind      string    // in words, by the token's prefix
	Login     string    // of the token's owner
	Scopes    []string  // of a classic token
	Classic   bool      // only classic tokens have scopes, perhaps none
	ExpiresAt time.Time // zero: never, or unknown
	SSO       string    // the header X-GitHub-SSO: which organizations require authorization
}

// kindOf returns the kind of a token in words, or "" if GitHub makes no such
// tokens.
func kindOf(token redact.String) string {
	if kind := redact.KindOf(token.Reveal()); kind.IsToken() {
		return string(kind)
	}
	if redact.IsOldToken(token.Reveal()) {
		return "personal access token (classic), of before 2021"
	}
	return ""
}

// Inspect asks GitHub about a personal token. It changes nothing.
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

// tokenExpiry parses the forms in which GitHub writes the time.
func tokenExpiry(text string) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700", time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}
