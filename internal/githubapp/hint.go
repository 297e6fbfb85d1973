package githubapp

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// words are a message of GitHub's and what helps against it, for whoever signs as an
// App and for whoever holds a token. {app} is the issuer of the JWT, {host} the API's
// host, {needs} what GitHub says that the call takes.
type words struct {
	says       string // a part of the message, in lower case
	app, token string // empty: the caller knows more, or the status has to do
}

func either(says, hint string) words { return words{says, hint, hint} }

// byMessage decides before the status does: a 403 may be a permission, an address or
// a repository at rest. The messages are GitHub's as quoted in its documentation and
// in public issues.
var byMessage = []words{
	// What a JWT is refused for.
	{
		says: "integration not found",
		app: "no App has the id {app} at {host}, so that to install it helps nothing: check client-id, and that github-api-url is of the " +
			"host that the App is registered at",
	},
	{
		says: "('iss') must be an integer",
		app: "{host} takes an App's number and no client id: pass the App ID of its settings page in app-id; if {app} is that, an " +
			"invisible character came with it",
	},
	{
		says: "must generate a public key",
		app: "the App has no key at {host}, or {app} is the id of another App: check client-id, or generate a private key on the App's " +
			"settings page",
	},
	{
		says: "json web token could not be decoded",
		app:  "private-key does not belong to the App {app} at {host}: check client-id, private-key and github-api-url",
	},
	{"('iat')", "the clock of this machine is not GitHub's: set it by a time server", ""},
	{"('exp')", "the clock of this machine is not GitHub's: set it by a time server", ""},
	either("requires authentication",
		"the credential got lost on the way: something between here and {host}, a proxy, drops the Authorization header"),

	// What an organization forbids.
	either("ip allow list",
		"an owner must add this runner's address to the organization's IP allow list, or the job must run where the list "+
			"allows it"),
	{
		says: "saml enforcement",
		app: "the organization enforces SAML single sign-on, which an App does not need: check that github-api-url and the App are the " +
			"right ones",
		token: "the organization enforces SAML single sign-on: authorize the token for it with Configure SSO on the page of your tokens, or " +
			"use an App, which does not need it",
	},
	{
		says:  "personal access token (classic)",
		app:   "the organization forbids classic tokens, and something sent one: check that private-key is the App's",
		token: "the organization forbids classic tokens: use an App, or a fine-grained token",
	},
	either("token's lifetime is greater than",
		"the organization takes no token that lives for so long: make one that ends sooner, or use an App, whose tokens "+
			"live for an hour"),
	either("oauth app access restrictions", "the organization takes no tokens of OAuth apps: use an App that is installed there"),

	// What is not at work.
	{"installation has been suspended", "", "an owner must unsuspend the App's installation"},
	either("was archived so is read-only", "the repository is archived: unarchive it, or leave it out"),
	either("repository access blocked", "GitHub has blocked the repository, and has told its owner why"),

	// What a token lacks.
	{
		says:  "resource not accessible by integration",
		token: "the call takes {needs}: give the App that in its settings, have an owner accept it, and ask for it where the token is minted",
	},
	{
		says:  "resource not accessible by personal access token",
		token: "the call takes {needs}: give the token that on the page of your tokens, and have an owner approve it",
	},
	{"must have admin rights", "", "the owner of the token must be an administrator of the repository"},

	// What this program or what lies between sends.
	either("not a supported api version",
		"this GitHub does not know the API version that valetkey speaks: use an older valetkey with an older Enterprise "+
			"Server, and a newer one otherwise"),
	either("administrative rules", "something between here and {host}, a proxy, drops the User-Agent header"),
	either("maximum number of repositories",
		"ask for fewer repositories or fewer permissions at once, or install the App on all repositories and ask for all "+
			"of them"),
	either("rate limit", "GitHub limits how much is done at once: run it again later, or fewer jobs at the same time"),
}

// byStatus is for messages that say nothing, when nobody knew more.
var byStatus = map[int]words{
	http.StatusMovedPermanently: either("", misdirected),
	http.StatusFound:            either("", misdirected),
	http.StatusBadRequest:       either("", changed),
	http.StatusUnauthorized: {
		app:   "check client-id, private-key and github-api-url",
		token: "the token has expired or was revoked, or is of another host than {host}",
	},
	http.StatusForbidden: {
		token: "the token does not open this: check its permissions, its repositories, " +
			"and whether a rule of the organization forbids it",
	},
	http.StatusNotFound:                   {token: "there is nothing of that name, or the token does not open it"},
	http.StatusMethodNotAllowed:           either("", changed),
	http.StatusProxyAuthRequired:          either("", proxyHint),
	http.StatusGone:                       either("", "this GitHub no longer serves the API version that valetkey speaks: use a newer valetkey"),
	http.StatusRequestEntityTooLarge:      either("", changed),
	http.StatusUnsupportedMediaType:       either("", changed),
	http.StatusUpgradeRequired:            either("", changed),
	http.StatusUnavailableForLegalReasons: either("", legal),
}

