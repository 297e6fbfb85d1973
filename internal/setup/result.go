package setup

import "strings"

// Result is how far a run came.
type Result struct {
	App *App // nil until its key was received

	plan      Plan
	opened    bool // a browser got the page
	made      bool // GitHub made an App
	installed bool
	kept      []Kept
}

// Remains says what exists after a run that did not end well, how to remove it
// and how to go on, in lines; empty if nothing was made.
func (r Result) Remains() string {
	switch {
	case r.App == nil && !r.opened:
		return "Nothing was made."
	case r.App == nil && !r.made:
		return "If the App was made on GitHub's page all the same, nobody has its key: delete it there.\n  " + r.plan.AppsPage()
	case r.App == nil:
		return "GitHub has made the App, and its key was not received: delete it there, or generate another key.\n  " + r.plan.AppsPage()
	}
	var b strings.Builder
	b.WriteString("What exists now, and how to remove it:\n")
	installed := "which is not installed anywhere"
	if r.installed {
		installed = "and its installation on " + r.App.Owner
	}
	b.WriteString("- the App " + r.App.Name + ", " + installed + ": Delete GitHub App on " + r.plan.deletePage(r.App.Slug) + "\n")
	for _, k := range r.kept {
		b.WriteString("- " + k.What + ": " + k.Remove + "\n")
	}
	switch {
	case len(r.kept) == 0:
		b.WriteString("Its key was not kept anywhere. To go on with the App, generate another one on " + r.plan.SettingsPage(r.App.Slug))
	case !r.installed:
		b.WriteString("To go on with it, install it: " + r.plan.InstallPage(r.App.Slug))
	default:
		b.WriteString("To go on with it, see what is wrong above; App and key stay good.")
	}
	return b.String()
}
