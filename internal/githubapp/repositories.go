package githubapp

import (
	"context"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/redact"
)

// Repository is one that an installation reaches.
type Repository struct {
	ID       int64    `json:"id"`
	Name     string   `json:"name"`
	FullName string   `json:"full_name"`
	Archived bool     `json:"archived,omitempty"`
	Disabled bool     `json:"disabled,omitempty"`
	Topics   []string `json:"topics,omitempty"`
}

// Repositories lists what an installation reaches. That takes a token of its own,
// which opens nothing but names, and which is revoked at once.
func (a *App) Repositories(ctx context.Context, installation Installation) ([]Repository, error) {
	token, err := a.Mint(ctx, installation, Scope{AllRepositories: true, Permissions: map[string]string{"metadata": "read"}})
	if err != nil {
		return nil, err
	}
	defer a.api.forget(ctx, token.Value)
	return a.api.Repositories(ctx, token.Value)
}

// Repositories lists what an installation token reaches, whole or not at all.
func (a *API) Repositories(ctx context.Context, token redact.String) ([]Repository, error) {
	client := a.client(bearer{token, a.wire})
	call := func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
		return a.told(ctx, client, req)
	}
	list, _, err := apicall.List(ctx, call, apicall.Request{Op: "list the installation's repositories", Path: "installation/repositories"},
		"repositories", func(r *Repository) int64 { return r.ID })
	return list, err
}
