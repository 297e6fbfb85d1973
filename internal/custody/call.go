package custody

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/address"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/pattern"
	"github.com/valetkey/valetkey/internal/redact"
)

// advice is a part of what a custodian says when it refuses, in lower case, and
// the hint for it. {sent} stands for the claims of the OIDC token that was
// sent, {key} for the URI, and {who} for the role that signs.
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

// has reports whether the custodian said something.
func (r *refusal) has(words string) bool { return strings.Contains(strings.ToLower(r.said), words) }

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
	return resp.Body, nil
}

// call sends a request, with the value of body as JSON unless that is nil, and
// decodes a success into result unless that is nil. The caller checks the
// fields that it needs: each may be missing or null.
func (s *service) call(ctx context.Context, r Request, body, result any) error {
	if body != nil {
		r.Body, _ = json.Marshal(body) // plain data
		r.Header = maps.Clone(r.Header)
		if r.Header == nil {
			r.Header = map[string]string{}
		}
		r.Header["Content-Type"] = cmp.Or(r.Header["Content-Type"], "application/json")
	}
	answer, err := s.send(ctx, r)
	if err != nil || result == nil {
		return err
	}
	if json.Unmarshal(answer, result) != nil { // whose error may repeat the answer
		return notUnderstood(r.Op)
	}
	return nil
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
		if r.has(a.says) {
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
	hint = strings.NewReplacer("{sent}", s.sent, "{key}", s.String(), "{who}", s.who).Replace(hint)
	return &fault.Error{Problem: op + ": " + r.Error(), Hint: hint, Err: r}
}

// maxWords is how much of a custodian's words is shown.
const maxWords = 400

// words returns what an answer that refuses says, in any of the forms that the
// custodians have, on one line. It never fails: of an answer that is not in one
// of these forms it returns nothing, since that may be a page of HTML.
func words(body []byte) string {
	var said []string
	var answer struct {
		Type        string          `json:"__type"` // AWS
		Message     string          `json:"message"`
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"` // OAuth
		Errors      []string        `json:"errors"`            // Vault
	}
	if json.Unmarshal(body, &answer) == nil {
		var detail struct { // Google and Azure
			Code    any    `json:"code"`
			Status  string `json:"status"`
			Message string `json:"message"`
			Inner   struct {
				Code string `json:"code"`
			} `json:"innererror"`
		}
		var code string
		if json.Unmarshal(answer.Error, &code) != nil && json.Unmarshal(answer.Error, &detail) == nil {
			code, _ = detail.Code.(string) // Google has the status there too, as a number
		}
		_, kind, found := strings.Cut(answer.Type, "#")
		if !found {
			kind = answer.Type
		}
		said = append([]string{kind, answer.Message, code, answer.Description, detail.Inner.Code, detail.Status, detail.Message}, answer.Errors...)
	} else {
		said = []string{element(body, "Code"), element(body, "Message")}
	}
	var kept []string
	for _, s := range said {
		if s = redact.OneLine(s); s != "" {
			kept = append(kept, s)
		}
	}
	return short(strings.Join(kept, ": "))
}

// short cuts a text off that is too long to be shown.
func short(text string) string {
	if r := []rune(text); len(r) > maxWords {
		return string(r[:maxWords]) + "…"
	}
	return text
}

// element returns the text of the only element of a name in an XML document.
// The elements that AWS STS answers with have neither attributes nor children
// of the same name, and it is all that is needed of XML. It returns nothing for
// an element that is missing, occurs twice or has children.
func element(document []byte, name string) string {
	_, rest, _ := strings.Cut(string(document), "<"+name+">")
	text, rest, ok := strings.Cut(rest, "</"+name+">")
	if !ok || strings.Contains(text, "<") || strings.Contains(rest, "<"+name+">") {
		return ""
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&").Replace(text)
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

// seconds is a lifetime as answers have it. What is no sensible one counts as
// none, so that the credential is used once.
func seconds(n int64) time.Duration {
	const longest = 24 * 60 * 60
	return time.Duration(max(0, min(n, longest))) * time.Second
}

// lease is how long a credential is used: not to its very end, since a request
// takes some time too.
type lease struct{ until time.Time }

func (l *lease) set(now time.Time, lifetime time.Duration) {
	l.until = now.Add(lifetime - lifetime/4)
}

func (l *lease) over(now time.Time) bool { return !now.Before(l.until) }
