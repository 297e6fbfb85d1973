package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/valetkey/valetkey/internal/manifest"
)

const exampleManifest = "examples/valetkey.yml"

// exampleWorkflows lists the workflows of examples.
func exampleWorkflows(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("examples/*.yml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for i, file := range files {
		files[i] = filepath.ToSlash(file)
	}
	return slices.DeleteFunc(files, func(file string) bool { return file == exampleManifest })
}

// GitHub would accept every example, and valetkey its manifest. Both stand in
// the docs too, word for word, and each is listed with a link.
func TestExamples(t *testing.T) {
	texts := readAll(t, exampleManifest)
	if _, err := manifest.Parse(exampleManifest, []byte(texts)); err != nil {
		t.Error(err)
	}
	list := readAll(t, "examples/README.md")
	for _, file := range exampleWorkflows(t) {
		text := readAll(t, file)
		lintExample(t, file, []byte(text))
		texts += text
		if name := filepath.Base(file); !strings.Contains(list, "| ["+name+"]("+name+") |") {
			t.Errorf("%s is not in examples/README.md", file)
		}
		explained := false
		for page, blocks := range yamlBlocks(t) {
			if !slices.ContainsFunc(blocks, func(block string) bool { return strings.Contains(text, inWorkflow(block)) }) {
				continue
			}
			explained = true
			want := "](../" + file + ")"
			if page == "README.md" {
				want = "](" + file + ")"
			}
			if !strings.Contains(readAll(t, page), want) {
				t.Errorf("%s has a part of %s, and no link to it", page, file)
			}
		}
		if !explained {
			t.Errorf("no page has what %s has, word for word", file)
		}
	}
	parts := 0
	for _, blocks := range yamlBlocks(t) {
		for _, block := range blocks {
			if strings.HasPrefix(block, "# .github/valetkey.yml\n") && strings.Contains(texts, inWorkflow(block)) {
				parts++
			}
		}
	}
	if want := len(regexp.MustCompile(`(?m)^(secrets|rotations|pats):$`).FindAllString(texts, -1)); parts != want {
		t.Errorf("%s has %d parts, and %d of them stand in the docs", exampleManifest, want, parts)
	}
}

// inWorkflow returns a block as an example has it: without its first lines if
// they only say what it is, and indented if it is steps alone.
func inWorkflow(block string) string {
	block = regexp.MustCompile(`^(# .*\n|name: .*\n)+`).ReplaceAllString(block, "")
	if !strings.HasPrefix(block, "- ") {
		return block
	}
	return regexp.MustCompile(`(?m)^`).ReplaceAllString(strings.TrimSuffix(block, "\n"), "      ")
}

// Every step that uses an action of ours, in docs and examples, gives it inputs
// that it has.
func TestStepsUseInputsThatThereAre(t *testing.T) {
	sources := map[string][]string{}
	maps.Copy(sources, yamlBlocks(t))
	for _, file := range exampleWorkflows(t) {
		sources[file] = []string{readAll(t, file)}
	}
	seen := 0
	for file, blocks := range sources {
		for _, block := range blocks {
			for action, inputs := range stepsOf(t, block) {
				seen++
				declaredHere := declared(readAll(t, filepath.Join(action, "action.yml")), "inputs")
				for _, name := range inputs {
					if strings.HasPrefix(name, "permission-") && name != "permission-check" {
						name = "permission-<name>"
					}
					if !slices.Contains(declaredHere, name) {
						t.Errorf("%s: the action %s has no input %s", file, action, name)
					}
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d steps were found", seen)
	}
}

// stepsOf returns the inputs that a block's steps give to each of our actions,
// by the action's folder.
func stepsOf(t *testing.T, block string) map[string][]string {
	t.Helper()
	type step struct {
		Uses string
		With map[string]any
	}
	type workflow struct {
		Jobs map[string]struct{ Steps []step }
	}
	var whole workflow
	var steps []step
	if strings.HasPrefix(block, "- ") {
		if err := yaml.Unmarshal([]byte(block), &steps); err != nil {
			t.Fatalf("%v in\n%s", err, block)
		}
	} else if strings.Contains(block, "jobs:") {
		if err := yaml.Unmarshal([]byte(block), &whole); err != nil {
			t.Fatalf("%v in\n%s", err, block)
		}
	}
	for _, job := range whole.Jobs {
		steps = append(steps, job.Steps...)
	}
	inputs := map[string][]string{}
	for _, s := range steps {
		action, ours := strings.CutPrefix(s.Uses, "valetkey/valetkey")
		if !ours {
			continue
		}
		folder := "." + strings.TrimSuffix(action, "@v1")
		if _, err := os.Stat(folder); err != nil {
			t.Errorf("%s: %v", s.Uses, err)
			continue
		}
		inputs[folder] = slices.AppendSeq(inputs[folder], maps.Keys(s.With))
	}
	return inputs
}
