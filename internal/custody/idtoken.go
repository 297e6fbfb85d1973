package custody

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/redact"
)

// issuer is who issues the OIDC tokens of jobs, for hints.
const issuer = "https://token.actions.githubusercontent.com, or that of your GitHub"

// noIDToken is the hint for a job that gets no OIDC token.
const noIDToken = "give the job the permission id-token: write, besides those that it has; " +
	"a pull request from a fork gets no such token, whatever the workflow says"

// idToken returns an OIDC token of GitHub for an audience. It remembers its
// claims in words, for the hints. An empty audience leaves it to GitHub, which
// takes the address of the repository's owner.
// https://docs.github.com/en/actions/reference/security/oidc
func (s *service) idToken(ctx context.Context, audience string) (redact.String, error) {
	const op = "get the job's OIDC token"
	if s.Job.RequestURL == "" || s.Job.RequestToken.Empty() {
		return redact.String{}, fault.New(op+": the job has none, because ACTIONS_ID_TOKEN_REQUEST_URL or _TOKEN is not set", noIDToken)
	}
	u, err := url.Parse(s.Job.RequestURL)
	if err != nil {
		return redact.String{}, fault.New(op+": ACTIONS_ID_TOKEN_REQUEST_URL is not a URL", noIDToken)
	}
	if audience != "" {
		q := u.Query()
		q.Set("audience", audience)
		u.RawQuery = q.Encode()
	}
	answer, err := s.call(ctx, Request{
		Op: op, Setting: "ACTIONS_ID_TOKEN_REQUEST_URL", Method: http.MethodGet, URL: u.String(), Header: bearer(s.Job.RequestToken),
	}, nil)
	var refused *refusal
	if errors.As(err, &refused) && refused.status < 500 { // the custodian's advice is not for GitHub's words
		err = &fault.Error{Problem: err.Error(), Hint: noIDToken, Err: refused}
	}
	if err != nil {
		return redact.String{}, err
	}
	return s.assertion(op, answer.text("value"))
}

// fileToken returns a token from a file, as Kubernetes writes it for a runner.
func (s *service) fileToken(setting, path string) (redact.String, error) {
	op := "read the token in " + setting
	text, err := s.ReadFile(path)
	if err != nil {
		return redact.String{}, &fault.Error{Problem: op + ": " + err.Error(), Hint: fault.Hint(err), Err: err}
	}
	return s.assertion(op, strings.TrimSpace(string(text)))
}

// webIdentity returns the token that a role is taken with: that in the file, if
// there is one, and otherwise the job's OIDC token. An audience that the
// settings have counts more than the usual one.
func (s *service) webIdentity(ctx context.Context, setting, file, audience string) (redact.String, error) {
	if file != "" {
		return s.fileToken(setting, file)
	}
	return s.idToken(ctx, cmp.Or(s.Audience, audience))
}

// assertion masks an OIDC token and notes its claims.
func (s *service) assertion(op, text string) (redact.String, error) {
	token, err := s.secret(op, text)
	if err == nil {
		s.sent = claims(token)
		s.Done("the token has " + s.sent)
	}
	return token, err
}

// claims returns in words what an OIDC token says of its bearer and whom it is
// for. Whoever gets the token judges it; this is only for a reader who compares
// it with a policy.
func claims(token redact.String) string {
	var payload document
	if parts := strings.Split(token.Reveal(), "."); len(parts) == 3 {
		payload = parseDocument(document{parts[1]}.bytes())
	}
	subject, audience := payload.text("sub"), payload.at("aud")
	if subject == "" {
		return "a token that is no JWT of a job"
	}
	if list, ok := audience.([]any); ok && len(list) == 1 {
		audience = list[0]
	}
	text := fmt.Sprintf("sub %s and aud %v", subject, audience)
	if owner, _, _ := strings.Cut(subject, "/"); strings.Contains(owner, "@") {
		text += " (this sub has the ids of owner and repository: a policy for repo:OWNER/REPOSITORY does not admit it)"
	}
	return short(redact.OneLine(text))
}
