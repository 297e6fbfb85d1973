//go:build !nodemo

package cli

import (
	"cmp"
	"path/filepath"
	"strconv"
	"strings"
)

// next says what is left to do with the workflow.
func (req setupRequest) next(clientID string) string {
	if req.Store.given() {
		return "The workflow:\n"
	}
	repository := "OWNER/REPOSITORY"
	if host := hostOf(req.Plan.Website); host != "github.com" {
		repository = host + "/" + repository
	}
	return "Where the workflow is to run, the key becomes a secret and the client id a variable; then delete the file.\n" +
		"(A key management service or a vault can hold the key instead: docs/custody.md has the steps.)\n" +
		"  gh secret set " + defaultSecret + " --repo " + repository + " < " + shellWord(req.KeyFile) + "\n" +
		"  gh variable set " + defaultVariable + " --repo " + repository + " --body " + clientID + "\n\nThe workflow:\n"
}

// shellWord quotes a text for a shell, if that is needed.
func shellWord(text string) string {
	if strings.Trim(text, alphanumeric+"/._-") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// workflow returns what to paste: for mint the step, for the others a workflow.
func (req setupRequest) workflow() string {
	var text string
	switch req.For {
	case "sync":
		text = req.scheduled("secret-sync", "17 4 * * *")
	case "rotate":
		text = req.scheduled("rotation", "17 * * * *")
	case "pats":
		text = req.scheduled("personal-tokens", "*/15 * * * *")
	default:
		text = req.Explanation.step()
	}
	text = strings.NewReplacer(
		"secrets."+defaultSecret, "secrets."+cmp.Or(req.Store.Secret, defaultSecret),
		"vars."+defaultVariable, "vars."+cmp.Or(req.Store.Variable, defaultVariable),
	).Replace(text)
	if len(req.Variables) > 0 {
		text += "        env:\n"
	}
	for _, name := range req.Variables {
		text += "          " + name + ": ${{ secrets." + name + " }}\n"
	}
	return text
}

// scheduled returns a workflow that runs the action by itself, one run at a
// time.
func (req setupRequest) scheduled(group, cron string) string {
	text := `on:
  schedule: [cron: "` + cron + `"]
  workflow_dispatch:
concurrency: ` + group + `
jobs:
  ` + req.For + `:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: valetkey/valetkey/` + req.For + `@v1
        with:
          client-id: ${{ vars.` + defaultVariable + ` }}
          private-key: ${{ secrets.` + defaultSecret + ` }}
`
	// A path elsewhere than below this directory says nothing about the
	// repository.
	if path := filepath.ToSlash(req.Manifest); filepath.IsLocal(req.Manifest) && path != ".github/valetkey.yml" {
		text += "          manifest: " + strconv.Quote(path) + "\n"
	}
	return text
}
