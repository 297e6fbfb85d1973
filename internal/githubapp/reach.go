package githubapp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// Reach returns an error unless a token has access to a repository.
func (a *API) Reach(ctx context.Context, token redact.String, owner, repository string) error {
	op, path := "open "+owner+"/"+repository, repositoryPath(owner, repository)
	return a.call(ctx, a.client(bearer{token, a.wire}), op, http.MethodGet, path, nil, nil)
}

func repositoryPath(owner, repository string) string {
	return "repos/" + url.PathEscape(owner) + "/" + url.PathEscape(repository)
}

// FullName returns the present owner/name of a repository. It differs from the
// given one if the owner or the repository was renamed.
func (a *API) FullName(ctx context.Context, token redact.String, owner, repository string) (string, error) {
	var found struct {
		FullName string `json:"full_name"`
	}
	op, path := "find where "+owner+"/"+repository+" is now", repositoryPath(owner, repository)
	err := a.call(ctx, a.client(bearer{token, a.wire}), op, http.MethodGet, path, nil, &found)
	return oneLine(found.FullName), err
}

// OpensSelected reports whether a token for all repositories of an installation
// has access to selected repositories only.
func (a *API) OpensSelected(ctx context.Context, token redact.String) (bool, error) {
	var found struct {
		Selection string `json:"repository_selection"`
	}
	who := a.client(bearer{token, a.wire})
	err := a.call(ctx, who, "ask what the token opens", http.MethodGet, repositoriesProbe, nil, &found)
	return found.Selection != "all", err
}

const (
	// verifyTime is the longest wait until a new token is known everywhere.
	verifyTime = 30 * time.Second
	verifyWait = 500 * time.Millisecond

	// repositoriesProbe is the path of a call that needs no permission.
	repositoriesProbe = "installation/repositories?per_page=1"
)

// Verify waits until a new token is known: shortly after its creation, replicas
// that do not know it yet answer 401, 403 or 404. The call that it tries needs
// no permission, so none of these answers can be about a permission.
func (a *API) Verify(ctx context.Context, token redact.String) error {
	ctx, cancel := context.WithTimeout(withoutLagRetry(ctx), verifyTime) // Verify itself waits, and for longer
	defer cancel()
	defer a.recent.settle(token)
	client := a.client(bearer{token, a.wire})
	for wait := verifyWait; ; wait *= 2 {
		err := a.call(ctx, client, "verify the token", http.MethodGet, repositoriesProbe, nil, nil)
		var e *Error
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &e) || !e.mayBeLag():
			return err
		}
		select {
		case <-ctx.Done():
			e.Hint = "GitHub did not know the token it made: run the job again"
			return e
		case <-time.After(wait):
		}
	}
}
