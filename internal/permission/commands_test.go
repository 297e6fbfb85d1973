package permission

import (
	"maps"
	"strings"
	"testing"
)

// The commands of gh that are REST take what their operations take.
func TestWords(t *testing.T) {
	t.Parallel()
	const repo = "/repos/{owner}/{repo}"
	behind := map[string]string{
		"gh cache delete":     "DELETE " + repo + "/actions/caches/{cache_id}",
		"gh cache list":       "GET " + repo + "/actions/caches",
		"gh release create":   "POST " + repo + "/releases",
		"gh release delete":   "DELETE " + repo + "/releases/{release_id}",
		"gh release download": "GET " + repo + "/releases/tags/{tag}",
		"gh release upload":   "DELETE " + repo + "/releases/assets/{asset_id}", // the upload itself is not listed
		"gh run cancel":       "POST " + repo + "/actions/runs/{run_id}/cancel",
		"gh run download":     "GET " + repo + "/actions/artifacts/{artifact_id}/{archive_format}",
		"gh run list":         "GET " + repo + "/actions/runs",
		"gh run rerun":        "POST " + repo + "/actions/runs/{run_id}/rerun",
		"gh secret list":      "GET " + repo + "/actions/secrets",
		"gh secret set":       "PUT " + repo + "/actions/secrets/{secret_name}",
		"gh variable list":    "GET " + repo + "/actions/variables",
		"gh variable set":     "POST " + repo + "/actions/variables",
		"gh workflow run":     "POST " + repo + "/actions/workflows/{workflow_id}/dispatches",
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
