package cli

import (
	"regexp"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// answerCases are about answers that are not GitHub's, or not what was asked
// for.
var answerCases = []failureCase{
	{
		name: "the website of an Enterprise Server", requests: 1,
		env:     map[string]string{"INPUT_GITHUB-API-URL": "https://ghes.test"},
		prepare: unlikeGitHub(page(404, "<html>404</html>")),
		line:    "find the installation for acme/api: GitHub answered 404: Not Found",
		hint:    "ghes.test answers like a website, not like GitHub's API: github-api-url must be https://ghes.test/api/v3",
	},
	{
		name: "the login page of an Enterprise Server", requests: 1,
		env:     map[string]string{"INPUT_GITHUB-API-URL": "https://ghes.test"},
		prepare: unlikeGitHub(fakegithub.Fault{Status: 302, Header: map[string]string{"Location": "/login?return_to=%2F"}}),
		line:    "find the installation for acme/api: the answer leads to a login page",
		hint:    "ghes.test answers like a website, not like GitHub's API: github-api-url must be https://ghes.test/api/v3",
	},
	{
		name: "an Enterprise Server that is down", requests: 6,
		env:     map[string]string{"INPUT_GITHUB-API-URL": "https://ghes.test/api/v3"},
		prepare: inject(fakegithub.ServerError(503, true)),
		line:    "find the installation for acme/api: GitHub answered 503: Service Unavailable (tried 6 times in …)",
		hint:    "ghes.test has trouble of its own: ask its administrator, then run the job again",
	},
	{
		name: "a firewall's page", requests: 1,
		prepare: unlikeGitHub(page(403, "<html>blocked</html>")),
		line:    "find the installation for acme/api: GitHub answered 403: Forbidden",
		hint:    "a firewall or a proxy answers in place of api.github.test: ask its administrator to let the runner through",
	},
	{
		name: "null for an installation", requests: 1,
		prepare: unlikeGitHub(at("GET", 1, fakegithub.Fault{Rewrite: func([]byte) []byte { return []byte("null") }})),
		line:    "find the installation for acme/api: the answer is not what GitHub's API describes: it is null",
		hint:    "something between here and GitHub, such as a proxy or a login page, answers in its place",
	},
	{
		name: "null for the repositories of a token", requests: 3,
		prepare: unlikeGitHub(at("POST", 1, fakegithub.Fault{Rewrite: func(b []byte) []byte {
			return regexp.MustCompile(`"repositories":\[.*\]`).ReplaceAll(b, []byte(`"repositories":null`))
		}})),
		line: "mint a token for installation 4242: the answer is not what GitHub's API describes: repositories is null",
		hint: "something between here and GitHub, such as a proxy or a login page, answers in its place",
	},
	{
		name: "null for a list of repositories", requests: 4,
		env: map[string]string{"INPUT_REPOSITORIES": "w*"},
		prepare: unlikeGitHub(fakegithub.Fault{
			Path: "/installation/repositories", Status: 200, Header: asJSONType, Body: `{"total_count":0,"repositories":null}`,
		}),
		line: "list the installation's repositories: the answer is not a list as GitHub's API describes it",
		hint: "something between here and GitHub, such as a proxy or a login page, answers in its place",
	},
	{
		name: "a website instead of the API", requests: 1,
		prepare: unlikeGitHub(page(404, "<html>404</html>")),
		line:    "find the installation for acme/api: GitHub answered 404: Not Found",
		hint: "api.github.test does not answer like GitHub's API: github-api-url must be https://api.github.com, or https://HOST/api/v3 " +
			"on an Enterprise Server",
	},
	{
		name: "a login page for every answer", requests: 6,
		prepare: unlikeGitHub(page(200, "<html>log in</html>")),
		line:    "find the installation for acme/api: the answer is not JSON (tried 6 times in …)",
		hint:    "something between here and GitHub, such as a proxy or a login page, answers in its place: check github-api-url",
	},
	{
		name: "a redirect elsewhere", requests: 1,
		prepare: unlikeGitHub(fakegithub.Fault{Status: 302, Header: map[string]string{"Location": "https://evil.test/"}}),
		line:    "find the installation for acme/api: the answer leads to another host",
		hint:    "github-api-url must be the REST API's own address",
	},
	{
		name: "redirects in circles", requests: 4,
		prepare: unlikeGitHub(fakegithub.Fault{Status: 302, Header: map[string]string{"Location": "/repos/acme/api/installation"}}),
		line:    "find the installation for acme/api: the answers lead from one address to the next without end",
		hint:    "github-api-url must be the REST API's own address",
	},
	{
		name: "an empty answer to the mint", requests: 3,
		prepare: unlikeGitHub(at("POST", 1, fakegithub.Fault{Status: 201})),
		warning: "the answer is not JSON, trying again in ",
	},
	{
		name: "a wider scope than asked for", requests: 3,
		prepare: unlikeGitHub(at("POST", 1, fakegithub.Fault{Rewrite: replaced(`"contents":"read"`, `"contents":"write"`)})),
		line:    "GitHub granted a different scope than was asked for: it also has contents: write (asked read)",
		hint:    "the token was not handed out",
		warning: "the token that was minted is revoked",
	},
	{
		name: "an answer that makes no sense", requests: 3,
		prepare: unlikeGitHub(at("POST", 1, fakegithub.Fault{Rewrite: replaced(`"permissions":{`, `"expires_at":7,"permissions":{`)})),
		line:    "mint a token for installation 4242: the answer is not what GitHub's API describes",
		hint:    "something between here and GitHub, such as a proxy or a login page, answers in its place",
	},
}
