package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/redact"
)

// App is an App that was made.
type App struct {
	Slug, Name  string
	ClientID    string
	Owner       string
	Permissions map[string]string
	Key         redact.String // PEM
}

// Flow makes the App of a plan, step by step. Its functions reach GitHub and
// this machine.
type Flow struct {
	Plan
	KeyGoes string // where the key goes, in words: "the file key.pem"

	// Browse opens an address in a browser; nil where the person does that.
	Browse func(address string) error
	// Register exchanges the code from GitHub's page for the App.
	Register func(context.Context, redact.String) (App, error)
	// Keep stores the key. With an error it returns what it stored before.
	Keep func(context.Context, App) ([]Kept, error)
	// KeepLate means that the key can be kept once the App is installed.
	KeepLate bool
	// Installed reports whether the App is installed on its owner, by what
	// GitHub's API says.
	Installed func(context.Context, App) (bool, error)
	// Check mints a token and revokes it.
	Check func(context.Context, App) error
	// Info tells the person how it goes on.
	Info func(format string, args ...any)

	FormTime    time.Duration // how long the page waits for GitHub's answer; zero: half an hour
	InstallTime time.Duration // how long to wait for the installation; zero: half an hour
}

// Kept is something that was stored.
type Kept struct {
	What   string // "the key is in the file key.pem"
	Remove string // how to remove it: "delete the file"
}

// Run makes the App. Whatever the error, the result says what exists.
func (f *Flow) Run(ctx context.Context) (Result, error) {
	r := Result{plan: f.Plan}
	d, err := openDoor(ctx, f.Plan, f.KeyGoes, f.Info)
	if err != nil {
		return r, fmt.Errorf("serve a page on this machine: %w", err)
	}
	defer d.close(ctx)
	code, err := f.askForApp(ctx, d)
	if r.opened = d.wasOpened(); err != nil {
		return r, err
	}
	r.made = true
	err = f.take(ctx, code, &r)
	if err != nil {
		d.show(document("It went wrong", paragraph("valetkey in the terminal says why, what exists now, and how to remove it.")))
		return r, err
	}
	d.show(f.installPage(*r.App))
	f.Info("Install it on %s, for the repositories that it is for:\n  %s", r.App.Owner, f.InstallPage(r.App.Slug))
	if err := f.awaitInstallation(ctx, *r.App); err != nil {
		return r, err
	}
	r.installed = true
	f.Info("It is installed on %s.", r.App.Owner)
	if f.KeepLate {
		if err := f.keep(ctx, &r); err != nil {
			return r, err
		}
	}
	if err := f.Check(ctx, *r.App); err != nil {
		return r, err
	}
	d.show(document("All is done", paragraph("The App "+r.App.Name+" can mint tokens. valetkey in the terminal shows the workflow.")))
	return r, nil
}

// orElse returns a duration, or another one for zero.
func orElse(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

const patience = 30 * time.Minute

// askForApp shows the page, and waits for the code.
func (f *Flow) askForApp(ctx context.Context, d *door) (redact.String, error) {
	limit := orElse(f.FormTime, patience)
	late := fault.New(fmt.Sprintf("no answer came back from %s within %s", f.host(), limit), "start it again")
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	opened := "Open this page in a browser on this machine, within"
	if f.Browse != nil && f.Browse(d.address()) == nil {
		opened = "This page opens in your browser, and waits for"
	}
	f.Info("%s %d minutes:\n  %s", opened, int(limit.Minutes()), d.address())
	code, err := d.wait(ctx)
	if errors.Is(err, context.Canceled) {
		err = errors.New("stopped while the page waited for an answer from " + f.host())
	}
	return code, err
}

// take gets the App and its key, checks that it is the one that was asked for,
// and has the key kept.
func (f *Flow) take(ctx context.Context, code redact.String, r *Result) error {
	app, err := f.Register(ctx, code)
	if err != nil {
		return err
	}
	app.Name = cmp.Or(app.Name, app.Slug)
	r.App = &app
	f.Info("GitHub made the App %s, with the client id %s.", app.Name, app.ClientID)
	if app.Owner == "" || f.Organization != "" && !strings.EqualFold(app.Owner, f.Organization) {
		return fault.New("the App belongs to "+cmp.Or(app.Owner, "nobody")+", and not to "+f.owner(), "delete it, and start again")
	}
	if missing, extra := permission.Compare(f.Permissions, app.Permissions); len(missing)+len(extra) > 0 {
		f.Info("It has other permissions than were asked for: %s.", strings.Join(append(missing, extra...), ", "))
	}
	if ctx.Err() != nil {
		return errors.New("stopped before the key was kept")
	}
	if f.KeepLate {
		return nil
	}
	return f.keep(ctx, r)
}

func (f *Flow) keep(ctx context.Context, r *Result) error {
	kept, err := f.Keep(ctx, *r.App)
	r.kept = append(r.kept, kept...)
	for _, k := range kept {
		f.Info("%s%s.", strings.ToUpper(k.What[:1]), k.What[1:])
	}
	return err
}

// The pauses between two questions grow from the first to the last.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 3 * time.Second
)

// manyErrors is how many questions in a row may fail before the person is told.
const manyErrors = 5

// awaitInstallation asks GitHub until the App is installed. Nothing else proves
// it: anybody can open a page and say so. GitHub may not know a new App
// everywhere yet, so that an error is not the end.
func (f *Flow) awaitInstallation(ctx context.Context, app App) error {
	limit := orElse(f.InstallTime, patience)
	late := fault.New(fmt.Sprintf("the App was not installed within %s", limit), "install it at "+f.InstallPage(app.Slug))
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	failed, pause := 0, firstPause
	for {
		found, err := f.Installed(ctx, app)
		if found {
			return nil
		}
		switch {
		case err == nil:
			failed = 0
		default:
			if failed++; failed == manyErrors {
				f.Info("Still waiting; %s", fault.Line(err))
			}
		}
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), context.Canceled) {
				return errors.New("stopped before the App was installed")
			}
			return context.Cause(ctx)
		case <-time.After(pause):
			pause = min(2*pause, lastPause)
		}
	}
}
