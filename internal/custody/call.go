package custody

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/address"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/redact"
)

// advice is a part of what a custodian says when it refuses, in lower case, or
// several with | between them, and the hint for it. {sent} stands for the claims
// of the OIDC token that was sent, {key} for the URI, and {who} for the role that
// signs.
type advice struct{ says, hint string }

// refusal is an answer that is not a success.
type refusal struct {
	status int
	said   string // the custodian's words, on one line
	date   time.Time
}

func (r *refusal) Error() string {
	if r.said == "" {
		return fmt.Sprintf("the answer is %d", r.status)
	}
	return fmt.Sprintf("the answer is %d: %s", r.status, r.said)
}

// says reports whether the custodian said one of some things, with | between
// them.
func (r *refusal) says(things string) bool {
	said := strings.ToLower(r.said)
	for _, thing := range strings.Split(things, "|") {
		if strings.Contains(said, thing) {
			return true
		}
	}
	return false
}

// service is the part of a key that all services over the network share.
type service struct {
	*Config
	location
	who    string   // whose rights count: a role's name; for hints
	sent   string   // the claims of the OIDC token that was sent last, in words; empty: none was
	advice []advice // the first that fits counts
}

// send sends a request and returns the body of a success.
func (s *service) send(ctx context.Context, r Request) ([]byte, error) {
	resp, err := s.Send(ctx, r)
	switch {
	case err != nil:
		return nil, err // which says what the request was for
	case resp.Status < 200 || resp.Status > 299:
		return nil, s.explain(r.Op, &refusal{resp.Status, words(resp.Body), resp.Date})
	}
	s.Done(r.Op)
	return resp.Body, nil
}

// call sends a request, with the value of body as JSON unless that is nil, and
// decodes a success.
func (s *service) call(ctx context.Context, r Request, body any) (document, error) {
	if body != nil {
		r.Body, _ = json.Marshal(body) // plain data
		r.Header["Content-Type"] = "application/json"
	}
	answer, err := s.send(ctx, r)
	if err != nil {
		return document{}, err
	}
	return parseDocument(answer), nil
}

// notUnderstood is the error for a success without what it is for.
func notUnderstood(op string) error {
	return fault.New(op+": the answer is not what the service describes",
		"something between here and the service, such as a proxy, answers in its place; if nothing does, it is another service")
}

// explain adds the hint to a refusal.
func (s *service) explain(op string, r *refusal) error {
	hint := ""
	for _, a := range s.advice {
		if r.says(a.says) {
			hint = a.hint
			break
		}
	}
	switch {
	case hint != "":
	case r.status >= 500:
		hint = "the service has trouble of its own: run the job again later"
	case r.status == http.StatusTooManyRequests:
		hint = "the service limits how much is done at once: run the job again later"
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden:
		hint = "{who} may not do that: check its rights on the key"
	case r.status == http.StatusNotFound:
		hint = "nothing there has that name: check {key}"
	}
	hint = strings.NewReplacer("{sent}", s.sent, "{key}", s.uri(), "{who}", s.who).Replace(hint)
	return &fault.Error{Problem: op + ": " + r.Error(), Hint: hint, Err: r}
}

// words returns what an answer that refuses says, in any of the forms that the
// custodians have, on one line. Of an answer in another form it returns nothing,
// since that may be a page of HTML.
func words(body []byte) string {
	d := parseDocument(body)
	said := []string{element(body, "Code"), element(body, "Message")} // of AWS STS
	for _, path := range []string{
		"__type", "message", "Message", // of AWS
		"error", "error_description", // of OAuth
		"error code", "error innererror code", "error status", "error message", // of Google and Azure
	} {
		said = append(said, d.text(strings.Fields(path)...))
	}
	errors, _ := d.at("errors").([]any) // of Vault
	for _, e := range errors {
		said = append(said, document{e}.text())
	}
	var kept []string
	for _, text := range said {
		if text = redact.OneLine(text); text != "" {
			kept = append(kept, text)
		}
	}
	return short(strings.Join(kept, ": "))
}

// maxWords is how much of others' words is shown.
const maxWords = 400

// short cuts a text off that is too long to be shown.
func short(text string) string {
	if r := []rune(text); len(r) > maxWords {
		return string(r[:maxWords]) + "…"
	}
	return text
}

var plainPath = pattern.Pattern{Text: `^[0-9A-Za-z/._~-]*$`}

// endpoint returns an address without its last slash. The setting is named by
// an error.
func endpoint(setting, text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Opaque != "", u.User != nil, u.RawQuery != "", u.Fragment != "", !plainPath.Matches(u.EscapedPath()):
		return "", fault.New(setting+" is not the address of a service", "write it as https://HOST or https://HOST:PORT")
	}
	if err := address.Check(u, true); err != nil { // Send decides whether http is allowed
		return "", fault.New(setting+" "+err.Error(), "write it as https://HOST or https://HOST:PORT")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// secret masks a credential that an answer has, before anything else is done
// with it. It returns an error for a text that can't be one: something that has
// no place in a header.
func (s *service) secret(op, text string) (redact.String, error) {
	credential := redact.New(text)
	if text != "" {
		s.Secret(credential)
	}
	if !redact.IsWord(text) {
		return redact.String{}, notUnderstood(op)
	}
	return credential, nil
}

// lease is how long a credential is used: not to its very end, since a request
// takes some time too.
type lease struct{ until time.Time }

func (l *lease) set(now time.Time, lifetime time.Duration) {
	l.until = now.Add(lifetime - lifetime/4)
}

func (l *lease) over(now time.Time) bool { return !now.Before(l.until) }
