package demo

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"strings"
)

// makeApp shows what an App for a job would be. To make it takes a person at a
// browser, and that is for the GitHub that keeps running.
func (w *walkthrough) makeApp(ctx context.Context) {
	w.say("An App for a job that pushes and opens pull requests. setup works out the least that it takes; " +
		"with -link it makes nothing, and prints a link to GitHub's form for somebody who may make Apps")
	program, err := os.Executable()
	var link string
	if err == nil {
		cmd := exec.CommandContext(ctx, program, "setup", "-link", "-organization", account,
			"-operations", "git push\ngh pr create", "-github-api-url", w.sandbox.url)
		cmd.Env = []string{"PATH=" + w.sandbox.path, "HOME=" + w.sandbox.dir}
		var log strings.Builder
		cmd.Stderr = &log
		var out []byte
		out, err = cmd.Output()
		w.print("\n")
		for line := range strings.Lines(strings.TrimSpace(log.String()) + "\n\n") {
			w.line("", strings.TrimRight(line, "\n"))
		}
		link = strings.TrimSpace(string(out))
	}
	w.check("it succeeds", err == nil, firstLine(err))
	asked, err := url.Parse(link)
	if err != nil {
		asked = &url.URL{}
	}
	form := w.sandbox.url + "/organizations/" + account + "/settings/apps/new?"
	w.check("the form is GitHub's, for "+account, strings.HasPrefix(link, form), "")
	w.check("it asks for contents: write and pull_requests: write", asked.Query().Get("contents") == "write" &&
		asked.Query().Get("pull_requests") == "write", "")
	w.check("and not for administration", !asked.Query().Has("administration"), "")
	w.check("nothing was sent to GitHub", len(w.sandbox.github.Requests()) == 0, "")
}
