package cli

import (
	"strings"
	"testing"
)

// A repository under its old name fails with a hint that has the new one,
// whether the App finds out or the write does.
func TestSyncNamesTheNewNameOfARepository(t *testing.T) {
	const named = `
secrets:
  - name: VALUE
    to:
      - repositories: [fleet/r0, fleet/r1]
`
	s := newFleetStep(t, 2, named, map[string]string{"VALUE": "opensesame-value"})
	s.env["INPUT_OWNER"], s.env["INPUT_REPOSITORIES"], s.env["INPUT_PERMISSIONS"] = "fleet", "*", "secrets: write"
	s.run(t, "mint")
	token := s.outputs(t)["token"]
	s.RenameRepository("fleet", "r1", "site")
	s.SkipOpenAPI = true
	for _, env := range []map[string]string{{}, {"INPUT_TOKEN": token, "INPUT_CLIENT-ID": "", "INPUT_PRIVATE-KEY": ""}} {
		s.next(t, env)
		s.run(t, "sync")
		line, hint := s.annotation("error")
		if s.outputs(t)["failed"] != "1" || !strings.Contains(line, "fleet/r1") ||
			hint != "fleet/r1 was renamed: use its new name, fleet/site" {
			t.Errorf("%q, hint %q\n%s", line, hint, s.log.String())
		}
	}
}
