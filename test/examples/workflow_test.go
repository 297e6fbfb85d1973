//go:build unix

package examples_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/valetkey/valetkey/internal/fakerunner"
)

// workflow is a workflow file, its jobs in the file's order.
type workflow struct{ Jobs yaml.MapSlice }

type job struct {
	Outputs map[string]string
	Steps   []step
}

type step struct {
	ID, Uses string
	With     map[string]any
	Env      map[string]string
}

// expression is what a runner puts in place.
var expression = regexp.MustCompile(`\$\{\{ *([^}]*?) *\}\}`)

// run runs the steps of a workflow that use our actions, job by job, and their
// post stages in between. Other steps and the conditions of jobs are passed
// over. It returns the outputs of all steps, under "steps.ID.outputs.NAME".
func (w *world) run(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var flow workflow
	if err := yaml.Unmarshal(text, &flow); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	known := maps.Clone(w.contexts)
	for _, item := range flow.Jobs {
		var one job
		part, err := yaml.Marshal(item.Value)
		if err == nil {
			err = yaml.Unmarshal(part, &one)
		}
		if err != nil {
			t.Fatal(err)
		}
		context := maps.Clone(known)
		for _, post := range slices.Backward(w.runSteps(t, one.Steps, context)) {
			w.stage(t, post)
		}
		for name, value := range one.Outputs {
			known["needs."+item.Key.(string)+".outputs."+name] = evaluate(t, value, context)
		}
		maps.Copy(all, context)
	}
	return all
}

// runSteps runs the main stages of a job. It adds their outputs to the context,
// and returns the post stages.
func (w *world) runSteps(t *testing.T, steps []step, context map[string]string) (posts []fakerunner.Step) {
	t.Helper()
	for _, s := range steps {
		folder, ours := strings.CutPrefix(s.Uses, "valetkey/valetkey")
		if !ours {
			continue
		}
		action := w.action(t, strings.TrimSuffix(folder, "@v1"))
		main := fakerunner.Step{Stage: "valetkey", Action: action.command, Inputs: map[string]string{}}
		for name, value := range s.With {
			main.Inputs[name] = evaluate(t, asText(value), context)
		}
		for name, value := range s.Env {
			main.Env = append(main.Env, name+"="+evaluate(t, value, context))
		}
		result := w.stage(t, main)
		for name, value := range result.Outputs {
			context["steps."+s.ID+".outputs."+name] = value
		}
		if action.post {
			posts = append(posts, fakerunner.Step{Stage: "post", Action: action.command, Inputs: main.Inputs, State: result.State})
		}
	}
	return posts
}

// action is what an action.yml starts.
type action struct {
	command string
	post    bool
}

func (w *world) action(t *testing.T, folder string) action {
	t.Helper()
	if folder == "/native" { // the one at the root, by other means
		folder = ""
	}
	text, err := os.ReadFile(filepath.Join("../..", folder, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Runs struct {
			Args []string
			Post string `yaml:"post-entrypoint"`
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil || len(file.Runs.Args) != 1 {
		t.Fatalf("%s: %v, args %v", folder, err, file.Runs.Args)
	}
	return action{file.Runs.Args[0], file.Runs.Post != ""}
}

// evaluate replaces the expressions of a text by what the context has. Whatever
// is not known there fails the test.
func evaluate(t *testing.T, text string, context map[string]string) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(text, func(found string) string {
		name := expression.FindStringSubmatch(found)[1]
		value, ok := context[name]
		if !ok {
			t.Errorf("the example has %s, which nothing sets", name)
		}
		return value
	})
}

func asText(value any) string {
	text, _ := yaml.Marshal(value)
	var plain string
	if yaml.Unmarshal(text, &plain) == nil && plain != "" {
		return plain
	}
	return strings.TrimSpace(string(text))
}
