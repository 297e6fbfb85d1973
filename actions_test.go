package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/cli"
)

// otherActions lists the folders of the actions besides the one at the root.
func otherActions(t *testing.T) (folders []string) {
	t.Helper()
	files, err := fs.Glob(os.DirFS("."), "*/action.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d folders with an action.yml: %v", len(files), err)
	}
	for _, file := range files {
		folders = append(folders, filepath.Dir(file))
	}
	return folders
}

// Every action has a command that its action.yml starts, a section in the docs,
// a script that runs it, and a workflow that uses it.
func TestActionsAreWhole(t *testing.T) {
	var help strings.Builder
	cli.Main(cli.Process{
		Args: []string{"valetkey", "help"}, Stdout: &help, Stderr: &help,
		Getenv: func(string) string { return "" },
	})
	_, commands, _ := strings.Cut(help.String(), "\nActions, ")
	commands, _, _ = strings.Cut(commands, "\nOthers\n")
	scripts, workflows := readAll(t, "testdata/script/*.txtar"), readAll(t, "testdata/workflows/*.yml")

	for _, folder := range append([]string{"."}, otherActions(t)...) {
		name, docs, section := "valetkey/valetkey/"+folder, "docs/actions.md", folder
		if folder == "." {
			name, docs, section = "valetkey/valetkey", "docs/mint.md", "Inputs"
		}
		args := regexp.MustCompile(`(?m)^  args: \[(\S+)\]$`).FindStringSubmatch(readAll(t, folder+"/action.yml"))
		if folder == "native" {
			args = regexp.MustCompile(`spawn\(found, \['(\S+)'\],`).FindStringSubmatch(readAll(t, "native/main.js"))
		}
		if args == nil {
			t.Errorf("%s: its action.yml starts no command", name)
			continue
		}
		for what, there := range map[string]bool{
			"command " + args[1] + " in the usage":        strings.Contains(commands, "\n  "+args[1]+" "),
			"section " + section + " in " + docs:          strings.Contains(readAll(t, docs), "\n## "+section+"\n"),
			"script that has exec valetkey " + args[1]:    strings.Contains(scripts, "exec valetkey "+args[1]+"\n"),
			"workflow in testdata that has uses: " + name: strings.Contains(workflows, "uses: "+name+"@v1\n"),
		} {
			if !there {
				t.Errorf("%s has no %s", name, what)
			}
		}
	}
}

// readAll returns the files that a pattern matches, one after the other.
func readAll(t *testing.T, pattern string) string {
	t.Helper()
	var all strings.Builder
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files are %s: %v", len(files), pattern, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// The action native is the one at the root by other means: whoever changes the `uses:`
// of a step changes nothing else.
func TestNativeIsTheSameAction(t *testing.T) {
	root, native := readAll(t, "action.yml"), readAll(t, "native/action.yml")
	_, want, _ := strings.Cut(root, "\ninputs:\n")
	want, _, _ = strings.Cut(want, "\nruns:\n")
	_, got, _ := strings.Cut(native, "\ninputs:\n")
	got, runs, _ := strings.Cut(got, "\nruns:\n")
	binary, rest, _ := strings.Cut(got, "  client-id:\n")
	if diff := cmp.Diff(want, "  client-id:\n"+rest); diff != "" {
		t.Errorf("inputs and outputs of native/action.yml differ: %s", diff)
	}
	if !regexp.MustCompile(`^  binary:\n    description: ".*"\n$`).MatchString(binary) {
		t.Errorf("native has more inputs than binary: %s", binary)
	}
	if runs != "  using: node24\n  main: main.js\n  post: post.js\n" {
		t.Errorf("native runs %s", runs)
	}
}

// The scripts of native are short enough to be read before they are trusted.
func TestNativeIsShort(t *testing.T) {
	source := readAll(t, "native/main.js") + readAll(t, "native/post.js")
	if lines := strings.Count(source, "\n"); lines >= 80 {
		t.Errorf("main.js and post.js have %d lines", lines)
	}
	for line := range strings.Lines(source) {
		if len(line) > maxColumns+1 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
}
