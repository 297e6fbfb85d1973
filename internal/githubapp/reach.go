package githubapp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// Reach asks whether a token opens a repository; nil means that it does.
func (a *API) Reach(ctx context.Context, token redact.String, owner, repository string) error {
	path := "repos/" + url.PathEscape(owner) + "/" + url.PathEscape(repository)
	return a.call(ctx, a.client(bearer{token, a.wire}), "open "+owner+"/"+repository, http.MethodGet, path, nil, nil)
}

// FullName gives owner/name of the repository that an address leads to, which is
// another than the one asked for where either was renamed.
func (a *API) FullName(ctx context.Context, token redact.String, owner, repository string) (string, error) {
	var found struct {
		FullName string `json:"full_name"`
	}
	path := "repos/" + url.PathEscape(owner) + "/" + url.PathEscape(repository)
	err := a.call(ctx, a.client(bearer{token, a.wire}), "find where "+owner+"/"+repository+" is now", http.MethodGet, path, nil, &found)
	return oneLine(found.FullName), err
}

// OpensSelected tells whether a token that is for all repositories of an installation
// opens no more than those that the installation selects.
func (a *API) OpensSelected(ctx context.Context, token redact.String) (bool, error) {
	var found struct {
		Selection string `json:"repository_selection"`
	}
	who := a.client(bearer{token, a.wire})
	err := a.call(ctx, who, "ask what the token opens", http.MethodGet, repositoriesProbe, nil, &found)
	return found.Selection != "all", err
}

const (
	// verifyTime is how long a new token may take to be known everywhere.
	verifyTime = 30 * time.Second
	verifyWait = 500 * time.Millisecond

	// repositoriesProbe is the call of which no permission is asked.
	repositoriesProbe = "installation/repositories?per_page=1"
)

// Verify waits until a new token is answered: for moments after its creation,
// replicas that do not know it yet answer 401, 403 or 404. The call that is tried
// needs no permission, so that no answer of these can be the last word.
func (a *API) Verify(ctx context.Context, token redact.String) error {
	ctx, cancel := context.WithTimeout(asItIs(ctx), verifyTime) // it waits by itself, and for longer
	defer cancel()
	defer a.young.settle(token)
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
