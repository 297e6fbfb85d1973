// Package githubapp turns a GitHub App's credentials into a short-lived scoped
// token and ends it again: it finds the installation, mints and revokes. It
// owns every HTTP client of the product, and with it time limits, retries, rate
// limits and the messages that explain failures.
//
// It never reads the environment, prints or stores anything, and sends a
// credential only to the host that it was configured for. Start at [New].
package githubapp

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"

	"github.com/valetkey/valetkey/internal/address"
	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/redact"
)

// Config describes how to reach one GitHub host. Only URL must be set.
type Config struct {
	URL       string                                // REST API: https://api.github.com, https://HOST/api/v3 …
	Roots     []byte                                // PEM certificates to trust besides the system's
	Proxy     func(*http.Request) (*url.URL, error) // nil: none
	UserAgent string                                // GitHub refuses requests without one
	OnJWT     func(redact.String)                   // gets each JWT before its first use
	OnToken   func(redact.String)                   // gets each token before its first use
	Info      func(format string, args ...any)      // reports each wait as it begins
	Warning   func(format string, args ...any)      // reports a wrong clock
	Debug     func(format string, args ...any)      // reports each request, without headers and bodies
	Transport http.RoundTripper                     // nil: the network

	// InsecureHTTP allows http in URL for other machines than this one.
	InsecureHTTP bool
	// Skew is how far GitHub's clock was ahead of ours at an earlier
	// measurement. The first answer measures it again.
	Skew time.Duration
}

// API is one GitHub host. Its methods may be called from several goroutines;
// connections are reused.
type API struct {
	base    *url.URL
	config  Config
	wire    http.RoundTripper
	limiter *RateLimiter // of calls with a token; nil: none
	signer  *signer      // of calls that an App signs; nil with a token
	clock   *clock
	recent  *recentTokens // tokens that GitHub may not know everywhere yet
	setting string        // of the step, that base comes from; for hints
	other   *Request      // a request to another host than GitHub's; nil: base is GitHub's
}

// New checks the configuration. It sends nothing.
func New(c Config) (*API, error) {
	base, err := parseURL(c.URL, c.InsecureHTTP)
	if err != nil {
		return nil, err
	}
	c.fill()
	wire := c.Transport
	if wire == nil {
		if wire, err = network(base, c); err != nil {
			return nil, err
		}
	}
	a := &API{base: base, config: c, wire: wire, clock: &clock{}, setting: "github-api-url"}
	a.clock.set(c.Skew)
	a.recent = newRecentTokens(a.Now)
	return a, nil
}

// fill replaces the functions that are nil.
func (c *Config) fill() {
	if c.OnJWT == nil {
		c.OnJWT = func(redact.String) {}
	}
	if c.OnToken == nil {
		c.OnToken = func(redact.String) {}
	}
	if c.Info == nil {
		c.Info = func(string, ...any) {}
	}
	if c.Warning == nil {
		c.Warning = func(string, ...any) {}
	}
	if c.Debug == nil {
		c.Debug = func(string, ...any) {}
	}
}

// ParseURL parses the address of a REST API. All spellings of an address have
// the same result. It ends in a slash, which go-github needs to resolve paths
// below it. The error is [address.ErrPlain] for http to another machine.
func ParseURL(text string) (*url.URL, error) { return parseURL(text, false) }

// ParseInsecureURL is [ParseURL] for a step that allows http.
func ParseInsecureURL(text string) (*url.URL, error) { return parseURL(text, true) }

func parseURL(text string, insecure bool) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(text), "/") + "/")
	switch {
	case err != nil:
		return nil, address.ErrScheme // without err, which repeats the address, password and all
	case u.User != nil:
		return nil, fmt.Errorf("holds a user name or password")
	case u.RawQuery != "", u.Fragment != "":
		return nil, fmt.Errorf("has a query or a fragment")
	}
	u.Host = strings.ToLower(u.Host)
	if port := u.Port(); port == "" || port == defaultPort[u.Scheme] {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	if err := address.Check(u, insecure); err != nil {
		return nil, err
	}
	return u, nil
}

var defaultPort = map[string]string{"http": "80", "https": "443"}

// App is a GitHub App on one host.
type App struct {
	api    *API
	issuer string
	client caller
}

