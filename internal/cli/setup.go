//go:build !nodemo

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/setup"
)

// runSetup makes a GitHub App for the person at this machine. Standard output
// gets the workflow to paste, or the link; how it goes on is on standard error.
func runSetup(ctx context.Context, p Process, c command, args []string) int {
	given := setupFlags{API: cmp.Or(p.Getenv("GITHUB_API_URL"), publicAPI)}
	flags := c.flagSet()
	given.declare(flags)
	if code, over := c.parseFlags(p, flags, args, 0); over {
		return code
	}
	r := p.plain()
	if r.OnRunner() {
		return misuse(p, "setup is for a person at a browser, and this is a job", "run it on your own machine")
	}
	req, err := given.parse(r)
	if err != nil {
		return exitCode(r, err)
	}
	r.Info("An App for %s at %s, with\n\n%s\n", cmp.Or(req.Plan.Organization, "your account"), hostOf(req.Plan.Website), req.table())
	if req.Link {
		return exitCode(r, printLink(p, r, req))
	}
	remains, err := makeApp(ctx, p, r, req)
	code := exitCode(r, err)
	if remains != "" {
		r.Info("%s", remains)
	}
	return code
}

// table shows the permissions, what takes each of them, and what is to be
// known about them.
func (req setupRequest) table() string {
	e := req.Explanation
	e.Notices = append(e.Notices, req.Notes...)
	return e.table()
}

// printLink prints the link for somebody else.
func printLink(p Process, r *actions.Runner, req setupRequest) error {
	r.Info("Send this link to somebody who may make Apps for %s. They create the App there, generate a private key on its page,\n"+
		"install it, and store the key as the secret %s and the client id as the variable %s.",
		cmp.Or(req.Plan.Organization, "your account"), defaultSecret, defaultVariable)
	_, err := fmt.Fprintln(p.Stdout, req.Plan.Link())
	return err
}

// makeApp makes the App, and prints the workflow. If it does not end well, it
// returns what exists then, and how to remove it.
func makeApp(ctx context.Context, p Process, r *actions.Runner, req setupRequest) (remains string, err error) {
	api, err := p.connect(r, req.Host)
	if err != nil {
		return "", err
	}
	app := &newApp{api: api, runner: r, host: hostOf(req.Plan.Website), permissions: req.Plan.Permissions}
	keep, err := chooseKeeper(ctx, p, app, req)
	if err == nil {
		err = keep.Check(ctx)
	}
	if err == nil {
		err = api.CheckReachable(ctx)
	}
	if err != nil {
		return "", err
	}
	flow := setup.Flow{
		Plan: req.Plan, KeyGoes: keep.Goes,
		Register: app.register, Keep: keep.Keep, KeepLate: keep.Late, Installed: app.isInstalled, Check: app.check,
		Info: r.Info,
	}
	if !req.NoBrowser {
		flow.Browse = func(address string) error { return browse(p, address) }
	}
	made, err := flow.Run(ctx)
	if err != nil {
		return made.Remains(), err
	}
	r.Info("%s", req.next(made.App.ClientID))
	_, err = io.WriteString(p.Stdout, req.workflow())
	return "", err
}

// chooseKeeper decides how the key gets to its place: by gh where that is
// signed in, and otherwise by the App itself if it may write secrets anyway.
func chooseKeeper(ctx context.Context, p Process, app *newApp, req setupRequest) (keeper, error) {
	if req.KeyFile != "" {
		return inFile(req.KeyFile), nil
	}
	gh := ghTool{host: app.host, env: p.Environ()}
	if gh.signedIn(ctx) {
		return gh.inGH(req.Store), nil
	}
	missing, _ := permission.Compare(req.Store.permissions(), req.Plan.Permissions)
	if len(missing) == 0 && (req.Plan.Organization == "" || strings.EqualFold(req.Plan.Organization, req.Store.At.Owner)) {
		return app.inApp(req.Store), nil
	}
	return keeper{}, fault.New("-store: gh is not signed in at "+app.host+", and the App may not write to "+req.Store.At.String()+" itself",
		"gh auth login --hostname "+app.host+"; or write the key to a file with -key-file")
}

// browse opens an address in the person's browser, where there is one to be
// seen. It does not wait for it.
func browse(p Process, address string) error {
	var cmd *exec.Cmd
	ctx := context.Background() // the browser outlives the program
	switch runtime.GOOS {
	case "darwin":
		cmd = exec.CommandContext(ctx, "open", address)
	case "windows":
		cmd = exec.CommandContext(ctx, "rundll32", "url.dll,FileProtocolHandler", address)
	default:
		if p.Getenv("DISPLAY")+p.Getenv("WAYLAND_DISPLAY") == "" {
			return errors.New("there is no display")
		}
		cmd = exec.CommandContext(ctx, "setsid", "xdg-open", address) // or Ctrl-C here would end the browser
	}
	cmd.Env = p.Environ()
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // whether it opened is to be seen
	return nil
}
