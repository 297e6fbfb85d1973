package demo

import (
	"fmt"
	"strings"
)

// invitation returns how to run a workflow against this GitHub. Its commands
// work as they are pasted.
func (b *sandbox) invitation() string {
	return fmt.Sprintf(`An embedded GitHub runs on %[1]s until you press Ctrl-C.
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

or a secret sync or a rotation: write .github/valetkey.yml as docs/manifest.md says, run valetkey sync or valetkey rotate
in the same way, and see at %[1]s/demo/secrets and %[1]s/demo/deploy-keys what workflows would see.

or a policy for personal access tokens, of which people of %[2]s have some: write it as docs/personal-tokens.md says, run valetkey pats
in the same way, with INPUT_CONFIRM=%[2]s where no runner says whose the policy is, and see at %[1]s/demo/tokens what became of them.

`, b.url, account, selected, other, b.keyFile(), clientID, shellWord(b.keyFile()))
}

// shellWord quotes a text, such as a path with spaces, for a shell.
func shellWord(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
