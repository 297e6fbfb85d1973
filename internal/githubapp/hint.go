package githubapp

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/valetkey/valetkey/internal/pattern"
)

// advice is a message of GitHub's and the hints for it, for calls that an App
// signs and for calls with a token. {app} stands for the issuer of the JWT,
// {key} for the input that its key is from, {host} for the API's host, and
// {needs} for the permissions that the call needs, as GitHub says.
type advice struct {
	says       string // a part of the message, in lower case
	app, token string // empty: the caller knows more, or the status decides
	both       string // in place of app and token
}

// byMessage decides before the status does: a 403 may be about a permission, an
// address or an archived repository. The messages are GitHub's, as quoted in
// its documentation and in public issues. Those of policies are in [policies].
var byMessage = []advice{
	// A JWT is refused.
	{
		says: "integration not found",
		app: "no App has the id {app} at {host}, so installing it does not help: check client-id, and that github-api-url is that " +
			"of the host where the App is registered",
	},
	{
		says: "('iss') must be an integer",
		app: "{host} accepts an App's number but no client id: pass the App ID from its settings page in app-id; if {app} is that, " +
			"it contains an invisible character",
	},
	{
		says: "must generate a public key",
		app: "the App has no key at {host}, or {app} is the id of another App: check client-id, or generate a private key on the App's " +
			"settings page",
	},
	{
		says: "json web token could not be decoded",
		app:  "{key} does not belong to the App {app} at {host}: check client-id, {key} and github-api-url",
	},
	{says: "('iat')", app: wrongClock},
	{says: "('exp')", app: wrongClock},
	{
		says: "requires authentication",
		both: "the credential was lost on the way: something between here and {host}, such as a proxy, drops the Authorization " +
			"header",
	},

	// An organization forbids it.
	{
		says: "ip allow list",
		both: "an owner must add this runner's address to the organization's IP allow list, or the job must run where the list " +
			"allows it",
	},
	{says: "oauth app access restrictions", both: "the organization accepts no tokens of OAuth apps: use an App that is installed there"},

	// The installation or the repository is out of use.
	{says: "installation has been suspended", token: "an owner must unsuspend the App's installation"},
	{says: "was archived so is read-only", both: "the repository is archived: unarchive it, or leave it out"},
	{says: "repository access blocked", both: "GitHub has blocked the repository, and has told its owner why"},
	{says: "must have admin rights", token: "the owner of the token must be an administrator of the repository"},

	// The request itself is refused.
	{
		says: "not a supported api version",
		both: "this GitHub does not know the API version that valetkey speaks: use an older valetkey with an older Enterprise " +
			"Server, and a newer one otherwise",
	},
	{says: "administrative rules", both: "something between here and {host}, such as a proxy, drops the User-Agent header"},
	{
		says: "maximum number of repositories",
		both: "ask for fewer repositories or fewer permissions at once, or install the App on all repositories and ask for all " +
			"of them",
	},
	{says: "rate limit", both: "GitHub limits how much is done at once: run it again later, or fewer jobs at the same time"},
}

// byStatus has the hints for messages that are not in byMessage, if the caller
// knows no more.
var byStatus = map[int]advice{
	http.StatusMovedPermanently: {both: misdirected},
	http.StatusFound:            {both: misdirected},
	http.StatusBadRequest:       {both: changed},
	http.StatusUnauthorized: {
		app:   "check client-id, {key} and github-api-url",
		token: "the token has expired or was revoked, or is of another host than {host}",
	},
	http.StatusForbidden: {
		token: "the token has no access to this: check its permissions, its repositories, " +
			"and whether a rule of the organization forbids it",
	},
	http.StatusNotFound:                   {token: "nothing has that name, or the token has no access to it"},
	http.StatusMethodNotAllowed:           {both: changed},
	http.StatusProxyAuthRequired:          {both: proxyHint},
	http.StatusGone:                       {both: outdated},
	http.StatusRequestEntityTooLarge:      {both: changed},
	http.StatusUnsupportedMediaType:       {both: changed},
	http.StatusUpgradeRequired:            {both: changed},
	http.StatusUnavailableForLegalReasons: {both: legal},
}

const (
	wrongClock  = "the clock of this machine differs from GitHub's: synchronize it with a time server"
	outdated    = "this GitHub no longer serves the API version that valetkey speaks: use a newer valetkey"
	legal       = "GitHub may not serve this here, for legal reasons, and has told its owner why"
	misdirected = "github-api-url must be the REST API's own address, such as " + publicAPI + " or " + serverAPI

	changed = "something between here and {host}, such as a proxy, changed the request; if nothing is, " +
		"report it as a bug in valetkey, with the request id"
	proxyHint = "check HTTPS_PROXY or HTTP_PROXY of the runner, its user and password too, or name {host} in NO_PROXY"
)

