package githubapp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/pattern"
)

const (
	// attemptTime is the longest time of one attempt: GitHub gives up on a
	// request after ten seconds.
	attemptTime = 12 * time.Second

	// maxAnswer is the largest answer that is read. The largest that we ask
	// for, a page of a hundred repositories, is under 1 MiB. What other hosts
	// answer is a token or a signature.
	maxAnswer      = 8 << 20
	maxOtherAnswer = 1 << 20

	// maxRedirects is enough for a repository that was renamed more than once.
	maxRedirects = 3
)

var (
	errCutShort   = errors.New("the answer was cut short")
	errUnreadable = errors.New("the answer is not JSON")
	errElsewhere  = errors.New("the call would go to another host than the API's")
	errOtherHost  = errors.New("the answer leads to another host")
	errMoved      = errors.New("the answer to a write leads to another address")
	errLogin      = errors.New("the answer leads to a login page")
	errRedirect   = errors.New("the answer leads to another address")
	errInCircles  = errors.New("the answers lead from one address to the next without end")
)

// attempt sends a request once, within its own time limit, and reads the whole
// answer, so that a broken answer is a failure that the retry sees.
type attempt struct {
	next http.RoundTripper
	api  *API
}

func (a attempt) RoundTrip(req *http.Request) (*http.Response, error) {
	if t := stateOf(req.Context()); t != nil && t.ctx.Err() != nil {
		t.unsent = t.ctx.Err() // its caller's time ended during a wait
		return nil, t.unsent
	}
	ctx, cancel := context.WithTimeout(req.Context(), attemptTime)
	defer cancel()
	started := time.Now()
	// Signers add headers, which a RoundTripper may only do to a copy.
	resp, err := a.next.RoundTrip(req.Clone(ctx))
	if err == nil {
		err = a.readAll(req.Method, resp)
	}
	if err != nil {
		a.api.config.Debug("%s %s: %s after %s", req.Method, a.api.place(req), a.api.reason(err), round(time.Since(started)))
		return nil, err
	}
	resp.Request = req
	if a.api.other != nil {
		a.api.config.Debug("%s %s: %d in %s", req.Method, a.api.place(req), resp.StatusCode, round(time.Since(started)))
		return resp, nil
	}
	a.api.clock.learn(resp.Header)
	a.api.config.Debug("%s %s: %d in %s, request %s, quota left %s", req.Method, a.api.place(req), resp.StatusCode,
		round(time.Since(started)), header(resp, "X-GitHub-Request-Id"), header(resp, "X-RateLimit-Remaining"))
	return resp, nil
}

// place returns where a request goes, for a log: the path, and the host if that
// is not GitHub's.
func (a *API) place(req *http.Request) string {
	if a.other == nil {
		return a.shownPath(req.URL.Path)
	}
	return req.URL.Host + req.URL.Path
}

// promisesJSON reports whether an answer needs a body to be of use. Every good
// answer does, except that to a deletion.
func promisesJSON(method string, status int) bool {
	return method != http.MethodDelete && status >= 200 && status < 300 && status != http.StatusNoContent
}

// readAll reads and checks the body of an answer, and keeps it for the next
// reader.
func (a attempt) readAll(method string, resp *http.Response) error {
	defer resp.Body.Close()
	most := maxAnswer
	if a.api.other != nil {
		most = maxOtherAnswer
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(most)+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errCutShort
	case err != nil:
		return fmt.Errorf("%w: %w", errCutShort, err)
	case len(body) > most:
		return fmt.Errorf("the answer is larger than %d bytes", most)
	case a.api.other == nil && promisesJSON(method, resp.StatusCode) && !json.Valid(body):
		return errUnreadable
	}
	setBody(resp, body)
	return nil
}

// setBody gives an answer another body, for the next reader.
func setBody(resp *http.Response, body []byte) { resp.Body = io.NopCloser(bytes.NewReader(body)) }

// peek returns the body of an answer, and keeps it for the next reader.
func peek(resp *http.Response) []byte {
	body, _ := io.ReadAll(resp.Body)
	setBody(resp, body)
	return body
}

// loginPage matches the path of a login page. A website redirects requests
// without a session to it.
var loginPage = pattern.Pattern{Text: `(?i)/(?:login|signin|session|sessions|sso|saml|oauth2?)(?:/|$)`}

// sameHost allows redirects on the same host, as for renamed repositories. It
// refuses any that would send our credential elsewhere, and all of other hosts
// than GitHub's.
func (a *API) sameHost(req *http.Request, via []*http.Request) error {
	switch {
	case a.other != nil:
		return errRedirect
	case req.URL.Scheme != a.base.Scheme || !strings.EqualFold(req.URL.Host, a.base.Host):
		return errOtherHost
	case loginPage.Matches(req.URL.Path):
		return errLogin
	// After a 301 a write would become a GET, whose answer would look like
	// success; after a 307 it would write to another place than was meant.
	case via[0].Method != http.MethodGet:
		return errMoved
	case len(via) > maxRedirects:
		return errInCircles
	}
	return nil
}

// header returns a header of the answer in a form that is safe to print.
func header(resp *http.Response, name string) string {
	if v := resp.Header.Get(name); v != "" && len(v) <= 80 {
		return oneLine(v)
	}
	return "unknown"
}

func round(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}