const (
	legal       = "GitHub may not serve this here, for legal reasons, and has told its owner why"
	misdirected = "github-api-url must be the REST API's own address, such as " + publicAPI + " or " + serverAPI

	changed = "something between here and {host}, a proxy, changed the request; if there is none, " +
		"report it as a fault of valetkey, with the request id"
	proxyHint = "check HTTPS_PROXY or HTTP_PROXY of the runner, its user and password too, or name {host} in NO_PROXY"
)

// hint is what helps against an answer that refused a call, by its message and by
// where it comes from. Empty: whoever made the call may know more, by what it was for.
func (a *API) hint(who caller, e *Error, resp *http.Response) string {
	switch {
	case e.Status >= 500:
		return a.trouble(resp)
	case !fromAPI(resp):
		return a.notAPI(e.Status)
	}
	said := strings.ToLower(e.Message)
	for _, w := range byMessage {
		if strings.Contains(said, w.says) {
			return a.fill(who, w, resp.Header)
		}
	}
	return ""
}

// usual is what helps against a status when nobody knew more.
func (a *API) usual(who caller, resp *http.Response) string {
	return a.fill(who, byStatus[resp.StatusCode], resp.Header)
}

func (a *API) fill(who caller, w words, h http.Header) string {
	text := w.token
	if who.issuer != "" {
		text = w.app
	}
	needs := accepted(h.Get("X-Accepted-GitHub-Permissions"))
	if needs == "" && strings.Contains(text, "{needs}") {
		return ""
	}
	return strings.NewReplacer("{app}", who.issuer, "{host}", a.base.Host, "{needs}", needs).Replace(text)
}

// mayBeLag tells whether an answer may be that of a replica which does not know a new
// token yet. One that gives another reason, such as an IP allow list, is not.
func (e *Error) mayBeLag() bool { return mayBeLag(e.Status, e.Message) }

func mayBeLag(status int, message string) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
	default:
		return false
	}
	switch strings.ToLower(message) {
	case "bad credentials", "not found", "resource not accessible by integration":
		return true
	}
	return false
}

var permissionList = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z_]+=[a-z]+(?:[,;] ?[a-z_]+=[a-z]+)*$`)
})

// accepted reads X-Accepted-GitHub-Permissions, where a comma means and, and a
// semicolon or: "issues: read, or pull_requests: read and contents: read".
func accepted(header string) string {
	if len(header) > 400 || !permissionList().MatchString(header) {
		return ""
	}
	return strings.NewReplacer("=", ": ", "; ", ", or ", ";", ", or ", ", ", " and ", ",", " and ").Replace(header)
}

// fromAPI tells GitHub's API, whose errors are JSON and bear marks of it, from a
// website, a proxy or a firewall that answers in its place.
func fromAPI(resp *http.Response) bool {
	h := resp.Header
	return isJSON(resp) && cmp.Or(h.Get("X-GitHub-Request-Id"), h.Get("X-GitHub-Media-Type")) != ""
}

func isJSON(resp *http.Response) bool {
	return resp.ContentLength == 0 || strings.Contains(resp.Header.Get("Content-Type"), "json")
}

// notAPI is the hint when something else answered in the API's place.
func (a *API) notAPI(status int) string {
	host, web := a.base.Host, a.website()
	switch {
	case status == http.StatusProxyAuthRequired:
		return strings.ReplaceAll(proxyHint, "{host}", host)
	case status == http.StatusForbidden, status == http.StatusTooManyRequests, status == http.StatusUnavailableForLegalReasons:
		return "a firewall or a proxy answers in the place of " + host + ": have whoever runs it let the runner through"
	case web != "":
		return host + " answers like a website, and not like GitHub's API: github-api-url is " + web
	}
	return host + " does not answer like GitHub's API: github-api-url is " + publicAPI + ", or " + serverAPI + " on an Enterprise Server"
}

// website gives the address of the API when the one that is configured looks like
// that of the website beside it; empty when it does not.
func (a *API) website() string {
	host := a.base.Host
	switch {
	case host == "github.com", host == "www.github.com":
		return publicAPI
	case strings.HasPrefix(host, "api."):
		return ""
	case strings.HasSuffix(host, ".ghe.com"):
		return "https://api." + host
	case !strings.HasSuffix(a.base.Path, "/api/v3/"):
		return a.base.Scheme + "://" + host + "/api/v3"
	}
	return ""
}

// trouble is the hint for an outage.
func (a *API) trouble(resp *http.Response) string {
	switch {
	case strings.HasSuffix(a.base.Path, "/api/v3/"):
		return a.base.Host + " has trouble of its own: ask who runs it, then run the job again"
	case !fromGitHub(resp):
		return "GitHub has trouble, or a proxy before it, whose answer this looks like: see https://www.githubstatus.com, then run the job again"
	}
	return "GitHub has trouble of its own: see https://www.githubstatus.com, then run the job again"
}

func fromGitHub(resp *http.Response) bool { return resp.Header.Get("X-GitHub-Request-Id") != "" }
