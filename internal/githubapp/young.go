package githubapp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// For some seconds after it was made, servers of GitHub's that have not heard of a
// token yet answer 401, 403 or 404 to it. Whoever uses a token first tries again
// after these waits; a token that is older, that was answered once, or that we did
// not make, is refused at once.
var lagWaits = [...]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}

// youngFor is a little longer than all of the waits: a token that was refused
// through them is refused for good.
const youngFor = 8 * time.Second

// young remembers the tokens that GitHub may not know everywhere yet. Its methods
// may be called from several goroutines; a nil one knows of none.
type young struct {
	now func() time.Time // by GitHub's clock

	mu   sync.Mutex
	made map[redact.String]time.Time // by GitHub's clock
}

func newYoung(now func() time.Time) *young {
	return &young{now: now, made: map[redact.String]time.Time{}}
}

// add notes a token that GitHub made at a time of its own clock.
func (y *young) add(token redact.String, made time.Time) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for other, then := range y.made {
		if y.now().Sub(then) > youngFor {
			delete(y.made, other)
		}
	}
	y.made[token] = made
}

// settle notes that a token needs no more patience.
func (y *young) settle(token redact.String) {
	y.mu.Lock()
	defer y.mu.Unlock()
	delete(y.made, token)
}

// mayNotKnow reports whether a refusal may come from a server that does not know the
// token yet, as far as its age tells. A good answer settles the matter.
func (y *young) mayNotKnow(token redact.String, resp *http.Response) bool {
	if y == nil {
		return false
	}
	if resp.StatusCode < 300 {
		y.settle(token)
		return false
	}
	now, ok := dateOf(resp.Header)
	if !ok {
		now = y.now()
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	made, known := y.made[token]
	age := now.Sub(made)
	return known && age > -minSkew && age < youngFor
}

// lag plans one attempt more with a token that may not be known yet.
func (r retrier) lag(t *trail, resp *http.Response) bool {
	body, _ := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var answer struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &answer) != nil || !mayBeLag(resp.StatusCode, answer.Message) {
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

type asItIsKey struct{}

// asItIs is for calls to which the first refusal of a token is the answer.
func asItIs(ctx context.Context) context.Context { return context.WithValue(ctx, asItIsKey{}, true) }

// Alive asks once whether a token is still good, whatever it may do; expires is its
// end by GitHub's clock, as far as it is known. A token that was made seconds ago, in
// another job, gets the patience of one of our own.
//
// Not every token may list repositories: that of an enterprise has none. GitHub
// refuses it that call in other words than a token that is dead.
func (a *API) Alive(ctx context.Context, token redact.String, expires time.Time) (bool, error) {
	if !expires.IsZero() {
		a.young.add(token, expires.Add(-tokenLifetime))
	}
	client := a.client(bearer{token, a.wire})
	err := a.call(ctx, client, "ask whether the token is alive", http.MethodGet, repositoriesProbe, nil, nil)
	var e *Error
	switch {
	case !errors.As(err, &e):
		return err == nil, err
	case e.Status == http.StatusUnauthorized && e.Hint == "": // with a hint, it was not GitHub's API that answered, or not about the token
		return false, nil
	case e.Status == http.StatusForbidden && e.Message == "Resource not accessible by integration":
		return true, nil
	case e.Status == http.StatusNotFound && e.Hint == "":
		return true, nil
	}
	return false, err
}