// hintByMessage returns the hint for an answer that refused a call, by its
// message and its origin. It returns "" if the purpose of the call has to
// decide.
func (a *API) hintByMessage(who caller, e *Error, resp *http.Response) string {
	switch {
	case e.Status >= 500:
		return a.outage(resp)
	case !fromAPI(resp):
		return a.notAPI(e.Status)
	}
	said := strings.ToLower(e.Message)
	if _, demanded := signOn(resp.Header); demanded {
		said += "; x-github-sso: required"
	}
	if p := findPolicy(said); p != nil {
		return a.fillIn(who, p.hint, resp.Header)
	}
	for _, w := range byMessage {
		if strings.Contains(said, w.says) {
			return a.fillIn(who, w, resp.Header)
		}
	}
	return ""
}

// hintByStatus returns the hint for a status, if nothing else decided.
func (a *API) hintByStatus(who caller, resp *http.Response) string {
	return a.fillIn(who, byStatus[resp.StatusCode], resp.Header)
}

// fillIn returns the hint for a caller, with its placeholders replaced.
func (a *API) fillIn(who caller, w advice, h http.Header) string {
	text := cmp.Or(w.both, w.token)
	if who.issuer != "" {
		text = cmp.Or(w.both, w.app)
	}
	needs := accepted(h.Get("X-Accepted-GitHub-Permissions"))
	if needs == "" && strings.Contains(text, "{needs}") {
		return ""
	}
	return strings.NewReplacer("{app}", who.issuer, "{key}", who.keySetting, "{host}", a.base.Host, "{needs}", needs,
		"{sso}", a.authorizeAt(h)).Replace(text)
}

// mayBeLag reports whether the answer may come from a replica that does not
// know a new token yet. An answer with another reason, such as an IP allow
// list, does not.
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

var permissionList = pattern.Pattern{Text: `^[a-z_]+=[a-z]+(?:[,;] ?[a-z_]+=[a-z]+)*$`}

// accepted puts the header X-Accepted-GitHub-Permissions in words, as in
// "issues: read, or pull_requests: read and contents: read". In the header a
// comma means and, and a semicolon means or.
func accepted(header string) string {
	if len(header) > 400 || !permissionList.Matches(header) {
		return ""
	}
	return strings.NewReplacer("=", ": ", "; ", ", or ", ";", ", or ", ", ", " and ", ",", " and ").Replace(header)
}

// fromAPI reports whether an answer comes from GitHub's API, whose errors are
// JSON and have its headers, and not from a website, a proxy or a firewall.
func fromAPI(resp *http.Response) bool {
	h := resp.Header
	return isJSON(resp) && cmp.Or(h.Get("X-GitHub-Request-Id"), h.Get("X-GitHub-Media-Type")) != ""
}

func isJSON(resp *http.Response) bool {
	return resp.ContentLength == 0 || strings.Contains(resp.Header.Get("Content-Type"), "json")
}

// notAPI returns the hint if something else answered in place of the API.
func (a *API) notAPI(status int) string {
	host, web := a.base.Host, a.website()
	switch {
	case status == http.StatusProxyAuthRequired:
		return strings.ReplaceAll(proxyHint, "{host}", host)
	case status == http.StatusForbidden, status == http.StatusTooManyRequests, status == http.StatusUnavailableForLegalReasons:
		return "a firewall or a proxy answers in place of " + host + ": ask its administrator to let the runner through"
	case web != "":
		return host + " answers like a website, not like GitHub's API: github-api-url must be " + web
	}
	return host + " does not answer like GitHub's API: github-api-url must be " + publicAPI + ", or " + serverAPI +
		" on an Enterprise Server"
}

// website returns the address of the API if the configured address looks like
// that of the website next to it, and otherwise "".
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

// outage returns the hint for an outage.
func (a *API) outage(resp *http.Response) string {
	switch {
	case strings.HasSuffix(a.base.Path, "/api/v3/"):
		return a.base.Host + " has trouble of its own: ask its administrator, then run the job again"
	case !fromGitHub(resp):
		return "GitHub has trouble, or a proxy in front of it, whose answer this seems to be: see https://www.githubstatus.com, " +
			"then run the job again"
	}
	return "GitHub has trouble of its own: see https://www.githubstatus.com, then run the job again"
}

func fromGitHub(resp *http.Response) bool { return resp.Header.Get("X-GitHub-Request-Id") != "" }
