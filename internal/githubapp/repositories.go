package githubapp

import (
	"context"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/redact"
)

// Repository is a repository to which an installation has access.
type Repository struct {
	ID       int64    `json:"id"`
	Name     string   `json:"name"`
	FullName string   `json:"full_name"`
	Archived bool     `json:"archived,omitempty"`
	Disabled bool     `json:"disabled,omitempty"`
	Topics   []string `json:"topics,omitempty"`
}

// Repositories returns the repositories of an installation. It makes a token
// that can only read names, and revokes it at once.
func (a *App) Repositories(ctx context.Context, installation Installation) ([]Repository, error) {
	token, err := a.Mint(ctx, installation, Scope{AllRepositories: true, Permissions: map[string]string{"metadata": "read"}})
	if err != nil {
		return nil, err
	}
	defer a.api.forget(ctx, token.Value)
	return a.api.Repositories(ctx, token.Value)
}

// Repositories returns all repositories of an installation token, or an error.
func (a *API) Repositories(ctx context.Context, token redact.String) ([]Repository, error) {
	client := a.client(bearer{token, a.wire})
	call := func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
		return a.send(ctx, client, req)
	}
	request := apicall.Request{Op: "list the installation's repositories", Path: "installation/repositories"}
	list, _, err := apicall.List(ctx, call, request, "repositories", func(r *Repository) int64 { return r.ID })
	return list, err
}
