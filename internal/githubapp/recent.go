package githubapp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// For some seconds after a token was made, some of GitHub's servers do not know
// it yet and answer 401, 403 or 404. A call with such a token is tried again
// after these waits. For an older token, one that had a good answer before, or
// one that we did not make, the first refusal counts.
var lagWaits = [...]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}

// lagTime is a little longer than all of the waits: a refusal after them is
// final.
const lagTime = 8 * time.Second

// recentTokens remembers the tokens that GitHub may not know everywhere yet.
// Its methods may be called from several goroutines. A nil value holds no
// tokens.
type recentTokens struct {
	now func() time.Time // by GitHub's clock

	mu   sync.Mutex
	made map[redact.String]time.Time // by GitHub's clock
}

func newRecentTokens(now func() time.Time) *recentTokens {
	return &recentTokens{now: now, made: map[redact.String]time.Time{}}
}

// add records a token that GitHub made at the given time by its own clock.
func (r *recentTokens) add(token redact.String, made time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for other, then := range r.made {
		if r.now().Sub(then) > lagTime {
			delete(r.made, other)
		}
	}
	r.made[token] = made
}

// settle records that a token is known, or that its refusal is final.
func (r *recentTokens) settle(token redact.String) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.made, token)
}

// mayBeUnknown reports whether the token is so recent that a refusal may come
// from a server that does not know it yet. After a good answer it is no longer.
func (r *recentTokens) mayBeUnknown(token redact.String, resp *http.Response) bool {
	if r == nil {
		return false
	}
	if resp.StatusCode < 300 {
		r.settle(token)
		return false
	}
	now, ok := dateOf(resp.Header)
	if !ok {
		now = r.now()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	made, known := r.made[token]
	age := now.Sub(made)
	return known && age > -minSkew && age < lagTime
}

// planLagRetry plans one more attempt with a token that may be unknown yet.
func (r retrier) planLagRetry(t *callState, resp *http.Response) bool {
	var answer struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(peek(resp), &answer) != nil || !mayBeLag(resp.StatusCode, answer.Message) {
		return false
	}
	if t.lagged >= len(lagWaits) || !t.fits(lagWaits[t.lagged]) {
		return false
	}
	t.wait = lagWaits[t.lagged]
	t.lagged++
	r.api.config.Info("%s: GitHub answered %d to a token that it has just made, trying again in %s", t.op, resp.StatusCode, t.wait)
	return true
}

type noLagRetryKey struct{}

// withoutLagRetry returns a context for calls in which the first refusal of a
// token counts.
func withoutLagRetry(ctx context.Context) context.Context {
	return context.WithValue(ctx, noLagRetryKey{}, true)
}

// Alive asks once whether a token is still valid, whatever its permissions.
// expires is its end by GitHub's clock, or zero if unknown: a token that
// another job made seconds ago gets the same retries as one of our own.
//
// Not every token may list repositories: a token of an enterprise has none.
// GitHub then refuses the call with another message than for a token that has
// ended.
func (a *API) Alive(ctx context.Context, token redact.String, expires time.Time) (bool, error) {
	if !expires.IsZero() {
		a.recent.add(token, expires.Add(-tokenLifetime))
	}
	client := a.client(bearer{token, a.wire})
	err := a.call(ctx, client, "ask whether the token is alive", http.MethodGet, repositoriesProbe, nil, nil)
	var e *Error
	switch {
	case !errors.As(err, &e):
		return err == nil, err
	// With a hint, the answer was not from GitHub's API, or not about the
	// token.
	case e.Status == http.StatusUnauthorized && e.Hint == "":
		return false, nil
	case e.Status == http.StatusForbidden && e.Message == "Resource not accessible by integration":
		return true, nil
	case e.Status == http.StatusNotFound && e.Hint == "":
		return true, nil
	}
	return false, err
}
