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

// diagnoseTime bounds the requests that only explain an error. The user waits for
// them, and they add nothing but words.
const diagnoseTime = 5 * time.Second

// explain adds the hint that only the caller knows, where GitHub's message did not
// decide it.
func explain(err error, add func(*Error)) error {
	var e *Error
	if errors.As(err, &e) && e.Hint == "" {
		add(e)
	}
	return err
}

// notFound says which of the meanings of a 404 it was.
func (a *App) notFound(ctx context.Context, t Target) string {
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
			return fmt.Sprintf("the App is installed on all repositories of %s, so there is no %s: check its name", account, t.Repository)
		}
		return fmt.Sprintf("the App is installed on %s, but %s is not among its selected repositories: select it at %s, or check its name", account, t.Repository, i.Page)
	}
	where := "it is installed on no account at all"
	if len(list) > 0 {
		where = "it is installed on " + named(accounts(list), 5)
	}
	install := ""
	if page, err := a.page(ctx); err == nil && page != "" {
		install = "; install it at " + page + "/installations/new, or check the name"
	}
	return fmt.Sprintf("the App is not installed on %s; %s%s", account, where, install)
}

// notInstalled is the hint when nothing more could be found out.
func notInstalled(t Target) string {
	if t.Repository != "" {
		return "install the App on " + t.Owner + " and select " + t.Repository + " in the installation's repository access, or check both names"
	}
	return "install the App on " + t.String() + ", or check the name"
}

// refused explains a mint that GitHub refused, with one more request where the
// installation was not looked up, and a few for repositories.
func (a *App) refused(ctx context.Context, e *Error, i Installation, s Scope) {
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	switch {
	case e.Status == http.StatusNotFound:
		e.Hint = a.notOurs(ctx)
	case e.Status == http.StatusForbidden && strings.Contains(e.Message, "suspended"):
		e.Hint = suspended(a.known(ctx, i))
	case e.Status == http.StatusUnprocessableEntity && strings.Contains(e.Message, "permissions"):
		e.Hint = cmp.Or(notGranted(s.Permissions, a.known(ctx, i)),
			"ask for what the installation has, or have an owner accept more for it")
	case e.Status == http.StatusUnprocessableEntity && strings.Contains(e.Message, "repository"):
		e.Hint = a.notSelected(ctx, i, s)
	}
}

// notGranted names the permissions asked for that an installation lacks; empty where
// it is not known what it has, or nothing is missing. A name that is not known may be
// none at all, and then nobody can add it anywhere.
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
			"one that is newer than this release the App has to have first", strings.Join(strange, ", ")))
	}
	if len(missing) > 0 {
		hints = append(hints, fmt.Sprintf("the installation lacks %s. Add it in the App's settings, have an owner accept it at %s, "+
			"or ask for less", strings.Join(missing, ", "), i.Page))
	}
	return strings.Join(hints, "; ")
}

// notOurs says which installations there are, where an id is none of them.
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
	return "the App's installations are " + named(known, 5)
}

// known completes an installation of which only the id is known.
func (a *App) known(ctx context.Context, i Installation) Installation {
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

// maxAsked is how many repositories are asked about to name the wrong one.
const maxAsked = 2

// notSelected names the repositories that the installation does not reach, or says
// which was renamed, as far as a few requests can tell.
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
			id, err = a.whereIs(ctx, Target{Owner: i.Account, Repository: name})
		}
		if id != 0 {
			if to, err := a.nameOf(ctx, i.ID, id); err == nil {
				return renamed(i.Account+"/"+name, to)
			}
		}
		var e *Error
		if errors.As(err, &e) && e.Status == http.StatusNotFound {
			wrong = append(wrong, name)
		}
	}
	if len(wrong)+len(unknown) == 0 {
		unknown = s.Repositories // all were there when they were asked about
	}
	where := "in the installation's repository access"
	if i.Page != "" {
		where = "at " + i.Page
	}
	switch {
	case len(wrong) == 1:
		return fmt.Sprintf("%s is not selected or does not exist: select it %s, or check its name", wrong[0], where)
	case len(wrong) > 1:
		return fmt.Sprintf("%s are not selected or do not exist: select them %s, or check their names", named(wrong, maxAsked), where)
	case len(unknown) == 1:
		return fmt.Sprintf("%s is not selected or does not exist: select it %s, or check its name", unknown[0], where)
	}
	return fmt.Sprintf("at least one of these is not selected or does not exist: %s; select it %s, or check the names", named(unknown, 10), where)
}

func accounts(list []Installation) []string {
	var names []string
	for _, i := range list {
		names = append(names, i.where())
	}
	slices.Sort(names)
	return names
}

// where is the account in words.
func (i Installation) where() string {
	if i.Enterprise {
		return Target{Enterprise: i.Account}.String()
	}
	return i.Account
}

// named lists a few names and counts the rest.
func named(names []string, most int) string {
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
