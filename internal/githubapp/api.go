// Package githubapp turns a GitHub App's credentials into a short-lived scoped
// token and ends it again: find the installation, mint, revoke. It owns every
// HTTP client of the product, and with it time limits, retries, rate limits and
// the words that say what went wrong.
//
// It never reads the environment, prints or stores anything, and sends a
// credential to no host but the one it was configured for. Start at [New].
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

// Config is how to reach one GitHub host. Only URL must be set.
type Config struct {
	URL       string                                // REST API: https://api.github.com, https://HOST/api/v3 …
	Roots     []byte                                // PEM certificates to trust beside the system's
	Proxy     func(*http.Request) (*url.URL, error) // nil: none
	UserAgent string                                // GitHub refuses requests without one
	OnJWT     func(redact.String)                   // told each JWT before its first use
	OnToken   func(redact.String)                   // told each token before anything else is done with it
	Info      func(format string, args ...any)      // told of each wait as it begins
	Warning   func(format string, args ...any)      // told of a clock that is wrong
	Debug     func(format string, args ...any)      // told of each request: no headers, no bodies
	Transport http.RoundTripper                     // nil: the network

	// InsecureHTTP lets URL be http elsewhere than on this machine.
	InsecureHTTP bool
	// Skew is how far GitHub's clock was ahead of ours when it was measured before.
	// It counts until the first answer, which measures it anew.
	Skew time.Duration
}

// API is one GitHub host. Its methods may be called from several goroutines;
// connections are reused.
type API struct {
	base    *url.URL
	config  Config
	wire    http.RoundTripper
	pace    *Pace  // of calls with a token; nil: none
	signing *clock // of calls that an App signs; nil with a token
	clock   *clock
	young   *young // tokens that GitHub may not know everywhere yet
}

// New checks the configuration. It sends nothing.
func New(c Config) (*API, error) {
	base, err := parseURL(c.URL, c.InsecureHTTP)
	if err != nil {
		return nil, err
	}
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
	wire := c.Transport
	if wire == nil {
		if wire, err = network(base, c); err != nil {
			return nil, err
		}
	}
	a := &API{base: base, config: c, wire: wire, clock: &clock{}}
	a.clock.set(c.Skew)
	a.young = newYoung(a.Now)
	return a, nil
}

// ParseURL reads the address of a REST API, in the one form that all spellings of
// it have. The result ends in a slash, which go-github needs to resolve paths below
// it. The error is [address.ErrPlain] for http that leaves the machine.
func ParseURL(text string) (*url.URL, error) { return parseURL(text, false) }

// ParseInsecureURL is [ParseURL] for a step that was told to let http pass.
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

// App gives the App whose client id or App id is issuer. GitHub takes either as
// the issuer of a JWT; key must be RSA, see [ParseKey].
func (a *API) App(issuer string, key crypto.Signer) (*App, error) {
	sign := &signer{issuer: issuer, key: key, clock: &clock{}, secret: a.config.OnJWT}
	// The numeric id is unused: our signer sets the issuer itself, because a
	// client id does not fit the library's int64.
	signing, err := ghinstallation.NewAppsTransportWithOptions(a.wire, 0, ghinstallation.WithSigner(sign))
	if err != nil {
		return nil, err
	}
	// The retry lies outside the signer: an attempt that waited out a rate limit
	// would otherwise carry a JWT that has expired meanwhile.
	own := *a
	own.pace, own.signing = nil, sign.clock
	who := own.client(signing)
	who.issuer = issuer
	return &App{api: a, issuer: issuer, client: who}, nil
}

// Issuer is the client id or App id that this App signs as.
func (a *App) Issuer() string { return a.issuer }

// caller sends requests: as an App, which signs them, or with a token.
type caller struct {
	*http.Client
	issuer string // the App's; empty with a token
}

// bearer adds a token to each request.
type bearer struct {
	token redact.String
	next  http.RoundTripper
}

func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Header.Set("Authorization", "Bearer "+b.token.Reveal())
	resp, err := b.next.RoundTrip(req)
	if t := trailOf(req.Context()); t != nil && err == nil {
		t.unknown = t.young.mayNotKnow(b.token, resp)
	}
	return resp, err
}

// call sends one request, retried as the retry allows, and decodes the answer
// into result unless that is nil. op says in words what it is for.
func (a *API) call(ctx context.Context, who caller, op, method, path string, body, result any) error {
	_, err := a.exchange(ctx, who, op, method, path, body, result)
	return err
}

// answered is what an answer was beside its body.
type answered struct {
	status int
	header http.Header
	path   string // where it came from, which is elsewhere after a redirect
}

// exchange is call, for whoever reads the status and the headers too.
func (a *API) exchange(ctx context.Context, who caller, op, method, path string, body, result any) (answered, error) {
	t := &trail{op: op, stop: ctx, started: time.Now(), young: a.young}
	if ctx.Value(asItIsKey{}) != nil {
		t.young = nil
	}
	sending, release := inFlight(context.WithValue(ctx, trailKey{}, t), method)
	defer release()
	// A client of go-github lasts one call: v60 refuses calls by itself while it
	// believes that a limit is exceeded, which is for our retry to decide.
	gh := github.NewClient(who.Client)
	gh.BaseURL = a.base
	gh.UserAgent = a.config.UserAgent
	req, err := gh.NewRequest(method, path, body)
	if err == nil && (req.URL.Scheme != a.base.Scheme || req.URL.Host != a.base.Host) {
		err = errElsewhere // a path such as //HOST/x is an address of its own
	}
	if err != nil {
		return answered{}, &Error{Op: op, Reason: oneLine(err.Error()), Err: err}
	}
	var answer bytes.Buffer
	resp, err := gh.Do(sending, req, &answer)
	if err != nil {
		e := a.failure(op, t, who, resp, err)
		if errors.Is(err, errMoved) {
			e.Hint = cmp.Or(a.moved(ctx, who, path), e.Hint)
		}
		return answered{}, e
	}
	if result != nil {
		if err := apicall.Decode(answer.Bytes(), result); err != nil {
			return answered{}, &Error{Op: op, Reason: err.Error(), Hint: a.unreachable(errUnreadable), Err: err}
		}
	}
	return answered{resp.StatusCode, resp.Header, resp.Request.URL.Path}, nil
}

// grace is how long a request that was sent before the step was cancelled may
// still take. The runner kills after ten seconds; we promise five.
const grace = 2500 * time.Millisecond

// inFlight lets a mint that was sent outlive ctx by the grace: a token that was
// made but never seen could not be revoked.
func inFlight(ctx context.Context, method string) (context.Context, context.CancelFunc) {
	if method != http.MethodPost {
		return context.WithCancel(ctx)
	}
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}
