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
	return a.call(ctx, a.client(bearer{token, a.wire}, &clock{}), "open "+owner+"/"+repository, http.MethodGet, path, nil, nil)
}

const (
	// verifyTime is how long a new token may take to be known everywhere.
	verifyTime = 30 * time.Second
	verifyWait = 500 * time.Millisecond
)

// Verify waits until a new token is answered: for moments after its creation,
// replicas that do not know it yet answer 401, 403 or 404. The call that is tried
// needs no permission, so that no answer of these can be the last word.
func (a *API) Verify(ctx context.Context, token redact.String) error {
	ctx, cancel := context.WithTimeout(ctx, verifyTime)
	defer cancel()
	client := a.client(bearer{token, a.wire}, &clock{})
	for wait := verifyWait; ; wait *= 2 {
		err := a.call(ctx, client, "verify the token", http.MethodGet, "installation/repositories?per_page=1", nil, nil)
		var e *Error
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &e) || e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden && e.Status != http.StatusNotFound:
			return err
		}
		select {
		case <-ctx.Done():
			if e.Cure == "" {
				e.Cure = "GitHub did not know the token it made: run the job again"
			}
			return e
		case <-time.After(wait):
		}
	}
}
