// Package fakerunner stands for GitHub's runner, as far as a demonstration and
// tests need it: it starts a program as the runner would start a stage of a
// container action, reads the files that the stage wrote, and hides masked
// values in a log.
//
// It imports none of our packages, since a runner that shared our code would
// confirm our mistakes. The action itself does not use it. Start at [Run] and
// [Log].
package fakerunner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Result is what a runner knows of a stage after its end.
type Result struct {
	Log            []string // as the program wrote it, with the runner's commands
	Outputs, State map[string]string
	Env            map[string]string // of the steps that follow
	Summary        string            // Markdown
	Exit           int
}

// Step is one stage of a step.
type Step struct {
	Program string            // the file to start
	Stage   string            // the name that it is started under: valetkey or post
	Action  string            // the action's args
	Inputs  map[string]string // of with:
	State   map[string]string // what the main stage saved for post
	Env     []string          // the runner's own variables, such as GITHUB_REPOSITORY
	Dir     string            // where Run makes the runner's files
	Work    string            // the workspace; default: the current directory
}

// Run starts the program under the stage's name, with the action's args and
// nothing of this environment. The error is about the start alone; the result
// says how the program ended.
func Run(ctx context.Context, s Step) (Result, error) {
	dir, err := os.MkdirTemp(s.Dir, s.Stage+"-")
	if err != nil {
		return Result{}, err
	}
	env := append([]string{"GITHUB_ACTIONS=true"}, s.Env...)
	for input, value := range s.Inputs {
		env = append(env, "INPUT_"+strings.ToUpper(input)+"="+value)
	}
	files := map[string]string{}
	for _, file := range []string{"OUTPUT", "STATE", "ENV", "STEP_SUMMARY"} {
		files[file] = filepath.Join(dir, file)
		if err := os.WriteFile(files[file], nil, 0o600); err != nil {
			return Result{}, err
		}
		env = append(env, "GITHUB_"+file+"="+files[file])
	}
	for key, value := range s.State {
		env = append(env, "STATE_"+key+"="+value)
	}
	cmd := exec.CommandContext(ctx, s.Program)
	cmd.Args = []string{"/" + s.Stage, s.Action}
	cmd.Env, cmd.Dir = env, s.Work
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return Result{}, err
	}
	result := Result{Exit: cmd.ProcessState.ExitCode()}
	for line := range strings.Lines(string(out)) {
		result.Log = append(result.Log, strings.TrimSuffix(line, "\n"))
	}
	if result.Outputs, err = ReadPairs(files["OUTPUT"]); err == nil {
		result.State, err = ReadPairs(files["STATE"])
	}
	if err == nil {
		result.Env, err = ReadPairs(files["ENV"])
	}
	if err == nil {
		var summary []byte
		summary, err = os.ReadFile(files["STEP_SUMMARY"])
		result.Summary = string(summary)
	}
	return result, err
}

// ReadPairs reads one of the runner's files as the runner on Linux does, in the
// heredoc form that holds any value. Lines end with a line feed alone.
func ReadPairs(file string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pairs := map[string]string{}
	for rest := string(data); rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		name, delimiter, ok := strings.Cut(line, "<<")
		if !ok || name == "" || delimiter == "" {
			return nil, fmt.Errorf("%s: %q is not a pair", filepath.Base(file), name)
		}
		var value []string
		for {
			if rest == "" {
				return nil, fmt.Errorf("%s: the value of %q has no end", filepath.Base(file), name)
			}
			if line, rest, _ = strings.Cut(rest, "\n"); line == delimiter {
				break
			}
			value = append(value, line)
		}
		pairs[name] = strings.Join(value, "\n")
	}
	return pairs, nil
}

// Log shows lines as a runner does, as far as the demo needs it: a mask takes
// effect from its line on. The zero Log has no masks.
type Log struct {
	masks []string
	shown []string
}

// Show handles one line that a program wrote. The runner's commands are not
// visible, except for annotations.
func (l *Log) Show(line string) (text string, visible bool) {
	if mask, ok := strings.CutPrefix(line, "::add-mask::"); ok {
		l.masks = append(l.masks, Unescape(mask))
		return "", false
	}
	for _, level := range []string{"error", "warning", "notice"} {
		if message, ok := strings.CutPrefix(line, "::"+level+"::"); ok {
			line = strings.ToUpper(level[:1]) + level[1:] + ": " + strings.ReplaceAll(Unescape(message), "\n", "\n  | ")
		}
	}
	line = l.Hide(line)
	l.shown = append(l.shown, line)
	return line, true
}

// Shown returns everything that was visible so far.
func (l *Log) Shown() string { return strings.Join(l.shown, "\n") }

// Hide replaces every masked value in a text. Masks may overlap: what any of
// them covers is marked first, and each covered stretch becomes one ***.
func (l *Log) Hide(text string) string {
	covered := make([]bool, len(text))
	for _, mask := range l.masks {
		for from := 0; mask != ""; {
			i := strings.Index(text[from:], mask)
			if i < 0 {
				break
			}
			i += from
			for j := range len(mask) {
				covered[i+j] = true
			}
			from = i + 1
		}
	}
	if !slices.Contains(covered, true) {
		return text
	}
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !covered[i]:
			b.WriteByte(text[i])
		case i == 0 || !covered[i-1]:
			b.WriteString("***")
		}
	}
	return b.String()
}

// Unescape decodes the data of a workflow command.
func Unescape(data string) string {
	return strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n").Replace(data)
}
