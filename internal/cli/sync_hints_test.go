package cli

import (
	"strings"
	"testing"
)

// A repository that is named by an old name of it fails with its new one, whether the
// App finds that out or a token meets it at the write.
func TestSyncNamesTheNewNameOfARepository(t *testing.T) {
	const named = `
secrets:
  - name: VALUE
    to:
      - repositories: [fleet/r0, fleet/r1]
`
	d := newFleetDay(t, 2, named, map[string]string{"VALUE": "opensesame-value"})
	d.env["INPUT_OWNER"], d.env["INPUT_REPOSITORIES"], d.env["INPUT_PERMISSIONS"] = "fleet", "*", "secrets: write"
	d.run(t, "mint")
	token := d.outputs(t)["token"]
	d.RenameRepository("fleet", "r1", "site")
	d.lies = true
	for _, env := range []map[string]string{{}, {"INPUT_TOKEN": token, "INPUT_CLIENT-ID": "", "INPUT_PRIVATE-KEY": ""}} {
		d.next(t, env)
		d.run(t, "sync")
		line, hint := d.said("error")
		if d.outputs(t)["failed"] != "1" || !strings.Contains(line, "fleet/r1") || hint != "fleet/r1 was renamed: use its new name, fleet/site" {
			t.Errorf("%q, hint %q\n%s", line, hint, d.log.String())
		}
	}
}
