package githubapp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/permission"
)

// diagnoseTime limits the requests that only explain an error, because the user
// waits for them.
const diagnoseTime = 5 * time.Second

// explain calls add for an error whose hint GitHub's message did not decide.
func explain(err error, add func(*Error)) error {
	var e *Error
	if errors.As(err, &e) && e.Hint == "" {
		add(e)
	}
	return err
}

// explainNotFound returns the hint for a 404, which has several meanings.
func (a *App) explainNotFound(ctx context.Context, t Target) string {
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	account := Target{Owner: t.Owner, Enterprise: t.Enterprise}.String()
	list, err := a.installations(ctx)
	if err != nil {
		return notInstalled(t)
	}
	for _, i := range list {
		if i.Enterprise || !strings.EqualFold(i.Account, t.Owner) || t.Repository == "" {
			continue
		}
		if i.AllRepositories {
			return fmt.Sprintf("the App is installed on all repositories of %s, so there is no %s: check its name",
				account, t.Repository)
		}
		return fmt.Sprintf("the App is installed on %s, but %s is not among its selected repositories: select it at %s, "+
			"or check its name", account, t.Repository, i.Page)
	}
	where := "it is not installed on any account"
	if len(list) > 0 {
		where = "it is installed on " + shortList(accounts(list), 5)
	}
	install := ""
	if page, err := a.page(ctx); err == nil && page != "" {
		install = "; install it at " + page + "/installations/new, or check the name"
	}
	return fmt.Sprintf("the App is not installed on %s; %s%s", account, where, install)
}

// notInstalled returns the hint for a 404 that could not be explained further.
func notInstalled(t Target) string {
	if t.Repository != "" {
		return "install the App on " + t.Owner + " and select " + t.Repository +
			" in the installation's repository access, or check both names"
	}
	return "install the App on " + t.String() + ", or check the name"
}

// explainRefusal explains why GitHub refused a mint. That takes one more
// request if the installation was not looked up, and a few for repositories.
func (a *App) explainRefusal(ctx context.Context, e *Error, i Installation, s Scope) {
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	switch {
	case e.Status == http.StatusNotFound:
		e.Hint = a.notOurs(ctx)
	case e.Status == http.StatusForbidden && strings.Contains(e.Message, "suspended"):
		e.Hint = suspended(a.complete(ctx, i))
	case e.Status == http.StatusUnprocessableEntity && strings.Contains(e.Message, "permissions"):
		e.Hint = cmp.Or(notGranted(s.Permissions, a.complete(ctx, i)),
			"ask for what the installation has, or have an owner accept more for it")
	case e.Status == http.StatusUnprocessableEntity && strings.Contains(e.Message, "repository"):
		e.Hint = a.notSelected(ctx, i, s)
	}
}

// notGranted returns a hint that names the requested permissions that an
// installation lacks, or "" if its permissions are unknown or none is missing.
// A name that this release does not know may not exist, and then nobody can add
// it.
func notGranted(asked permission.Set, i Installation) string {
	if i.Permissions == nil {
		return ""
	}
	known, unknown := permission.Set{}, permission.Set{}
	for name, level := range asked {
		if _, ok := permission.Lookup(name); ok {
			known[name] = level
		} else {
			unknown[name] = level
		}
	}
	missing, _ := permission.Compare(known, i.Permissions)
	strange, _ := permission.Compare(unknown, i.Permissions)
	var hints []string
	if len(strange) > 0 {
		hints = append(hints, fmt.Sprintf("this release knows no permission of this name: %s. Check it against docs/permissions.md; "+
			"if it is newer than this release, the App must have it first", strings.Join(strange, ", ")))
	}
	if len(missing) > 0 {
		hints = append(hints, fmt.Sprintf("the installation lacks %s. Add it in the App's settings, have an owner accept it at %s, "+
			"or ask for less", strings.Join(missing, ", "), i.Page))
	}
	return strings.Join(hints, "; ")
}

// notOurs returns the hint for an installation id that is not one of the App's.
// It names the ids that are.
func (a *App) notOurs(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	list, err := a.installations(ctx)
	if err != nil || len(list) == 0 {
		return "the installation is not this App's: check installation-id, client-id and github-api-url"
	}
	var known []string
	for _, i := range list {
		known = append(known, fmt.Sprintf("%d (%s)", i.ID, i.where()))
	}
	return "the App's installations are " + shortList(known, 5)
}

// complete returns an installation with all fields, as far as one request can
// tell.
func (a *App) complete(ctx context.Context, i Installation) Installation {
	if i.Page != "" {
		return i
	}
	if found, err := a.installation(ctx, i.ID); err == nil {
		return found
	}
	return i
}

func suspended(i Installation) string {
	text := "an owner must unsuspend the installation"
	if i.Page != "" {
		text += " at " + i.Page
	}
	if !i.SuspendedAt.IsZero() {
		text += "; it was suspended on " + i.SuspendedAt.UTC().Format("2006-01-02 15:04 UTC")
		if i.SuspendedBy != "" {
			text += " by " + i.SuspendedBy
		}
	}
	return text
}

// maxAsked is the largest number of repositories that are looked up to find the
// wrong one.
const maxAsked = 2

// notSelected returns a hint that names the repositories to which the
// installation has no access, or one that was renamed, as far as a few requests
// can tell.
func (a *App) notSelected(ctx context.Context, i Installation, s Scope) string {
	var wrong, unknown []string
	asked := 0
	for _, name := range s.Repositories {
		id, err := i.Moved, error(nil)
		switch {
		case strings.EqualFold(name, i.Repository): // it was looked up before
		case asked == maxAsked, i.Account == "":
			unknown = append(unknown, name)
			continue
		default:
			asked++
			id, err = a.formerID(ctx, Target{Owner: i.Account, Repository: name})
		}
		if id != 0 {
			if to, err := a.repositoryName(ctx, i.ID, id); err == nil {
				return useNewName(i.Account+"/"+name, to)
			}
		}
		var e *Error
		if errors.As(err, &e) && e.Status == http.StatusNotFound {
			wrong = append(wrong, name)
		}
	}
	if len(wrong)+len(unknown) == 0 {
		unknown = s.Repositories // all those that were looked up exist
	}
	where := "in the installation's repository access"
	if i.Page != "" {
		where = "at " + i.Page
	}
	switch {
	case len(wrong) == 1:
		return fmt.Sprintf("%s is not selected or does not exist: select it %s, or check its name", wrong[0], where)
	case len(wrong) > 1:
		return fmt.Sprintf("%s are not selected or do not exist: select them %s, or check their names", shortList(wrong, maxAsked), where)
	case len(unknown) == 1:
		return fmt.Sprintf("%s is not selected or does not exist: select it %s, or check its name", unknown[0], where)
	}
	return fmt.Sprintf("at least one of these is not selected or does not exist: %s; select it %s, or check the names",
		shortList(unknown, 10), where)
}

func accounts(list []Installation) []string {
	var names []string
	for _, i := range list {
		names = append(names, i.where())
	}
	slices.Sort(names)
	return names
}

// where returns the account in words.
func (i Installation) where() string {
	if i.Enterprise {
		return Target{Enterprise: i.Account}.String()
	}
	return i.Account
}

// shortList lists a few names and counts the rest.
func shortList(names []string, most int) string {
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
