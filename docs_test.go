package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"

	"github.com/valetkey/valetkey/internal/manifest"
)

// Every workflow in the README is one that GitHub would take, and every manifest
// one that we take.
func TestREADMEWorkflows(t *testing.T) {
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(readAll(t, "README.md"), -1)
	if len(blocks) < 3 {
		t.Fatalf("the README has %d YAML blocks", len(blocks))
	}
	for _, block := range blocks {
		source := []byte(block[1])
		if bytes.HasPrefix(source, []byte("# .github/valetkey.yml\n")) { // a manifest
			if _, err := manifest.Parse("README.md", source); err != nil {
				t.Error(err)
			}
			continue
		}
		if !bytes.Contains(source, []byte("jobs:")) { // steps alone
			var job bytes.Buffer
			job.WriteString("on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n")
			for line := range bytes.Lines(source) {
				job.WriteString("      " + string(line))
			}
			source = job.Bytes()
		}
		linter, err := actionlint.NewLinter(&bytes.Buffer{}, &actionlint.LinterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		faults, err := linter.Lint("README.yml", source, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range faults {
			t.Errorf("%v in:\n%s", fault, source)
		}
	}
}

// The tables of README.md and docs/actions.md name every input and output, and no
// others.
func TestREADMETables(t *testing.T) {
	readme, action := readAll(t, "README.md"), readAll(t, "action.yml")
	for _, section := range []string{"inputs", "outputs"} {
		title := "## " + strings.ToUpper(section[:1]) + section[1:] + "\n"
		_, text, ok := strings.Cut(readme, title)
		if !ok {
			t.Fatalf("no section %q", title)
		}
		text, _, _ = strings.Cut(text, "\n## ")
		got, want := rows(text), declared(action, section)
		if !slices.Equal(got, want) {
			t.Errorf("%s in the README: %v\nin action.yml: %v", section, got, want)
		}
	}
	others := readAll(t, "docs/actions.md")
	for _, name := range otherActions(t) {
		file := readAll(t, name+"/action.yml")
		_, text, ok := strings.Cut(others, "\n## "+name+"\n")
		if !ok {
			t.Fatalf("no section on %s", name)
		}
		text, _, _ = strings.Cut(text, "\n##")
		got := rows(text)
		want := slices.Concat(declared(file, "inputs"), declared(file, "outputs"))
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s in docs/actions.md: %v\nin its action.yml: %v", name, got, want)
		}
	}
}

// rows lists what the first column of a table names, sorted.
func rows(text string) []string {
	var names []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z<>-]+)`").FindAllStringSubmatch(text, -1) {
		names = append(names, row[1])
	}
	slices.Sort(names)
	return names
}

// declared lists what action.yml declares; the many permission inputs are one row.
func declared(action, section string) []string {
	_, text, _ := strings.Cut(action, "\n"+section+":\n")
	text = regexp.MustCompile(`(?m)^[a-z]`).Split(text, 2)[0] // up to the next key of the top level
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z-]+):`).FindAllStringSubmatch(text, -1) {
		name := m[1]
		if strings.HasPrefix(name, "permission-") && name != "permission-check" {
			name = "permission-<name>"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
