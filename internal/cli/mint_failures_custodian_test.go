package cli

import "github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"

// custodianCases are of a key that only signs. How each custodian refuses is
// tested in its package.
var custodianCases = []failureCase{
	{
		name:    "no OIDC token",
		prepare: func(s *step) { s.withVault(); s.env["ACTIONS_ID_TOKEN_REQUEST_URL"] = "" },
		line:    "get the job's OIDC token: the job has none, because ACTIONS_ID_TOKEN_REQUEST_URL or _TOKEN is not set",
		hint:    "give the job the permission id-token: write, besides those that it has; a pull request from a fork gets no such token",
	},
	{
		name: "a role of a vault for others",
		prepare: func(s *step) {
			s.withVault().refuse("vault.test/v1/auth/jwt/login", 400,
				`{"errors":["error validating claims: claim \"sub\" does not match any associated bound claim"]}`)
		},
		line: `log in to the vault: the answer is 400: error validating claims: claim "sub" does not match any associated bound claim`,
		hint: "the role valetkey does not admit sub repo:acme/api:ref:refs/heads/main and aud https://github.test/acme: " +
			"compare its bound_claims with that",
	},
	{
		name: "a role of AWS for others",
		prepare: func(s *step) {
			s.withAWS().refuse("sts.eu-west-1.amazonaws.com/", 403, "<ErrorResponse><Error><Code>AccessDenied</Code>"+
				"<Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>")
		},
		line: "assume the role in AWS: the answer is 403: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
		hint: "the trust policy of " + awsTestRole + " does not admit sub repo:acme/api:ref:refs/heads/main and aud sts.amazonaws.com: " +
			"compare its conditions and its provider with that",
	},
	{
		name: "a key that is disabled",
		prepare: func(s *step) {
			s.withAWS().refuse("kms.eu-west-1.amazonaws.com/", 400, `{"__type":"DisabledException","message":"arn is disabled."}`)
		},
		line: "sign with AWS KMS: the answer is 400: DisabledException: arn is disabled.",
		hint: "the key is disabled: enable awskms:///alias/app in AWS KMS",
	},
	{
		name:     "a custodian's key that GitHub does not know",
		prepare:  func(s *step) { s.withVault().PrivateKey = fakegithubtest.NewKey() },
		line:     "find the installation for acme/api: GitHub answered 401: A JSON web token could not be decoded",
		hint:     "key does not belong to the App " + testClientID + " at api.github.test: check client-id, key and github-api-url",
		requests: 1,
	},
	{
		name:    "nobody to encrypt to",
		env:     map[string]string{"INPUT_PLAINTEXT-OUTPUT": "false"},
		prepare: func(s *step) { s.withVault() },
		line:    "input plaintext-output: is false, and nobody could open encrypted-token: a key that only signs opens nothing",
		hint:    "name recipients, or give a passphrase",
	},
	{
		name:    "a key that is no URI",
		prepare: func(s *step) { s.withAWS(); s.env["INPUT_KEY"] = "alias/app" },
		line:    "input key: is not the URI of a key",
		hint:    "write it as one of awskms://…, gcpkms://…, azurekms://…, hashivault://…, openbao://…, ssh-agent:…, file:…",
	},
}
