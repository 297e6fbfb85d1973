package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/valetkey/valetkey/internal/redact"
)

// stageResult is what a runner knows of a stage after it ended.
type stageResult struct {
	log            []string // as the program wrote it, commands included
	outputs, state map[string]string
	exit           int
}

// step is one step of a workflow, main stage or post.
type step struct {
	stage  string // the program's name: valetkey or post
	action string // the action's args
	inputs map[string]string
	state  map[string]string
}

// run starts this very program as a runner would start the container: by the
// stage's name, with the action's args, and nothing of this environment.
func (w *world) run(ctx context.Context, s step) (stageResult, error) {
	program, err := os.Executable()
	if err != nil {
		return stageResult{}, err
	}
	files := map[string]string{}
	env := []string{
		"GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=" + account + "/website", "GITHUB_REPOSITORY_OWNER=" + account,
		"GITHUB_API_URL=" + w.url, "GITHUB_SERVER_URL=" + w.url,
	}
	for input, value := range s.inputs {
		env = append(env, "INPUT_"+strings.ToUpper(input)+"="+value)
	}
	dir, err := os.MkdirTemp(w.dir, s.stage+"-")
	if err != nil {
		return stageResult{}, err
	}
	for _, file := range []string{"OUTPUT", "STATE", "STEP_SUMMARY"} {
		files[file] = filepath.Join(dir, file)
		if err := os.WriteFile(files[file], nil, 0o600); err != nil {
			return stageResult{}, err
		}
		env = append(env, "GITHUB_"+file+"="+files[file])
	}
	for key, value := range s.state {
		env = append(env, "STATE_"+key+"="+value)
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Args = []string{"/" + s.stage, s.action}
	cmd.Env = env
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return stageResult{}, err
	}
	result := stageResult{exit: cmd.ProcessState.ExitCode()}
	for line := range strings.Lines(string(out)) {
		result.log = append(result.log, strings.TrimSuffix(line, "\n"))
	}
	if result.outputs, err = readPairs(files["OUTPUT"]); err == nil {
		result.state, err = readPairs(files["STATE"])
	}
	return result, err
}

// readPairs reads one of the runner's files, in the heredoc form that we write.
func readPairs(file string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pairs := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		name, delimiter, ok := strings.Cut(lines.Text(), "<<")
		if !ok {
			return nil, fmt.Errorf("%s: %q is no pair", filepath.Base(file), name)
		}
		var value []string
		for lines.Scan() && lines.Text() != delimiter {
			value = append(value, lines.Text())
		}
		pairs[name] = strings.Join(value, "\n")
	}
	return pairs, nil
}

// masker shows log lines as a runner does, as far as the demo needs it: masks
// take effect from their line on.
type masker struct {
	masks redact.Masks
	shown []string
}

// show handles one line; what is a command of the runner is not visible.
func (m *masker) show(line string) (text string, visible bool) {
	if mask, ok := strings.CutPrefix(line, "::add-mask::"); ok {
		m.masks.Add(redact.New(unescape(mask)))
		return "", false
	}
	for _, level := range []string{"error", "warning", "notice"} {
		if message, ok := strings.CutPrefix(line, "::"+level+"::"); ok {
			line = strings.ToUpper(level[:1]) + level[1:] + ": " + strings.ReplaceAll(unescape(message), "\n", "\n  | ")
		}
	}
	line = m.masks.Hide(line)
	m.shown = append(m.shown, line)
	return line, true
}

func unescape(data string) string {
	return strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n").Replace(data)
}
