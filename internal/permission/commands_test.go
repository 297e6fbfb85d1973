package permission

import (
	"maps"
	"strings"
	"testing"
)

// The commands of gh take what the REST operations take that they call, or that
// do the same where gh calls GraphQL.
func TestWords(t *testing.T) {
	t.Parallel()
	const repo = "/repos/{owner}/{repo}"
	const issue, pull = "GET " + repo + "/issues/{issue_number}", "GET " + repo + "/pulls"
	const checks = "GET " + repo + "/pulls/{pull_number}\nGET " + repo + "/commits/{ref}/check-runs\n" +
		"GET " + repo + "/commits/{ref}/status\nGET " + repo + "/actions/runs"
	behind := map[string]string{
		"gh cache delete":         "DELETE " + repo + "/actions/caches/{cache_id}",
		"gh cache list":           "GET " + repo + "/actions/caches",
		"gh issue close":          issue + "\nPATCH " + repo + "/issues/{issue_number}",
		"gh issue comment":        issue + "\nPOST " + repo + "/issues/{issue_number}/comments",
		"gh issue create":         "POST " + repo + "/issues",
		"gh issue edit":           issue + "\nPATCH " + repo + "/issues/{issue_number}",
		"gh issue list":           "GET " + repo + "/issues",
		"gh issue lock":           issue + "\nPUT " + repo + "/issues/{issue_number}/lock",
		"gh issue reopen":         issue + "\nPATCH " + repo + "/issues/{issue_number}",
		"gh issue unlock":         issue + "\nDELETE " + repo + "/issues/{issue_number}/lock",
		"gh issue view":           issue + "\nGET " + repo + "/issues/{issue_number}/comments",
		"gh pr checkout":          pull + "\ngit fetch",
		"gh pr checks":            checks,
		"gh pr close":             pull + "\nPATCH " + repo + "/pulls/{pull_number}",
		"gh pr comment":           pull + "\nPOST " + repo + "/issues/{issue_number}/comments",
		"gh pr create":            "GET " + repo + "/branches/{branch}\nPOST " + repo + "/pulls",
		"gh pr diff":              "GET " + repo + "/pulls/{pull_number}",
		"gh pr edit":              pull + "\nPATCH " + repo + "/pulls/{pull_number}\nPOST " + repo + "/issues/{issue_number}/labels",
		"gh pr list":              pull,
		"gh pr merge":             "PUT " + repo + "/pulls/{pull_number}/merge\nPATCH " + repo + "/pulls/{pull_number}",
		"gh pr ready":             pull + "\nPATCH " + repo + "/pulls/{pull_number}",
		"gh pr reopen":            pull + "\nPATCH " + repo + "/pulls/{pull_number}",
		"gh pr review":            pull + "\nPOST " + repo + "/pulls/{pull_number}/reviews",
		"gh pr update-branch":     pull + "\nPUT " + repo + "/pulls/{pull_number}/update-branch",
		"gh pr view":              checks,
		"gh release create":       "POST " + repo + "/releases",
		"gh release delete":       "DELETE " + repo + "/releases/{release_id}",
		"gh release delete-asset": "DELETE " + repo + "/releases/assets/{asset_id}",
		"gh release download":     "GET " + repo + "/releases/tags/{tag}",
		"gh release edit":         "PATCH " + repo + "/releases/{release_id}",
		"gh release list":         "GET " + repo + "/releases",
		"gh release upload":       "DELETE " + repo + "/releases/assets/{asset_id}", // the upload itself is not listed
		"gh release view":         "GET " + repo + "/releases/tags/{tag}",
		"gh run cancel":           "POST " + repo + "/actions/runs/{run_id}/cancel",
		"gh run download":         "GET " + repo + "/actions/artifacts/{artifact_id}/{archive_format}",
		"gh run list":             "GET " + repo + "/actions/runs",
		"gh run rerun":            "POST " + repo + "/actions/runs/{run_id}/rerun",
		"gh secret list":          "GET " + repo + "/actions/secrets",
		"gh secret set":           "PUT " + repo + "/actions/secrets/{secret_name}",
		"gh variable list":        "GET " + repo + "/actions/variables",
		"gh variable set":         "POST " + repo + "/actions/variables",
		"gh workflow run":         "POST " + repo + "/actions/workflows/{workflow_id}/dispatches",
	}
	for _, word := range Commands() {
		needs, errs := Operations(word, nil)
		if len(errs) > 0 || len(needs) != 1 || needs[0].From != word || !known(needs[0].Permissions) {
			t.Errorf("%s: got %v, %v", word, needs, errs)
			continue
		}
		if same := behind[word]; same != "" {
			want, errs := Operations(same, nil)
			if len(errs) > 0 || !maps.Equal(Cover(want), needs[0].Permissions) {
				t.Errorf("%s: got %v, want %v, %v", word, needs[0].Permissions, want, errs)
			}
		} else if !strings.HasPrefix(word, "git ") && word != "gh repo clone" {
			t.Errorf("%s: no operation behind it", word)
		}
	}
}

// A command says what its table's notes stand for.
func TestNotesOnCommands(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		command, notice string
		perhaps         Set
	}{
		{"gh release view", "", nil},
		{"gh issue create", notes["graphql"], nil},
		{"git push", notes["workflows"], Set{"workflows": "write"}},
		{"gh pr merge", notes["graphql"] + " " + notes["workflows"], Set{"workflows": "write"}},
	} {
		needs, errs := Operations(c.command, nil)
		if len(errs) > 0 || needs[0].Notice != c.notice || !maps.Equal(needs[0].Perhaps, c.perhaps) {
			t.Errorf("%s: %+v, %v", c.command, needs, errs)
		}
	}
}
