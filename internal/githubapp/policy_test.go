package githubapp

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

// Each message of a policy is told from the others, and says what it means, who
// can change it and what to do.
func TestPolicies(t *testing.T) {
	const (
		enterprise = "The 'Globex Open Source' enterprise forbids access via a personal access tokens (classic) if the token's lifetime " +
			"is greater than 8 days. Please adjust your token's lifetime at the following URL: https://github.com/settings/tokens/1"
		git = "remote: The 'acme' organization has enabled or enforced SAML SSO.\nremote: To access this repository, visit " +
			"https://github.com/orgs/acme/sso?authorization_request=A and try your request again."
	)
	for _, c := range []struct{ name, says, means, who, do string }{
		{
			"a lifetime", lifetimePAT, "the organization accepts no such token that lives longer than 366 days",
			"organization", "366 days at most",
		},
		{
			"a lifetime of an enterprise", enterprise, "the enterprise accepts no such token that lives longer than 8 days",
			"enterprise", "8 days at most",
		},
		{
			"a lifetime in JSON",
			`"message": "The \u0027acme\u0027 organization forbids access via a personal access tokens (classic) if the ` +
				`token\u0027s lifetime is greater than 90 days.`, "longer than 90 days", "organization", "GITHUB_TOKEN is enough",
		},
		{"a lifetime without a number", "if the token's lifetime is greater than", "longer than some days", "organization", ""},
		{"classic", classicPAT, "accepts no personal access tokens (classic)", "owner of the organization", "make a fine-grained token"},
		{
			"classic, in another spelling", "`acme` forbids access via a personal access tokens (classic)",
			"accepts no personal access tokens (classic)", "", "",
		},
		{"fine-grained", fineGrainedPAT, "accepts no fine-grained personal access tokens", "owner of the organization", "ask an owner"},
		{"single sign-on", samlText, "and the token is not authorized", "owner of the token", "open the address"},
		{"single sign-on, to git", git, "and the token is not authorized", "owner of the token", "gh auth refresh"},
		{
			"the header", "x-github-sso: required; url=https://github.com/orgs/acme/sso?authorization_request=A",
			"enforces SAML single sign-on, and the token is not authorized", "owner of the token", "open the address",
		},
		{
			"the header of a part", "X-GitHub-SSO: partial-results; organizations=21955855,20582480",
			"the list lacks all that belongs to some organizations", "owner of the token", "Configure SSO",
		},
		{
			"pending", "Resource not accessible by personal access token", "or the approval that a new or changed token waits for",
			"Pending requests", "whether it is pending",
		},
		{"a push", "remote: Write access to repository not granted.", "a permission, the repository", "", "mint a token"},
		{
			"GITHUB_TOKEN", "Resource not accessible\n by integration",
			"an App's token, such as GITHUB_TOKEN", "the workflow", "permissions: of the job",
		},
	} {
		p, ok := LookupPolicy(c.says)
		do := strings.Join(p.Do, "\n")
		if !ok || !strings.Contains(p.Means, c.means) || !strings.Contains(p.Who, c.who) || !strings.Contains(do, c.do) {
			t.Errorf("%s: known %v: %q; changed by %q; do %q", c.name, ok, p.Means, p.Who, p.Do)
		}
		if text := p.Means + p.Who + do; strings.ContainsAny(text, "{}") || strings.Contains(strings.ToLower(text), "acme") {
			t.Errorf("%s: a placeholder, or what was given, is in %q", c.name, text)
		}
		if !strings.Contains(do, "mint a token of an App") {
			t.Errorf("%s: does not lead to the mint: %q", c.name, p.Do)
		}
	}
	for _, says := range []string{"", "Not Found", "Bad credentials", "acme forbids everything", "is greater than 5 days", "SAML"} {
		if p, ok := LookupPolicy(says); ok {
			t.Errorf("%q: %q", says, p.Means)
		}
	}
}

// The address of the header is shown where it leads to this GitHub's website,
// also with a 404.
func TestWhereToAuthorize(t *testing.T) {
	const (
		page   = "https://github.test/orgs/acme/sso?authorization_request=A1"
		onPage = "authorize the token for it with Configure SSO on the page of your tokens, or use an App"
	)
	for _, c := range []struct {
		status         int
		message, named string
		want           string
	}{
		{403, samlText, "required; url=" + page, "authorize the token for it within the hour at " + page + ", or use an App"},
		{404, "Not Found", "required; url=" + page, "authorize the token for it within the hour at " + page + ", or use an App"},
		{403, samlText, "required; url=http://github.test/orgs/acme/sso", onPage},
		{403, samlText, "required; url=https://evil.test/orgs/acme/sso", onPage},
		{403, samlText, "required; url=https://u:p@github.test/orgs/acme/sso", onPage},
		{403, samlText, "required; url=https://github.test/logout", onPage},
		{403, samlText, "required; url=" + page + strings.Repeat("A", 400), onPage},
		{403, samlText, "required; url=:", onPage},
		{403, samlText, "", onPage},
		{404, "Not Found", "partial-results; organizations=1", "nothing has that name, or the token has no access to it"},
	} {
		f := newFixture(t)
		f.SkipOpenAPI = true
		f.Inject(fakegithub.Fault{
			Status: c.status, Header: map[string]string{"Content-Type": "application/json", "X-GitHub-SSO": c.named},
			Body: fmt.Sprintf(`{"message":%q}`, c.message),
		})
		err := f.api.Reach(t.Context(), redact.New("x"), "acme", "api")
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.ErrorHint(), c.want) {
			t.Errorf("%d, %q: %v: %q", c.status, c.named, err, e.ErrorHint())
		}
	}
}
