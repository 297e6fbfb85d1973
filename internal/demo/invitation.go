package demo

import (
	"fmt"
	"strings"
)

// invitation returns how to run a workflow against this GitHub. Its commands
// work as they are pasted.
func (b *sandbox) invitation() string {
	text := fmt.Sprintf(`An embedded GitHub runs on %[1]s until you press Ctrl-C.
Private repositories: %[2]s/%[3]s and %[2]s/%[4]s. The App's private key: %[5]s

Try it with a workflow:

      - uses: valetkey/valetkey@v1
        id: key
        with:
          client-id: %[6]s
          private-key: ${{ secrets.APP_PRIVATE_KEY }}
          owner: %[2]s
          repositories: %[3]s
          permissions: "contents: read"
          github-api-url: %[1]s

    APP_PRIVATE_KEY="$(cat %[7]s)" act -s APP_PRIVATE_KEY

or without a runner, with valetkey in PATH:

    touch output && env INPUT_CLIENT-ID=%[6]s INPUT_PRIVATE-KEY-FILE=%[7]s \
        INPUT_OWNER=%[2]s INPUT_REPOSITORIES=%[3]s INPUT_PERMISSIONS="contents: read" \
        INPUT_GITHUB-API-URL=%[1]s GITHUB_OUTPUT=output valetkey mint

or chapter by chapter, as valetkey demo tells them:

`, b.url, account, selected, other, b.keyFile(), clientID, shellWord(b.keyFile()))
	for _, c := range chapters() {
		text += "demo " + c.name + ": " + c.about + "\n\n" + c.commands(place{url: b.url, key: b.keyFile()}) + "\n"
	}
	return text + "At " + b.url + "/demo/secrets, /demo/deploy-keys and /demo/tokens stands what workflows\n" +
		"and people would see, and what became of them.\n\n"
}

// shellWord quotes a text, such as a path with spaces, for a shell.
func shellWord(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
