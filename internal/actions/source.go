package actions

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/safefile"
)

// Source is whose files a step works with.
type Source uint8

// The sources.
const (
	UnknownSource Source = iota // there is no runner that could say
	DefaultBranch               // the repository's own, as its reviewers merged them
	OtherSource                 // a pull request, a fork, another branch, or something that cannot be told
)

// ofDefaultBranch are the events that can start a run on the default branch
// with nothing in it that a stranger wrote. A pull_request_target runs there as
// well, but exists to look at what strangers wrote, and so do issue_comment and
// workflow_run.
// https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
var ofDefaultBranch = []string{"schedule", "push", "workflow_dispatch", "repository_dispatch"}

// SourceOf returns whose file a path names: whether it is from the commit of
// the default branch that the run was started for. For any other source it also
// returns why, in words that go on after "it".
func (r *Runner) SourceOf(path string) (source Source, why string) {
	if !r.OnRunner() {
		return UnknownSource, "is not known to be the default branch's: no runner says so"
	}
	name := r.Variable("GITHUB_EVENT_NAME")
	if !slices.Contains(ofDefaultBranch, name) {
		return OtherSource, "may be from a pull request or a stranger: the run was started by " + Quote(name)
	}
	// Whoever may write can run an old run again, for a month, and with it the
	// commit that was the default branch's then.
	if attempt := r.Variable("GITHUB_RUN_ATTEMPT"); attempt != "" && attempt != "1" {
		return OtherSource, "may be an old one, since this run was run again: start a new run"
	}
	text, err := safefile.Read(r.getenv("GITHUB_EVENT_PATH"), maxEvent)
	if err != nil {
		return OtherSource, "is not known to be the default branch's: the event can't be read"
	}
	var event struct {
		Repository *struct {
			DefaultBranch string `json:"default_branch"`
			Fork          bool   `json:"fork"`
		} `json:"repository"`
	}
	branch, ref := "", r.Variable("GITHUB_REF")
	switch {
	case json.Unmarshal(text, &event) != nil:
		return OtherSource, "is not known to be the default branch's: the event can't be read"
	case event.Repository != nil && event.Repository.Fork:
		return OtherSource, "is from a fork"
	case event.Repository != nil && event.Repository.DefaultBranch != "":
		branch = "refs/heads/" + event.Repository.DefaultBranch
	case name == "schedule": // it always runs on the default branch, and its event may not say which that is
		branch = ref
	}
	switch commit := r.Variable("GITHUB_SHA"); {
	case branch == "" || ref != branch:
		return OtherSource, "is from " + Quote(ref) + ", which is not the default branch"
	case commit == "" || checkedOut(path, r.Variable("GITHUB_WORKSPACE")) != commit:
		return OtherSource, "is not of the commit that the run was started for"
	}
	return DefaultBranch, ""
}

// checkedOut returns the commit of the git checkout that a file is in, or "" if
// it is in none below root. A file elsewhere, or one of another repository's
// checkout, is not what the run was started for.
func checkedOut(path, root string) string {
	directory, err := filepath.Abs(filepath.Dir(path))
	if err != nil || root == "" {
		return ""
	}
	for {
		below, err := filepath.Rel(root, directory)
		if err != nil || !filepath.IsLocal(below) {
			return ""
		}
		if commit, found := headOf(filepath.Join(directory, ".git")); found {
			return commit
		}
		directory = filepath.Dir(directory)
	}
}

// maxRefs bounds what is read of a git directory. A checkout for a job has few
// refs.
const maxRefs = 4 << 20

// headOf returns the commit that HEAD of a git directory names, and reports
// whether there is one. actions/checkout makes a branch, or names the commit
// itself.
func headOf(git string) (commit string, found bool) {
	text, err := safefile.Read(filepath.Join(git, "HEAD"), maxRefs)
	if err != nil {
		return "", false
	}
	ref, symbolic := strings.CutPrefix(strings.TrimSpace(string(text)), "ref: ")
	if !symbolic || !filepath.IsLocal(filepath.FromSlash(ref)) {
		return ref, true
	}
	if text, err = safefile.Read(filepath.Join(git, filepath.FromSlash(ref)), maxRefs); err == nil {
		return strings.TrimSpace(string(text)), true
	}
	packed, _ := safefile.Read(filepath.Join(git, "packed-refs"), maxRefs)
	for line := range strings.Lines(string(packed)) {
		if of, name, _ := strings.Cut(strings.TrimSpace(line), " "); name == ref {
			return of, true
		}
	}
	return "", true
}
