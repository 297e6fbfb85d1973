package gitauth

import "github.com/valetkey/valetkey/internal/fault"

// The errors of a configuration.
var (
	errServer = fault.New(
		"the server is not an address like https://github.com",
		"give scheme and host of GITHUB_SERVER_URL, without a path; http is for the loopback only, "+
			"since the token would be readable on the way",
	)
	errOwner = fault.New(
		"the owner is not the name of a GitHub account",
		"give the login of the user or organization whose repositories the token opens, without a URL",
	)
	errRepository = fault.New(
		"one of the repositories is not a repository name",
		"give the names alone, without the owner, a URL or .git",
	)
	errWhich = fault.New(
		"there are neither repositories for git nor all of the owner's, or both",
		"name the repositories that the token opens, or say that it opens all of them",
	)
	// ErrTooMany means that the environment has no room for the configuration.
	ErrTooMany = fault.New(
		"git's configuration would take more than 512 KiB of the environment, in which programs may then not start",
		"name fewer repositories in a step, or all of an owner's",
	)
	errNeither = fault.New(
		"there is neither a token nor a credential helper for git",
		"give one of them",
	)
	errBoth = fault.New(
		"there are both a token and a credential helper for git",
		"give either: git would send the token in a header and never ask the helper",
	)
	errToken = fault.New(
		"the token has a character that no token has",
		"pass the token alone, without white space",
	)
	errHelper = fault.New(
		"the credential helper is not a line of text",
		"give a single command line, such as !\"$RUNNER_TEMP/valetkey\" git-credential",
	)
	errBot = fault.New(
		"the bot's name or number is not that of a GitHub App",
		"give the App's slug as in its address github.com/apps/SLUG, and the id of the account SLUG[bot]",
	)
	errCount = fault.New(
		"GIT_CONFIG_COUNT in the environment is not a number, so git itself would refuse to start",
		"find the env: or the step that sets it, and have it count its GIT_CONFIG_KEY_n; or remove it",
	)
)

// The errors of git's credential protocol.
var (
	errLine = fault.New(
		"a line of the request is not of the form key=value",
		"this command is for git to call: see gitcredentials(7)",
	)
	errControl = fault.New(
		"the request has a control character, which no address has",
		"look at the remote's URL (git remote -v): it may be an attempt to have a password sent elsewhere",
	)
	errLarge = fault.New(
		"the request is larger than 64 KiB",
		"this command is for git to call: see gitcredentials(7)",
	)
	errURL = fault.New(
		"the url in the request is not an address with a scheme and a host",
		"give one like url=https://github.com/OWNER/REPOSITORY.git",
	)
	errRead = fault.New(
		"the request can't be read",
		"pass it on the standard input, as git does",
	)
	errExpires = fault.New(
		"the token's expiry is before 1970, which git does not accept",
		"leave it out when it is not known",
	)
)
