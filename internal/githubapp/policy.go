package githubapp

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/valetkey/valetkey/internal/pattern"
)

// Policy explains an answer that refuses a token which works elsewhere, because
// of what an organization or its enterprise allows.
type Policy struct {
	Means string   `json:"means"`
	Who   string   `json:"changed_by"` // who can change it, and where
	Do    []string `json:"do"`         // the best first
}

// policy is a Policy, the texts of GitHub's that it is about, and the hint for
// calls that meet them. In the texts of a Policy, {days} stands for the number in
// the message, and {who} for the kind of account that it names; in a hint, {sso}
// stands for where to authorize a token.
type policy struct {
	says []string // parts of messages, in lower case; one is enough
	hint advice
	Policy
}

const (
	noTokenNeeded = "in a workflow that only touches its own repository, no token is needed: GITHUB_TOKEN is enough, with what it may do " +
		"in permissions: of the job. No such rule is about it"
	mintInstead = "in a workflow that touches more, mint a token of an App for the job. No such rule is about it, and it lives for an hour"

	ownerSets = "an owner of the organization, under Settings, Personal access tokens, Settings; or of its enterprise, where that sets it"
)

// policies have GitHub's messages as quoted in its documentation and in public
// issues. The first that matches counts: the message about a lifetime names the
// kind of token as the others do, and that about fine-grained tokens offers a
// classic one.
var policies = []policy{
	{
		says: []string{"lifetime is greater than"},
		hint: advice{both: "the organization accepts no token with such a long lifetime: make one that expires sooner, or use an App, " +
			"whose tokens live for an hour"},
		Policy: Policy{
			Means: "the {who} accepts no such token that lives longer than {days} days from when it was made, or for ever; " +
				"that counts whenever the token is used, and so for tokens that were made before the rule",
			Who: "an owner of the {who}, under Settings or Policies, Personal access tokens",
			Do: []string{
				noTokenNeeded, mintInstead,
				"otherwise regenerate the token at the address in the message, with an expiry of {days} days at most",
			},
		},
	},
	{
		// The text is known from one quotation only.
		says: []string{"forbids access via a fine-grained personal access token"},
		hint: advice{both: "the organization forbids fine-grained tokens: use an App"},
		Policy: Policy{
			Means: "the organization accepts no fine-grained personal access tokens, whatever their permissions",
			Who:   ownerSets,
			Do: []string{
				noTokenNeeded, mintInstead,
				"otherwise ask an owner what they accept; a classic token would open all that its owner can open",
			},
		},
	},
	{
		says: []string{"forbids access via a personal access token (classic)", "forbids access via a personal access tokens (classic)"},
		hint: advice{
			app:   "the organization forbids classic tokens, and something sent one: check that {key} is the App's",
			token: "the organization forbids classic tokens: use an App, or a fine-grained token",
		},
		Policy: Policy{
			Means: "the organization accepts no personal access tokens (classic), whatever their scopes, not even for what is public",
			Who:   ownerSets,
			Do: []string{
				noTokenNeeded, mintInstead,
				"otherwise make a fine-grained token with the organization as its resource owner, which an owner may have to approve",
			},
		},
	},
	{
		says: []string{"partial-results;"},
		Policy: Policy{
			Means: "the list lacks all that belongs to some organizations, whose ids stand in the header X-GitHub-SSO: " +
				"they enforce SAML single sign-on, and the token is not authorized for it",
			Who: "the owner of the token, who has to be able to sign in there",
			Do:  []string{mintInstead, authorize},
		},
	},
	{
		says: []string{"saml enforcement", "enforced saml sso", "x-github-sso: required", "required; url="},
		hint: advice{
			app: "the organization enforces SAML single sign-on, which an App does not need: check that github-api-url and the App " +
				"are the right ones",
			token: "the organization enforces SAML single sign-on: authorize the token for it {sso}, or use an App, which does not need it",
		},
		Policy: Policy{
			Means: "the organization enforces SAML single sign-on, and the token is not authorized for it",
			Who:   "the owner of the token, who has to be able to sign in there; nobody can do it for them",
			Do:    []string{noTokenNeeded, mintInstead, authorize},
		},
	},
	{
		says: []string{"resource not accessible by personal access token", "write access to repository not granted"},
		hint: advice{token: "the call needs {needs}: grant that to the token on the page of your tokens, and have an owner approve it; " +
			"GitHub answers the same as long as the token waits for approval"},
		Policy: Policy{
			Means: "the fine-grained token lacks something, and GitHub does not say what: a permission, the repository, the organization " +
				"as its resource owner, or the approval that a new or changed token waits for; until then it reads what is public",
			Who: "the owner of the token, on its page; the approval is given by an owner of the organization, " +
				"under Settings, Personal access tokens, Pending requests",
			Do: []string{
				noTokenNeeded, mintInstead,
				"otherwise see on the token's page whether it is pending; the header X-Accepted-GitHub-Permissions of the answer " +
					"names the permission",
			},
		},
	},
	{
		says: []string{"resource not accessible by integration"},
		hint: advice{token: "the call needs {needs}: grant that to the App in its settings, have an owner accept it, and ask for it " +
			"where the token is minted"},
		Policy: Policy{
			Means: "an App's token, such as GITHUB_TOKEN, lacks a permission or the repository; a personal token is not the cure",
			Who: "for GITHUB_TOKEN the workflow, in permissions:; for another App whoever registered it, " +
				"after which an owner of the organization accepts the change",
			Do: []string{
				"for GITHUB_TOKEN in its own repository, add the permission to permissions: of the job; " +
					"a pull request from a fork is never allowed to write",
				"for anything else, mint a token of an App that has the permission",
			},
		},
	},
}

