package cli

import (
	"crypto/rand"
	"encoding/json"
	"os"
)

// keyCases are of the private key as the input has it.
var keyCases = []failureCase{
	{
		name: "no key",
		env:  map[string]string{"INPUT_PRIVATE-KEY": ""},
		line: "input private-key: is empty",
		hint: "pass the App's private key, as in private-key: ${{ secrets.APP_PRIVATE_KEY }}. A reusable workflow has it only with " +
			"secrets: inherit in the job that calls it, and a secret of an environment is there only with environment: in the job",
	},
	{
		name: "no key, Dependabot",
		env:  map[string]string{"INPUT_PRIVATE-KEY": "", "GITHUB_ACTOR": "dependabot[bot]"},
		line: "input private-key: is empty: Dependabot's runs get Dependabot's own secrets only",
		hint: "store the key among the Dependabot secrets too (https://github.test/acme/api/settings/secrets/dependabot), or set " +
			"on-missing-key: skip to go on without a token",
	},
	{
		name:    "no key, a fork",
		env:     map[string]string{"INPUT_PRIVATE-KEY": "", "GITHUB_EVENT_NAME": "pull_request"},
		prepare: pullRequestFrom("mallory/api"),
		line:    "input private-key: is empty: pull requests from forks get no secrets",
		hint:    "set on-missing-key: skip to go on without a token, and run what needs a secret after the merge",
	},
	{
		name:    "no key, a branch",
		env:     map[string]string{"INPUT_PRIVATE-KEY": "", "GITHUB_EVENT_NAME": "pull_request"},
		prepare: pullRequestFrom("acme/api"),
		line:    "input private-key: is empty",
		hint:    "pass the App's private key",
	},
	{
		name: "a token for a key",
		env:  map[string]string{"INPUT_PRIVATE-KEY": "ghp_" + rand.Text()},
		line: "input private-key: is a personal access token (classic), not a private key",
		hint: "generate a private key on the App's settings page and paste the whole .pem file",
	},
	{
		name:    "half a key",
		prepare: func(s *step) { s.env["INPUT_PRIVATE-KEY"] = testKey()[:800] },
		line:    "input private-key: is cut off: the -----END … PRIVATE KEY----- line is missing",
		hint:    "generate a private key",
	},
}

func pullRequestFrom(head string) func(*step) {
	return func(s *step) {
		event, err := json.Marshal(map[string]any{
			"pull_request": map[string]any{"head": map[string]any{"repo": map[string]any{"full_name": head}}},
		})
		s.env["GITHUB_EVENT_PATH"] = s.env["GITHUB_ENV"] + ".json"
		if err == nil {
			err = os.WriteFile(s.env["GITHUB_EVENT_PATH"], event, 0o600)
		}
		if err != nil {
			panic(err)
		}
	}
}
