package actions

import (
	"encoding/json"
	"strings"

	"github.com/valetkey/valetkey/internal/safefile"
)

// maxEvent is the largest event file that is read. GitHub limits webhooks to
// 25 MB.
const maxEvent = 32 << 20

// WithoutSecrets returns why a run gets no secrets and what to do about it, or
// two empty strings for a run that should get them. GitHub passes no secrets to
// pull requests from forks, and passes only the Dependabot secrets to runs of
// Dependabot. skip is advice on how the step can do without secrets, or empty
// if it can't.
func (r *Runner) WithoutSecrets(skip string) (cause, hint string) {
	if r.Variable("GITHUB_ACTOR") == "dependabot[bot]" {
		cause, hint = "Dependabot's runs get Dependabot's own secrets only",
			"store the key among the Dependabot secrets too ("+r.settings("/settings/secrets/dependabot")+")"
		if skip != "" {
			hint += ", or " + skip
		}
	} else if r.fromFork() {
		cause, hint = "pull requests from forks get no secrets", "run what needs a secret after the merge"
		if skip != "" {
			hint = skip + ", and " + hint
		}
	}
	return cause, hint
}

// settings returns the address of a page of the repository's settings, or the
// way to it in words if the address is unknown.
func (r *Runner) settings(path string) string {
	server, repository := r.Variable("GITHUB_SERVER_URL"), r.Variable("GITHUB_REPOSITORY")
	if server == "" || repository == "" {
		return "Settings, Secrets and variables, Dependabot"
	}
	return server + "/" + repository + path
}

// fromFork reports whether the event comes from a pull request whose head is in
// another repository. pull_request_target is left out: its runs get secrets.
func (r *Runner) fromFork() bool {
	name := r.Variable("GITHUB_EVENT_NAME")
	if !strings.HasPrefix(name, "pull_request") || name == "pull_request_target" {
		return false
	}
	text, err := safefile.Read(r.getenv("GITHUB_EVENT_PATH"), maxEvent)
	if err != nil {
		return false
	}
	var event struct {
		PullRequest struct {
			Head struct {
				Repository *struct {
					FullName string `json:"full_name"`
				} `json:"repo"`
			} `json:"head"`
		} `json:"pull_request"`
	}
	if err := json.Unmarshal(text, &event); err != nil {
		return false
	}
	head := event.PullRequest.Head.Repository
	return head == nil || !strings.EqualFold(head.FullName, r.Variable("GITHUB_REPOSITORY"))
}
