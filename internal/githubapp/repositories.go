package githubapp

import (
	"context"
	"fmt"
	"net/http"

	"github.com/valetkey/valetkey/internal/redact"
)

// Repository is one that an installation reaches.
type Repository struct {
	ID       int64    `json:"id"`
	Name     string   `json:"name"`
	FullName string   `json:"full_name"`
	Archived bool     `json:"archived"`
	Topics   []string `json:"topics"`
}

const (
	perPage = 100

	// maxPages bounds a listing: 20,000 repositories are more than any
	// installation is known to have, and a server that never ends is broken.
	maxPages = 200
)

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

// Repositories lists what an installation token reaches.
func (a *API) Repositories(ctx context.Context, token redact.String) ([]Repository, error) {
	const op = "list the installation's repositories"
	client := a.client(bearer{token, a.wire}, &clock{})
	var all []Repository
	for page := 1; page <= maxPages; page++ {
		var answer struct {
			Total        int          `json:"total_count"`
			Repositories []Repository `json:"repositories"`
		}
		path := fmt.Sprintf("installation/repositories?per_page=%d&page=%d", perPage, page)
		if err := a.call(ctx, client, op, http.MethodGet, path, nil, &answer); err != nil {
			return nil, err
		}
		all = append(all, answer.Repositories...)
		if len(answer.Repositories) < perPage || len(all) >= answer.Total {
			return all, nil
		}
	}
	return nil, &Error{Op: op, Reason: fmt.Sprintf("there are more than %d", maxPages*perPage)}
}