// App returns the App whose client id or App id is issuer. GitHub accepts
// either as the issuer of a JWT. The key must be RSA, see [ParseKey]; one that
// implements [crypto.MessageSigner] is given the message, and one with a method
// Setting names the input that it is from. If the key can't sign, a call fails
// with its error, without another attempt.
func (a *API) App(issuer string, key crypto.Signer) (*App, error) {
	sign := &signer{issuer: issuer, key: key, clock: &clock{}, onJWT: a.config.OnJWT}
	// The numeric id is unused: our signer sets the issuer itself, because a
	// client id does not fit the library's int64.
	signing, err := ghinstallation.NewAppsTransportWithOptions(a.wire, 0, ghinstallation.WithSigner(sign))
	if err != nil {
		return nil, err
	}
	// The retry is outside the signer. Otherwise an attempt after a long wait
	// for a rate limit would carry an expired JWT.
	own := *a
	own.limiter, own.signer = nil, sign
	who := own.client(signing)
	who.issuer, who.keySetting = issuer, "private-key"
	if named, ok := key.(interface{ Setting() string }); ok {
		who.keySetting = named.Setting()
	}
	return &App{api: a, issuer: issuer, client: who}, nil
}

// WithLimiter returns the same App for an owner whose calls with a token have a
// limiter. Both use the same JWT.
func (a *App) WithLimiter(limiter *RateLimiter) *App {
	limited := *a
	limited.api = a.api.WithLimiter(limiter)
	return &limited
}

// Issuer returns the client id or App id that this App signs as.
func (a *App) Issuer() string { return a.issuer }

// caller sends requests, either signed by an App or with a token.
type caller struct {
	*http.Client
	issuer     string // of the App; empty with a token
	keySetting string // the input that the App's key is from
}

// bearer adds a token to each request.
type bearer struct {
	token redact.String
	next  http.RoundTripper
}

func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Header.Set("Authorization", "Bearer "+b.token.Reveal())
	resp, err := b.next.RoundTrip(req)
	if t := stateOf(req.Context()); t != nil && err == nil {
		t.mayBeUnknown = t.recent.mayBeUnknown(b.token, resp)
	}
	return resp, err
}

// call sends one request, with retries, and decodes the answer into result
// unless that is nil. op says in words what the request is for.
func (a *API) call(ctx context.Context, who caller, op, method, path string, body, result any) error {
	_, err := a.exchange(ctx, who, op, method, path, body, result)
	return err
}

// answerHead is an answer without its body.
type answerHead struct {
	status int
	header http.Header
	path   string // of the last request, after redirects
}

// exchange is call for callers that need the status and the headers too.
func (a *API) exchange(ctx context.Context, who caller, op, method, path string, body, result any) (answerHead, error) {
	t := &callState{op: op, ctx: ctx, started: time.Now(), recent: a.recent}
	if ctx.Value(noLagRetryKey{}) != nil {
		t.recent = nil
	}
	sending, release := inFlight(context.WithValue(ctx, callStateKey{}, t), method)
	defer release()
	// Each call has a new client of go-github: v60 refuses calls by itself
	// while it believes that a limit is exceeded, but our retry decides that.
	gh := github.NewClient(who.Client)
	gh.BaseURL = a.base
	gh.UserAgent = a.config.UserAgent
	req, err := gh.NewRequest(method, path, body)
	if err == nil && (req.URL.Scheme != a.base.Scheme || req.URL.Host != a.base.Host) {
		err = errElsewhere // a path such as //HOST/x names another host
	}
	if err != nil {
		return answerHead{}, &Error{Op: op, Reason: oneLine(err.Error()), Err: err}
	}
	var answer bytes.Buffer
	resp, err := gh.Do(sending, req, &answer)
	// go-github returns a 202 as an error, since it may be about a report that
	// is not ready yet. In the calls made here it is the good answer.
	var accepted *github.AcceptedError
	if errors.As(err, &accepted) {
		answer.Write(accepted.Raw)
		err = nil
	}
	var unsigned unsigned
	if errors.As(err, &unsigned) {
		return answerHead{}, unsigned.cause
	}
	if err != nil {
		e := a.failure(op, t, who, resp, err)
		if errors.Is(err, errMoved) {
			e.Hint = cmp.Or(a.newNameHint(ctx, who, path), e.Hint)
		}
		return answerHead{}, e
	}
	if result != nil {
		if err := apicall.Decode(answer.Bytes(), result); err != nil {
			return answerHead{}, &Error{Op: op, Reason: err.Error(), Hint: a.unreachable(errUnreadable), Err: err}
		}
	}
	return answerHead{resp.StatusCode, resp.Header, resp.Request.URL.Path}, nil
}

// grace is how long a request may still take after the step was cancelled. The
// runner kills the step after ten seconds; we promise to end within five.
const grace = 2500 * time.Millisecond

// inFlight lets a mint that was already sent outlive ctx by the grace: a token
// that was made but never received could not be revoked.
func inFlight(ctx context.Context, method string) (context.Context, context.CancelFunc) {
	if method != http.MethodPost {
		return context.WithCancel(ctx)
	}
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}
