package main

import (
	"errors"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What README.md and docs/requirements.md tell people to type is what a release is signed with, and
// what its files are called.
func TestReleaseIsCheckedAsItIsMade(t *testing.T) {
	docs, signing := readAll(t, "README.md")+readAll(t, "docs/requirements.md"), readAll(t, ".ci/releasing/signing.py")
	artifacts := readAll(t, ".ci/releasing/artifacts.py")
	for _, c := range []struct{ flag, name string }{{"--certificate-identity", "WORKFLOW"}, {"--certificate-oidc-issuer", "ISSUER"}} {
		want := regexp.MustCompile(`(?m)^` + c.name + ` = "(.+)"$`).FindStringSubmatch(signing)
		got := regexp.MustCompile(c.flag+` (\S+)`).FindAllStringSubmatch(docs, -1)
		if want == nil || len(got) != 3 {
			t.Fatalf("%s is %v in the docs, %v in signing.py", c.flag, got, want)
		}
		for _, g := range got {
			if g[1] != want[1] {
				t.Errorf("%s is %s in the docs, %s in signing.py", c.flag, g[1], want[1])
			}
		}
	}
	if !strings.Contains(artifacts, `return f"valetkey_{version}_{system}_{machine}"`) ||
		!strings.Contains(docs, " valetkey_v1.2.3_linux_amd64.tar.gz") {
		t.Error("the docs call the archives something else")
	}
	if !strings.Contains(readAll(t, "native/main.js"), "/valetkey_${release.version}_${target}.tar.gz") {
		t.Error("native fetches archives by another name")
	}
}

// A release that was cut short is finished by running it again, and v1 only moves to
// what is newer and meant for everybody.
func TestReleaseRunsAgain(t *testing.T) {
	const program = `
import sys
sys.path.insert(0, ".ci")
from releasing import publishing
drafts, version, *tags = sys.argv[1:]
def run(*words):
    print(words[2], *[word for word in words if word == "--prerelease"])
    return drafts if words[1] == "api" else ""
publishing.release(version, "notes.md", ["checksums.txt"], run)
print(*publishing.moving(version, tags))`
	for _, c := range []struct{ drafts, version, tags, want string }{
		{"", "v1.2.3", "v1 v1.2.2 v0.9.9 v2.0.0", "create edit verify v1"},
		{"true", "v1.2.3", "v1.2.3", "delete create edit verify v1"},
		{"true\ntrue", "v1.2.3", "v1.2.3", "delete delete create edit verify v1"},
		{"false", "v1.2.3", "v1.2.3", "verify v1"},
		{"", "v1.9.0", "v1.10.0", "create edit verify"},
		{"", "v1.10.0", "v1.9.0 v1.11.0-rc.1", "create edit verify v1"},
		{"", "v2.0.0-rc.1", "v1.2.3", "create --prerelease edit verify"},
	} {
		args := append([]string{"-B", "-c", program, c.drafts, c.version}, strings.Fields(c.tags)...)
		got, err := exec.CommandContext(t.Context(), "python3", args...).CombinedOutput()
		if errors.Is(err, exec.ErrNotFound) {
			t.Skip("there is no python3 here, with which releases are made")
		}
		_, commands, _ := strings.Cut(string(got), "--paginate")
		if words := strings.Join(strings.Fields(commands), " "); err != nil || words != c.want {
			t.Errorf("%s with drafts %q and tags %q: %v %s, want %s", c.version, c.drafts, c.tags, err, got, c.want)
		}
	}
}

// What is compared byte for byte is checked out and archived as it is committed, also
// where git is set to end lines in another way.
func TestLinesEndTheSameEverywhere(t *testing.T) {
	if !strings.Contains(readAll(t, ".gitattributes"), "\n* -text\n") {
		t.Error(".gitattributes lets git change how lines end")
	}
}

// Workflows get no permission that a job does not ask for, and run no action that its
// owner can change under us.
func TestWorkflowsArePinned(t *testing.T) {
	workflows := readAll(t, ".github/workflows/*.yml")
	if tops := strings.Count(workflows, "\npermissions: {}\n"); tops != strings.Count(workflows, "\njobs:\n") {
		t.Errorf("%d workflows begin without any permission, of %d", tops, strings.Count(workflows, "\njobs:\n"))
	}
	seen := map[string]string{}
	for _, uses := range regexp.MustCompile(`uses: (\S+)@(.*)`).FindAllStringSubmatch(workflows, -1) {
		if !regexp.MustCompile(`^[0-9a-f]{40} # v\d+\.\d+\.\d+$`).MatchString(uses[2]) {
			t.Errorf("%s is pinned to %s, and not to a commit with its version", uses[1], uses[2])
		}
		if at, ok := seen[uses[1]]; ok && at != uses[2] {
			t.Errorf("%s is at %s and at %s", uses[1], at, uses[2])
		}
		seen[uses[1]] = uses[2]
	}
	if len(seen) < 5 {
		t.Errorf("%d actions are used", len(seen))
	}
	for _, trigger := range []string{"pull_request_target", "workflow_run"} {
		if strings.Contains(workflows, trigger) {
			t.Errorf("a workflow starts by %s, which runs other people's code with our secrets", trigger)
		}
	}
}

// What decides what runs has owners.
func TestCodeOwners(t *testing.T) {
	owners := strings.Fields(readAll(t, ".github/CODEOWNERS"))
	for _, path := range []string{"/.github/", "/.ci/", "action.yml", "/native/", "/Dockerfile", "go.mod"} {
		if i := slices.Index(owners, path); i < 0 || !strings.HasPrefix(owners[i+1], "@") {
			t.Errorf("%s has no owner", path)
		}
	}
}
