package actions

import (
	"encoding/json"
	"strings"

	"github.com/valetkey/valetkey/internal/safefile"
)

// maxEvent bounds what is read of an event; GitHub cuts webhooks at 25 MB.
const maxEvent = 32 << 20

// WithoutSecrets tells why a run gets no secrets, and what to do about it; empty
// where it should get them. GitHub gives none to pull requests from forks, and
// Dependabot only its own. Skip is what a step may do without them, as its inputs have
// it, and empty where they don't.
func (r *Runner) WithoutSecrets(skip string) (cause, hint string) {
	if r.Variable("GITHUB_ACTOR") == "dependabot[bot]" {
		cause, hint = "Dependabot's runs get Dependabot's own secrets only",
			"store the key among the Dependabot secrets too ("+r.settings("/settings/secrets/dependabot")+")"
		if skip != "" {
			hint += ", or " + skip
		}
	} else if r.fromFork() {
		cause, hint = "pull requests from forks get no secrets", "do what needs one after the merge"
		if skip != "" {
			hint = skip + ", and " + hint
		}
	}
	return cause, hint
}

func (r *Runner) settings(path string) string {
	server, repository := r.Variable("GITHUB_SERVER_URL"), r.Variable("GITHUB_REPOSITORY")
	if server == "" || repository == "" {
		return "Settings, Secrets and variables, Dependabot"
	}
	return server + "/" + repository + path
}

// fromFork reads the event: pull_request_target has secrets, the others that
// carry a pull request have not when its head is elsewhere.
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
