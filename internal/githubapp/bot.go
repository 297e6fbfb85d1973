package githubapp

import (
	"context"
	"net/http"
	"net/url"

	"github.com/valetkey/valetkey/internal/redact"
)

// BotID returns the numeric id of the account slug[bot], in whose name an App
// acts. The App's id is another number.
func (a *API) BotID(ctx context.Context, token redact.String, slug string) (int64, error) {
	var user struct {
		ID int64 `json:"id"`
	}
	op, path := "look up "+slug+"[bot]", "users/"+url.PathEscape(slug+"[bot]")
	err := a.call(ctx, a.client(bearer{token, a.wire}), op, http.MethodGet, path, nil, &user)
	if err == nil && user.ID <= 0 {
		err = &Error{Op: op, Reason: "the answer names no account", Hint: a.unreachable(errUnreadable)}
	}
	return user.ID, err
}

// Slug returns the App's slug. It is needed if no installation was looked up.
func (a *App) Slug(ctx context.Context) (string, error) {
	var app struct {
		Slug string `json:"slug"`
	}
	err := a.api.call(ctx, a.client, "read the App", http.MethodGet, "app", nil, &app)
	return oneLine(app.Slug), err
}
