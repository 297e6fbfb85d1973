package demo

import (
	"context"
	"strings"
)

// chapter is one story of the demo.
type chapter struct {
	name, about string
	tell        func(*walkthrough, context.Context)
	try         string // commands, with what place replaces
}

// chapters are the stories, in the order in which they are told.
func chapters() []chapter {
	const mint = "    at_demo INPUT_CLIENT-ID={client} INPUT_OWNER=" + account + " \\\n" +
		"        INPUT_REPOSITORIES=" + selected + " INPUT_PERMISSIONS='contents: read' \\\n        valetkey mint"
	return []chapter{
		{"mint", "a token for a job, and its end", (*walkthrough).oneJob, mint + " --print\n"},
		{
			"carry", "a token for another job, unreadable on its way", (*walkthrough).threeJobs,
			mint + "\n" + `    sealed=$(sed -n '/^encrypted-token<</{n;p;}' output)
    at_demo INPUT_ENCRYPTED-TOKEN="$sealed" valetkey decrypt
    at_demo INPUT_ENCRYPTED-TOKEN="$sealed" valetkey revoke
`,
		},
		{
			"fleet", "a secret for every repository", (*walkthrough).syncFleet,
			manifestCommand(fleetManifest) + `    at_demo INPUT_CLIENT-ID={client} INPUT_MANIFEST=valetkey.yml \
        NPM_TOKEN=example valetkey sync
    curl -s {url}/demo/secrets
`,
		},
		{
			"rotate", "a credential that is another one every month", (*walkthrough).rotateKey,
			manifestCommand(rotateManifest) + `    at_demo INPUT_CLIENT-ID={client} INPUT_MANIFEST=valetkey.yml \
        GITHUB_REPOSITORY=` + account + "/" + selected + ` valetkey rotate
    curl -s {url}/demo/deploy-keys
`,
		},
		{
			"pats", "the tokens that people still make by hand", (*walkthrough).governTokens,
			manifestCommand(policy) + `    at_demo INPUT_CLIENT-ID={client} INPUT_MANIFEST=valetkey.yml \
        INPUT_CONFIRM=` + account + ` valetkey pats
    curl -s {url}/demo/tokens
`,
		},
		{
			"setup", "an App with the least permissions", (*walkthrough).makeApp,
			`    valetkey setup -organization ` + account + ` -operations 'git push' \
        -key-file new-app.pem -github-api-url {url}
`,
		},
	}
}

// Chapters lists the names of the chapters.
func Chapters() []string {
	var names []string
	for _, c := range chapters() {
		names = append(names, c.name)
	}
	return names
}

// manifestCommand returns the command that writes a manifest.
func manifestCommand(text string) string {
	var b strings.Builder
	b.WriteString("    printf '%s\\n' >valetkey.yml")
	for line := range strings.Lines(text) {
		b.WriteString(" \\\n    " + shellWord(strings.TrimSuffix(line, "\n")))
	}
	return b.String() + "\n"
}

// place is where commands find an embedded GitHub and the key of its App.
type place struct{ url, key string }

// served is the place that serveCommand makes.
var served = place{url: "http://127.0.0.1:8917", key: "demo/private-key.pem"}

// serveCommand keeps an embedded GitHub running where the commands of the
// chapters look for it.
const serveCommand = "mkdir -p demo && valetkey demo --serve --dir demo --listen 127.0.0.1:8917"

// commands returns the chapter's commands for a place. They work as they are
// pasted into a shell.
func (c chapter) commands(p place) string {
	text := c.try
	if strings.Contains(text, "at_demo") {
		text = `    at_demo() { : >output; env INPUT_PRIVATE-KEY-FILE={key} \
        INPUT_GITHUB-API-URL={url} GITHUB_OUTPUT=output "$@"; }
` + text
	}
	return strings.NewReplacer("{url}", p.url, "{key}", shellWord(p.key), "{client}", clientID).Replace(text)
}