const authorize = "otherwise authorize the token: open the address that the answer names within the hour, or choose Configure SSO on the " +
	"page of your tokens (classic). A fine-grained token is authorized when it is made, and that of gh by gh auth refresh"

// LookupPolicy explains a message of GitHub's, or the header X-GitHub-SSO. It
// reports whether it knows the text. The explanation repeats nothing of it but a
// number of days.
func LookupPolicy(text string) (Policy, bool) {
	said := strings.Join(strings.Fields(strings.ToLower(text)), " ")
	p := findPolicy(said)
	if p == nil {
		return Policy{}, false
	}
	days, who := "some", "organization"
	if m := lifetimeDays.Regexp().FindStringSubmatch(said); m != nil {
		days = m[1]
	}
	if strings.Contains(said, "enterprise forbids") {
		who = "enterprise"
	}
	fill := strings.NewReplacer("{days}", days, "{who}", who)
	filled := Policy{Means: fill.Replace(p.Means), Who: fill.Replace(p.Who)}
	for _, do := range p.Do {
		filled.Do = append(filled.Do, fill.Replace(do))
	}
	return filled, true
}

var lifetimeDays = pattern.Pattern{Text: `lifetime is greater than ([0-9]{1,4}) day`}

// findPolicy returns the policy that a message in lower case is about, or nil.
func findPolicy(said string) *policy {
	for i := range policies {
		for _, part := range policies[i].says {
			if strings.Contains(said, part) {
				return &policies[i]
			}
		}
	}
	return nil
}

// signOn returns the address in the header X-GitHub-SSO, and whether the header
// demands single sign-on. GitHub sends it with a 404, too.
func signOn(h http.Header) (address string, demanded bool) {
	address, demanded = strings.CutPrefix(h.Get("X-GitHub-SSO"), "required; url=")
	return address, demanded
}

// authorizeAt returns where the owner of a token authorizes it for single
// sign-on: at the address that the answer names, if that leads to the website of
// this GitHub.
func (a *API) authorizeAt(h http.Header) string {
	address, demanded := signOn(h)
	u, err := url.Parse(address)
	if !demanded || err != nil || len(address) > 400 || u.Scheme != "https" || u.User != nil ||
		u.Host != strings.TrimPrefix(a.base.Host, "api.") || !strings.HasSuffix(u.Path, "/sso") {
		return "with Configure SSO on the page of your tokens"
	}
	return "within the hour at " + oneLine(u.String())
}
