package actions

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// checkout makes a repository with one commit and returns that commit.
func checkout(t *testing.T, directory string) string {
	t.Helper()
	git := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", directory, "-c", "user.name=x", "-c", "user.email=x@example.test"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %s", args, out)
		}
		return strings.TrimSpace(string(out))
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	git("init", "-q", "-b", "main")
	git("commit", "-q", "--allow-empty", "-m", filepath.Base(directory))
	return git("rev-parse", "HEAD")
}

func TestSourceOf(t *testing.T) {
	root := t.TempDir()
	commit, other := checkout(t, root), checkout(t, filepath.Join(root, "elsewhere"))
	event := filepath.Join(t.TempDir(), "event.json")
	const ours = `{"repository": {"default_branch": "main", "fork": false}}`
	for name, c := range map[string]struct {
		change, event, path string // change is NAME=VALUE
		source              Source
		why                 string
	}{
		"schedule":              {"GITHUB_EVENT_NAME=schedule", ours, "policy.yml", DefaultBranch, ""},
		"schedule that is bare": {"GITHUB_EVENT_NAME=schedule", `{"schedule": "0 3 * * *"}`, "policy.yml", DefaultBranch, ""},
		"push":                  {"", ours, ".github/policy.yml", DefaultBranch, ""},
		"by hand":               {"GITHUB_EVENT_NAME=workflow_dispatch", ours, "policy.yml", DefaultBranch, ""},
		"no runner":             {"GITHUB_ACTIONS=", ours, "policy.yml", UnknownSource, "no runner says so"},
		"pull request":          {"GITHUB_EVENT_NAME=pull_request", ours, "policy.yml", OtherSource, `started by "pull_request"`},
		"pull request, target":  {"GITHUB_EVENT_NAME=pull_request_target", ours, "policy.yml", OtherSource, "a stranger"},
		"comment":               {"GITHUB_EVENT_NAME=issue_comment", ours, "policy.yml", OtherSource, "a stranger"},
		"no event":              {"GITHUB_EVENT_NAME=", ours, "policy.yml", OtherSource, "a stranger"},
		"event gone":            {"GITHUB_EVENT_PATH=/nowhere/event.json", ours, "policy.yml", OtherSource, "can't be read"},
		"event cut short":       {"", `{"repository": {"default_br`, "policy.yml", OtherSource, "can't be read"},
		"event without branch":  {"", `{}`, "policy.yml", OtherSource, "not the default branch"},
		"fork":                  {"", `{"repository": {"default_branch": "main", "fork": true}}`, "policy.yml", OtherSource, "a fork"},
		"another branch":        {"GITHUB_REF=refs/heads/next", ours, "policy.yml", OtherSource, `"refs/heads/next"`},
		"a tag of that name":    {"GITHUB_REF=refs/tags/main", ours, "policy.yml", OtherSource, "not the default branch"},
		"no ref":                {"GITHUB_REF=", ours, "policy.yml", OtherSource, "not the default branch"},
		"another commit":        {"GITHUB_SHA=" + strings.Repeat("0", 40), ours, "policy.yml", OtherSource, "not of the commit"},
		"no commit":             {"GITHUB_SHA=", ours, "policy.yml", OtherSource, "not of the commit"},
		"no workspace":          {"GITHUB_WORKSPACE=", ours, "policy.yml", OtherSource, "not of the commit"},
		"another repository":    {"", ours, "elsewhere/policy.yml", OtherSource, "not of the commit"},
		"outside":               {"", ours, "../policy.yml", OtherSource, "not of the commit"},
		"first attempt":         {"GITHUB_RUN_ATTEMPT=1", ours, "policy.yml", DefaultBranch, ""},
		"run again":             {"GITHUB_RUN_ATTEMPT=2", ours, "policy.yml", OtherSource, "may be an old one"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(event, []byte(c.event), 0o600); err != nil {
				t.Fatal(err)
			}
			env := map[string]string{
				"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": event, "GITHUB_REF": "refs/heads/main",
				"GITHUB_SHA": commit, "GITHUB_WORKSPACE": root,
			}
			if key, value, ok := strings.Cut(c.change, "="); ok {
				env[key] = value
			}
			r := New(os.Stderr, func(key string) string { return env[key] })
			source, why := r.SourceOf(filepath.Join(root, c.path))
			if source != c.source || !strings.Contains(why, c.why) || (why == "") != (c.why == "") {
				t.Errorf("%d, %q", source, why)
			}
		})
	}
	if commit == other {
		t.Error("both checkouts are of one commit")
	}
}

// A checkout may name its commit itself, or keep its branches in one file.
func TestHeadOf(t *testing.T) {
	root := filepath.Join(t.TempDir(), "r")
	commit := checkout(t, root)
	at := filepath.Join(root, ".git")
	for i, args := range [][]string{{"pack-refs", "--all"}, {"checkout", "-q", "--detach"}} {
		if out, err := exec.Command("git", append([]string{"-C", root}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", args, out)
		}
		if got, found := headOf(at); got != commit || !found {
			t.Errorf("%d: %q, %t", i, got, found)
		}
	}
	for _, head := range []string{"ref: refs/heads/gone", "ref: ../../../etc/hostname", ""} {
		if err := os.WriteFile(filepath.Join(at, "HEAD"), []byte(head+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, found := headOf(at); got == commit || !found || fmt.Sprint(got) == "" && head == "ref: ../../../etc/hostname" {
			t.Errorf("%q: %q, %t", head, got, found)
		}
	}
	if got, found := headOf(filepath.Join(root, "nothing")); got != "" || found {
		t.Errorf("%q, %t", got, found)
	}
}
