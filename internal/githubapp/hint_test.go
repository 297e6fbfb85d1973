package githubapp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

const (
	ipAllowList = "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list " +
		"enabled, and 192.0.2.1 is not permitted to access this resource."
	classicPAT = "acme forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal access " +
		"token with fine-grained permissions."
	samlText = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this " +
		"organization."
	fineGrainedPAT = "The 'acme' organization forbids access via a fine-grained personal access tokens. Please use a GitHub App, OAuth " +
		"App, or a personal access token (classic)."
	lifetimePAT = "The 'acme' organization forbids access via a fine-grained personal access tokens if the token's lifetime is greater " +
		"than 366 days. Please adjust your token's lifetime at the following URL: https://github.com/settings/personal-access-tokens/1"
)

// hintsByMessage has the hints for each message of GitHub's.
var hintsByMessage = []struct {
	status     int
	says       string
	app, token string // how the hint begins; empty: this message is not for such a call
}{
	{
		404, "Integration not found",
		"no App has the id Iv23liTESTkeeper0000 at api.github.test, so installing it does not help", "",
	},
	{401, "'Issuer' claim ('iss') must be an Integer", "api.github.test accepts an App's number but no client id", ""},
	{
		401, "Integration must generate a public key",
		"the App has no key at api.github.test, or Iv23liTESTkeeper0000 is the id of another App", "",
	},
	{
		401, "A JSON web token could not be decoded",
		"private-key does not belong to the App Iv23liTESTkeeper0000 at api.github.test", "",
	},
	{401, "'Expiration time' claim ('exp') is too far in the future", "the clock of this machine differs from GitHub's", ""},
	{401, "Requires authentication", "the credential was lost on the way", "the credential was lost on the way"},
	{
		401, "something new", "check client-id, private-key and github-api-url",
		"the token has expired or was revoked, or is of another host than api.github.test",
	},
	{
		403, ipAllowList, "an owner must add this runner's address to the organization's IP allow list",
		"an owner must add this runner's address to the organization's IP allow list",
	},
	{
		403, samlText, "the organization enforces SAML single sign-on, which an App does not need",
		"the organization enforces SAML single sign-on: authorize the token for it",
	},
	{
		403, classicPAT, "the organization forbids classic tokens, and something sent one",
		"the organization forbids classic tokens: use an App",
	},
	{
		403, lifetimePAT, "the organization accepts no token with such a long lifetime",
		"the organization accepts no token with such a long lifetime",
	},
	{403, fineGrainedPAT, "the organization forbids fine-grained tokens", "the organization forbids fine-grained tokens: use an App"},
	{403, "Repository was archived so is read-only.", "the repository is archived", "the repository is archived"},
	{403, "Repository access blocked", "GitHub has blocked the repository", "GitHub has blocked the repository"},
	{403, "This installation has been suspended", "", "an owner must unsuspend the App's installation"},
	{403, "Must have admin rights to Repository.", "", "the owner of the token must be an administrator"},
	{403, "something new", "", "the token has no access to this"},
	{
		403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
		"something between here and api.github.test, such as a proxy, drops the User-Agent header",
		"something between here and api.github.test, such as a proxy, drops",
	},
	{404, "Not Found", "", "nothing has that name, or the token has no access to it"},
	{407, "", "check HTTPS_PROXY or HTTP_PROXY of the runner", "check HTTPS_PROXY or HTTP_PROXY of the runner"},
	{410, "Gone", "this GitHub no longer serves the API version", "this GitHub no longer serves the API version"},
	{
		400, `"2022-11-28" is not a supported API version.`, "this GitHub does not know the API version",
		"this GitHub does not know the API version",
	},
	{
		415, "Unsupported Media Type", "something between here and api.github.test, such as a proxy, changed the request",
		"something between here and api.github.test, such as a proxy, changed the request",
	},
	{
		426, "Upgrade Required", "something between here and api.github.test, such as a proxy, changed the request",
		"something between here and api.github.test, such as a proxy, changed the request",
	},
	{
		401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued.",
		"the clock of this machine differs from GitHub's", "",
	},
	{
		403,
		"Although you appear to have the correct authorization credentials, the acme organization has enabled OAuth App access " +
			"restrictions",
		"the organization accepts no tokens of OAuth apps", "the organization accepts no tokens of OAuth apps",
	},
	{
		422, "The maximum number of repositories with these permissions is 12.",
		"ask for fewer repositories or fewer permissions at once", "ask for fewer repositories",
	},
	{302, "", "github-api-url must be the REST API's own address", "github-api-url must be the REST API's own address"},
	{301, "", "github-api-url must be the REST API's own address", "github-api-url must be the REST API's own address"},
	{
		400, "Problems parsing JSON", "something between here and api.github.test, such as a proxy, changed the request",
		"something between here and",
	},
	{405, "", "something between here and api.github.test, such as a proxy, changed the request", "something between here and"},
	{413, "", "something between here and api.github.test, such as a proxy, changed the request", "something between here and"},
	{451, "Unavailable", "GitHub may not serve this here, for legal reasons", "GitHub may not serve this here, for legal reasons"},
	{500, "Server Error", "GitHub has trouble of its own", "GitHub has trouble of its own"},
}

