package cli

import "strings"

// refusalCases are about an App, an organization or a server that refuses.
var refusalCases = []failureCase{
	{
		name: "another App's key", requests: 1,
		prepare: func(s *step) { s.env["INPUT_PRIVATE-KEY"] = anotherKey() },
		line:    "find the installation for acme/api: GitHub answered 401: A JSON web token could not be decoded",
		hint: "private-key does not belong to the App Iv23liTESTtest000000 at api.github.test: check client-id, private-key and " +
			"github-api-url",
	},
	{
		name: "no App of that id", requests: 1,
		env:  map[string]string{"INPUT_CLIENT-ID": "Iv23liNOSUCHapp00000"},
		line: "find the installation for acme/api: GitHub answered 404: Integration not found",
		hint: "no App has the id Iv23liNOSUCHapp00000 at api.github.test, so installing it does not help: check client-id, " +
			"and that github-api-url is that of the host where the App is registered",
	},
	{
		name: "an older server, which takes numbers", requests: 1,
		prepare: says("GET", 401, "'Issuer' claim ('iss') must be an Integer"),
		line:    "find the installation for acme/api: GitHub answered 401: 'Issuer' claim ('iss') must be an Integer",
		hint:    "api.github.test accepts an App's number but no client id: pass the App ID from its settings page in app-id",
	},
	{
		name: "an App without a key", requests: 1,
		prepare: says("GET", 401, "Integration must generate a public key"),
		line:    "find the installation for acme/api: GitHub answered 401: Integration must generate a public key",
		hint: "the App has no key at api.github.test, or Iv23liTESTtest000000 is the id of another App: check client-id, or " +
			"generate a private key on the App's settings page",
	},
	{
		name: "a credential lost on the way", requests: 1,
		prepare: says("GET", 401, "Requires authentication"),
		line:    "find the installation for acme/api: GitHub answered 401: Requires authentication",
		hint: "the credential was lost on the way: something between here and api.github.test, such as a proxy, drops the " +
			"Authorization header",
	},
	{
		name: "an IP allow list", requests: 2,
		prepare: says("POST", 403, strings.ReplaceAll(ipAllowList, "`", "")),
		line:    "mint a token for installation 4242: GitHub answered 403: " + strings.ReplaceAll(ipAllowList, "`", ""),
		hint:    "an owner must add this runner's address to the organization's IP allow list",
	},
	{
		name: "an IP allow list, at the lookup", requests: 1,
		prepare: says("GET", 403, ipAllowList),
		line:    "find the installation for acme/api: GitHub answered 403: " + ipAllowList,
		hint:    "an owner must add this runner's address to the organization's IP allow list",
	},
	{
		name: "an IP allow list, at the first use", requests: 4,
		env:     map[string]string{"INPUT_VERIFY": "true"},
		prepare: saysAt("/installation/repositories", 403, ipAllowList),
		line:    "verify the token: GitHub answered 403: " + ipAllowList,
		hint:    "an owner must add this runner's address to the organization's IP allow list",
		warning: "the token that was minted is revoked",
	},
	{
		name: "an IP allow list, at the listing", requests: 4,
		env:     map[string]string{"INPUT_REPOSITORIES": "w*"},
		prepare: saysAt("/installation/repositories", 403, ipAllowList),
		line:    "list the installation's repositories: GitHub answered 403: " + ipAllowList,
		hint:    "an owner must add this runner's address to the organization's IP allow list",
	},
	{
		name: "an IP allow list, at the bot", requests: 4,
		env:     map[string]string{"INPUT_BOT-IDENTITY": "true"},
		prepare: saysAt("/users/*", 403, ipAllowList),
		line:    "look up keeper[bot]: GitHub answered 403: " + ipAllowList,
		hint:    "an owner must add this runner's address to the organization's IP allow list",
		warning: "the token that was minted is revoked",
	},
	{
		name: "a bot that nobody sees", requests: 7, // tried again, because the token was new
		env:     map[string]string{"INPUT_BOT-IDENTITY": "true"},
		prepare: saysAt("/users/*", 404, "Not Found"),
		line:    "look up keeper[bot]: GitHub answered 404: Not Found (tried 4 times in …)",
		hint:    "nothing has that name, or the token has no access to it",
		warning: "the token that was minted is revoked",
	},
	{
		name: "an API version that is gone", requests: 1,
		prepare: says("GET", 410, "This API version is no longer supported."),
		line:    "find the installation for acme/api: GitHub answered 410: This API version is no longer supported.",
		hint:    "this GitHub no longer serves the API version that valetkey speaks: use a newer valetkey",
	},
	{
		name: "an API version that is not there yet", requests: 1,
		prepare: says("GET", 400, `"2022-11-28" is not a supported API version.`),
		line:    `find the installation for acme/api: GitHub answered 400: "2022-11-28" is not a supported API version.`,
		hint:    "this GitHub does not know the API version that valetkey speaks",
	},
	{
		name: "single sign-on", requests: 2,
		prepare: says("POST", 403, singleSignOn),
		line:    "mint a token for installation 4242: GitHub answered 403: " + singleSignOn,
		hint:    "the organization enforces SAML single sign-on, which an App does not need",
	},
	{
		name: "classic tokens forbidden", requests: 2,
		prepare: says("POST", 403, noClassicTokens),
		line:    "mint a token for installation 4242: GitHub answered 403: " + noClassicTokens,
		hint:    "the organization forbids classic tokens",
	},
}

// GitHub's words for the rules of an organization.
const (
	ipAllowList = "Although you appear to have the correct authorization credentials, " +
		"the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource."
	singleSignOn = "Resource protected by organization SAML enforcement. " +
		"You must grant your Personal Access token access to this organization."
	noClassicTokens = "acme forbids access via a personal access token (classic). " +
		"Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions."
)
