package githubapp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// Target is the account whose installation is wanted: by a repository, else by
// its owner, else by an enterprise.
type Target struct {
	Owner, Repository string
	Enterprise        string
}

func (t Target) String() string {
	switch {
	case t.Enterprise != "":
		return "enterprise " + t.Enterprise
	case t.Repository != "":
		return t.Owner + "/" + t.Repository
	}
	return t.Owner
}

func (t Target) path() string {
	switch {
	case t.Enterprise != "":
		return "enterprises/" + url.PathEscape(t.Enterprise) + "/installation"
	case t.Repository != "":
		return "repos/" + url.PathEscape(t.Owner) + "/" + url.PathEscape(t.Repository) + "/installation"
	}
	// This path knows organisations too, which saves asking twice.
	return "users/" + url.PathEscape(t.Owner) + "/installation"
}

// Installation is an App's place in an account.
type Installation struct {
	ID      int64  `json:"id"`
	AppSlug string `json:"app_slug"`
}

// Installation finds the App's installation for a target, in one request. A 404
// has three meanings that GitHub does not tell apart; the hint names them.
func (a *App) Installation(ctx context.Context, target Target) (Installation, error) {
	var found Installation
	err := a.api.call(ctx, a.client, "find the installation for "+target.String(), http.MethodGet, target.path(), nil, &found)
	if err == nil && found.ID == 0 {
		err = &Error{Op: "find the installation for " + target.String(), Err: errors.New("the answer names no installation")}
	}
	return found, a.explain(err, func(e *Error) {
		if e.Status == http.StatusNotFound {
			e.Cure = notInstalled(target)
		}
	})
}

func notInstalled(t Target) string {
	switch {
	case t.Enterprise != "":
		return "install the App on the enterprise " + t.Enterprise + ", or check the name"
	case t.Repository != "":
		return "install the App on " + t.Owner + " and select " + t.Repository + " in the installation's repository access, or check both names"
	}
	return "install the App on " + t.Owner + ", or check the name"
}

// explain adds the cure that only the caller knows. Failures that every call of
// an App has in common get theirs here.
func (a *App) explain(err error, add func(*Error)) error {
	var e *Error
	if !errors.As(err, &e) || e.Cure != "" {
		return err
	}
	switch {
	case e.Status == http.StatusUnauthorized:
		e.Cure = "private-key does not belong to the App " + a.issuer + " at " + a.api.base.Host + ": check client-id, private-key and github-api-url"
	default:
		add(e)
	}
	return err
}