// Each message of GitHub's has the same hint in every call that an App signs,
// and the same in every call with a token.
func TestHintsByMessage(t *testing.T) {
	for _, c := range hintsByMessage {
		t.Run(fmt.Sprint(c.status, " ", c.says), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.SkipOpenAPI = true
				f.Inject(fakegithub.Fault{
					Status: c.status, Header: map[string]string{"Content-Type": "application/json"},
					Body: fmt.Sprintf(`{"message":%q}`, c.says),
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				token := redact.New("ghs_" + strings.Repeat("a", 36))
				calls := f.calls(token)
				calls["reach"] = func(ctx context.Context) (any, error) { return nil, f.api.Reach(ctx, token, "acme", "api") }
				calls["verify"] = func(ctx context.Context) (any, error) { return nil, f.api.Verify(ctx, token) }
				calls["revoke"] = func(ctx context.Context) (any, error) { return f.api.Revoke(ctx, token) }
				for name, call := range calls {
					_, err := call(ctx)
					var e *Error
					switch want := map[bool]string{true: c.app, false: c.token}[strings.Contains("lookup mint slug page installations",
						name)]; {
					case want == "":
					case (c.status == 401 || c.status == 404) && name == "revoke" && err == nil: // as good as revoked
					case !errors.As(err, &e):
						t.Errorf("%s: got %v", name, err)
					case name == "verify" && e.mayBeLag() && e.ErrorHint() == "GitHub did not know the token it made: run the job again":
					case !strings.HasPrefix(e.ErrorHint(), want):
						t.Errorf("%s: hint %q, want %q", name, e.ErrorHint(), want)
					}
				}
			})
		})
	}
}

// The hint names the permissions that a call needs, as GitHub's header says. It
// does not repeat a header of another form.
func TestTheNeededPermissionsAreNamed(t *testing.T) {
	for header, want := range map[string]string{
		"contents=read": "contents: read",
		"pull_requests=read,contents=read; issues=read,contents=read": "pull_requests: read and contents: read, or issues: read and " +
			"contents: read",
		"issues=write;pull_requests=write": "issues: write, or pull_requests: write",
		"":                                 "",
		"contents=read\x1b[31m":            "",
		"::error::x":                       "",
		strings.Repeat("a", 500) + "=read": "",
	} {
		if got := accepted(header); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
	for who, want := range map[string]string{
		"integration": "the call needs issues: write, or pull_requests: write: grant that to the App in its settings, have an " +
			"owner accept it, and ask for it where the token is minted",
		"personal access token": "the call needs issues: write, or pull_requests: write: grant that to the token on the page of " +
			"your tokens, and have an owner approve it; GitHub answers the same as long as the token waits for approval",
	} {
		f := newFixture(t)
		f.SkipOpenAPI = true
		f.Inject(fakegithub.Fault{
			Status: 403,
			Header: map[string]string{
				"Content-Type": "application/json", "X-Accepted-GitHub-Permissions": "issues=write; pull_requests=write",
			},
			Body: `{"message":"Resource not accessible by ` + who + `"}`,
		})
		err := f.api.Reach(t.Context(), redact.New("x"), "acme", "api")
		var e *Error
		if !errors.As(err, &e) || e.ErrorHint() != want {
			t.Errorf("got %v, hint %q", err, e.ErrorHint())
		}
	}
}

// A limit that comes when there is no time to wait has a hint.
func TestALimitInTheLastMoment(t *testing.T) {
	f := newFixture(t)
	resp := limitAnswer(403, "", "Content-Type", "application/json", "X-GitHub-Request-Id", "AA:BB")
	for _, text := range []string{"API rate limit exceeded for installation.", "You have exceeded a secondary rate limit."} {
		got := f.api.hintByMessage(f.app.client, &Error{Status: 403, Message: text}, resp)
		if !strings.HasPrefix(got, "GitHub limits how much is done at once") {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// An error names the fields of a refused request, with or without a message of
// their own.
func TestFieldsAreSaid(t *testing.T) {
	f := newFixture(t)
	f.SkipOpenAPI = true
	const fields = `[{"resource":"Key","field":"key","code":"already_exists"},{"code":"custom","message":"no more"}]`
	for body, want := range map[string]string{
		`{"message":"Validation Failed","errors":` + fields + `}`: "Validation Failed; key already_exists; no more",
		`{"message":"Validation Failed","errors":["a","b"]}`:      "Validation Failed; a; b",
		`{"message":null,"errors":null}`:                          "Unprocessable Entity",
	} {
		f.Inject(fakegithub.Fault{Status: 422, Times: 1, Header: map[string]string{"Content-Type": "application/json"}, Body: body})
		err := f.api.Reach(t.Context(), redact.New("x"), "acme", "api")
		if got := firstLine(err); got != "open acme/api: GitHub answered 422: "+want {
			t.Errorf("got %q", got)
		}
	}
}
