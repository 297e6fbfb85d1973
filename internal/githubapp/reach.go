package githubapp

import (
	"context"
	"net/http"
	"net/url"

	"github.com/valetkey/valetkey/internal/redact"
)

// Reach asks whether a token opens a repository; nil means that it does.
func (a *API) Reach(ctx context.Context, token redact.String, owner, repository string) error {
	path := "repos/" + url.PathEscape(owner) + "/" + url.PathEscape(repository)
	return a.call(ctx, a.client(bearer{token, a.wire}, &clock{}), "open "+owner+"/"+repository, http.MethodGet, path, nil, nil)
}
