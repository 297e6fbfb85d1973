package demo

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"

	"github.com/valetkey/valetkey/internal/fakerunner"
)

// scheduled runs an action with a manifest as a scheduled workflow would: in a
// checkout of the default branch. More inputs come on top; env has variables of
// the step.
func (w *walkthrough) scheduled(
	ctx context.Context, action, manifest string, inputs map[string]string, env ...string,
) fakerunner.Result {
	const commit = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e"
	workspace, err := w.workspace, error(nil)
	if workspace == "" { // all runs of a chapter share one
		workspace, err = os.MkdirTemp(w.sandbox.dir, "workspace-")
		err = errors.Join(err, os.Mkdir(filepath.Join(workspace, ".git"), 0o755))
		w.workspace = workspace
	}
	path, event := filepath.Join(workspace, "valetkey.yml"), filepath.Join(workspace, "event.json")
	for file, text := range map[string]string{
		path: manifest, event: `{"repository": {"default_branch": "main"}}`, filepath.Join(workspace, ".git", "HEAD"): commit,
	} {
		err = errors.Join(err, os.WriteFile(file, []byte(text), 0o600))
	}
	if err != nil {
		w.check("the workspace is there", false, firstLine(err))
	}
	all := map[string]string{"client-id": clientID, "private-key": w.sandbox.key, "manifest": path}
	maps.Copy(all, inputs)
	return w.runStage(ctx, fakerunner.Step{
		Stage: "valetkey", Action: action, Inputs: all,
		Env: append([]string{
			"GITHUB_EVENT_NAME=schedule", "GITHUB_EVENT_PATH=" + event, "GITHUB_REF=refs/heads/main", "GITHUB_SHA=" + commit,
			"GITHUB_WORKSPACE=" + workspace,
		}, env...),
	})
}
