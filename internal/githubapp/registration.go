package githubapp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/redact"
)

// Registration is a GitHub App that was just made from a manifest. Its client
// secret and its webhook secret are not read: nothing here needs them.
type Registration struct {
	Slug, Name  string
	ClientID    string
	Owner       string            // login of the account that the App belongs to
	Permissions map[string]string // those that an installation of it gets
	Key         redact.String     // its private key, PEM
}

// UnmarshalJSON parses GitHub's answer. It is lenient about what the App can do
// without, since the key comes only once.
func (r *Registration) UnmarshalJSON(data []byte) error {
	var wire struct {
		Slug        string            `json:"slug"`
		Name        string            `json:"name,omitempty"`
		ClientID    string            `json:"client_id"`
		Owner       *account          `json:"owner"`
		Permissions map[string]string `json:"permissions,omitempty"`
		Key         string            `json:"pem"`
	}
	if err := apicall.Decode(data, &wire); err != nil {
		return err
	}
	*r = Registration{
		Slug: oneLine(wire.Slug), Name: oneLine(wire.Name), ClientID: oneLine(wire.ClientID),
		Permissions: wire.Permissions, Key: redact.New(wire.Key),
	}
	if wire.Owner != nil {
		r.Owner = oneLine(wire.Owner.Login + wire.Owner.Slug)
	}
	return nil
}

// registrationPath is what the path of [API.Register] begins with.
const registrationPath = "app-manifests/"

// Register exchanges the code that GitHub gave to a browser for the App that
// was made there, and its key. It sends no credential: the code alone opens the
// key, once and within an hour, so that it is in no log.
//
// If the answer is lost, so is the key, and a second attempt is refused. The
// App exists all the same.
func (a *API) Register(ctx context.Context, code redact.String) (Registration, error) {
	const op = "take the App over"
	var made Registration
	path := registrationPath + url.PathEscape(code.Reveal()) + "/conversions"
	hide := &redact.Masks{}
	hide.Add(code)
	own := a.withoutLimiter()
	who := own.client(own.wire)
	who.Transport = discreet{hide, who.Transport}
	err := own.call(ctx, who, op, http.MethodPost, path, nil, &made)
	if err == nil && (made.Slug == "" || made.ClientID == "" || made.Key.Empty()) {
		err = &Error{Op: op, Reason: "the answer has no slug, no client id or no key", Hint: a.unreachable(errUnreadable)}
	}
	return made, explain(err, func(e *Error) {
		switch {
		case e.Status == http.StatusNotFound && e.Attempts > 1:
			e.Hint = "the answer with the key was lost on its way, and GitHub gives it once: generate another private key " +
				"on the App's settings page, or delete the App and start over"
		case e.Status == http.StatusNotFound:
			e.Hint = "the code from GitHub's page was used before, or is older than an hour: delete the App and start over"
		}
	})
}

// shownPath returns the path of a request for a log, without the code that
// [API.Register] sends in it.
func (a *API) shownPath(path string) string {
	if strings.HasPrefix(path, a.base.Path+registrationPath) {
		return a.base.Path + registrationPath + "***"
	}
	return path
}

// reachTime is shorter than any wait for a limit, which needs none.
const reachTime = 20 * time.Second

// CheckReachable returns an error unless GitHub's API answers, before anything
// depends on it. An Enterprise Server may answer nobody without a credential,
// and a limit may be used up, but these are GitHub's own answers.
func (a *API) CheckReachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	err := a.call(ctx, a.client(a.wire), "reach GitHub's API", http.MethodGet, "meta", nil, nil)
	var e *Error
	if errors.As(err, &e) && e.RequestID != "" { // GitHub's own answer, and not that of a firewall
		switch e.Status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
			return nil
		}
	}
	return err
}
