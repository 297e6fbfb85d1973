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
	Archived bool     `json:"archived"`
	Disabled bool     `json:"disabled"`
	Topics   []string `json:"topics"`
}

// Repositories lists what an installation reaches. That takes a token of its own,
// which opens nothing but names, and which is revoked at once.
func (a *App) Repositories(ctx context.Context, installation Installation) ([]Repository, error) {
	token, err := a.Mint(ctx, installation, Scope{AllRepositories: true, Permissions: map[string]string{"metadata": "read"}})
	if err != nil {
		return nil, err
	}
	list, err := a.api.Repositories(ctx, token.Value)
	ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), diagnoseTime)
	defer cancel()
	if _, revokeErr := a.api.Revoke(ended, token.Value); revokeErr != nil && err == nil {
		a.api.config.Warning("a token that can only list names lives until it expires: %v", revokeErr)
	}
	return list, err
}

// Repositories lists what an installation token reaches, whole or not at all.
func (a *API) Repositories(ctx context.Context, token redact.String) ([]Repository, error) {
	client := a.client(bearer{token, a.wire}, &clock{})
	call := func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
		return a.told(ctx, client, req)
	}
	list, _, err := apicall.List(ctx, call, apicall.Request{Op: "list the installation's repositories", Path: "installation/repositories"},
		"repositories", func(r *Repository) int64 { return r.ID })
	return list, err
}
