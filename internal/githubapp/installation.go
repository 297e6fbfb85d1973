package githubapp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
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

// Installation is an App's place in an account. Only ID is sure to be known.
type Installation struct {
	ID              int64
	AppSlug         string
	Account         string // login of a user or organisation, slug of an enterprise
	Organization    int64  // the account's number, if it is an organisation
	Enterprise      bool   // the account is an enterprise
	Page            string // its settings page, where an owner changes it
	AllRepositories bool
	Permissions     map[string]string // what it was granted
	SuspendedAt     time.Time
	SuspendedBy     string

	// Repository is the one that the installation was looked up by, if any. Moved is its
	// id when the name is an old one of it; else zero.
	Repository string
	Moved      int64
}

// UnmarshalJSON reads GitHub's installation object. go-github v60's has neither
// an enterprise's slug nor all permissions.
func (i *Installation) UnmarshalJSON(data []byte) error {
	var wire struct {
		ID          int64             `json:"id"`
		AppSlug     string            `json:"app_slug,omitempty"`
		Account     *account          `json:"account"`
		HTMLURL     string            `json:"html_url,omitempty"`
		Selection   string            `json:"repository_selection,omitempty"`
		Permissions map[string]string `json:"permissions,omitempty"`
		SuspendedAt *time.Time        `json:"suspended_at"`
		SuspendedBy *struct {
			Login string `json:"login"`
		} `json:"suspended_by"`
	}
	if err := apicall.Decode(data, &wire); err != nil {
		return err
	}
	*i = Installation{
		ID: wire.ID, AppSlug: oneLine(wire.AppSlug), Page: oneLine(wire.HTMLURL),
		AllRepositories: wire.Selection == "all", Permissions: wire.Permissions,
	}
	if wire.Account != nil {
		i.Account = oneLine(wire.Account.Login + wire.Account.Slug)
		i.Organization = wire.Account.organization()
		i.Enterprise = wire.Account.Login == "" && wire.Account.Slug != ""
	}
	if wire.SuspendedBy != nil {
		i.SuspendedBy = oneLine(wire.SuspendedBy.Login)
	}
	if wire.SuspendedAt != nil {
		i.SuspendedAt = *wire.SuspendedAt
	}
	return nil
}

// account is a user, an organisation or an enterprise as GitHub names it. Only an
// enterprise has a slug, and it has no login.
type account struct {
	Login string `json:"login,omitempty"`
	ID    int64  `json:"id,omitempty"`
	Type  string `json:"type,omitempty"`
	Slug  string `json:"slug,omitempty"`
}

// organization is the account's number, or 0 if it is a user's.
func (a account) organization() int64 {
	if a.Type != "Organization" {
		return 0
	}
	return a.ID
}

// Installation finds the App's installation for a target, in one request. A 404
// has several meanings that GitHub does not tell apart; up to two more requests
// find out which it was.
func (a *App) Installation(ctx context.Context, target Target) (Installation, error) {
	op := "find the installation for " + target.String()
	var found Installation
	answer, err := a.api.exchange(ctx, a.client, op, http.MethodGet, target.path(), nil, &found)
	switch {
	case err == nil && found.ID <= 0:
		err = &Error{Op: op, Reason: "the answer names no installation", Hint: a.api.unreachable(errUnreadable)}
	case err == nil && target.Repository != "":
		found.Repository, found.Moved = target.Repository, answer.movedTo()
	}
	return found, explain(err, func(e *Error) {
		if e.Status == http.StatusNotFound {
			e.Hint = a.notFound(ctx, target)
		}
	})
}

// InstallationByID reads an installation of which the id is known, in one request.
func (a *App) InstallationByID(ctx context.Context, id int64) (Installation, error) {
	found, err := a.installation(ctx, id)
	if err == nil && found.ID != id {
		err = &Error{Op: "read the installation", Reason: "the answer names another installation"}
	}
	return found, explain(err, func(e *Error) {
		if e.Status == http.StatusNotFound {
			e.Hint = a.notOurs(ctx)
		}
	})
}

// Leads tells whether the App's installation for a target is the one of an id, in one
// request: names of accounts change, and GitHub redirects from the old ones.
func (a *App) Leads(ctx context.Context, target Target, id int64) (bool, error) {
	var found Installation
	err := a.api.call(ctx, a.client, "find the installation for "+target.String(), http.MethodGet, target.path(), nil, &found)
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return false, nil
	}
	return found.ID == id, err
}

func (a *App) installation(ctx context.Context, id int64) (Installation, error) {
	var found Installation
	err := a.api.call(ctx, a.client, "read the installation", http.MethodGet, fmt.Sprintf("app/installations/%d", id), nil, &found)
	return found, err
}

// maxInstallations is one page, the most that is read to explain an error.
const maxInstallations = 100

func (a *App) installations(ctx context.Context) ([]Installation, error) {
	var list []Installation
	err := a.api.call(ctx, a.client, "list the App's installations", http.MethodGet, fmt.Sprintf("app/installations?per_page=%d", maxInstallations), nil, &list)
	return list, err
}

// page gives the address where anybody may install the App.
func (a *App) page(ctx context.Context) (string, error) {
	var app struct {
		HTMLURL string `json:"html_url"`
	}
	err := a.api.call(ctx, a.client, "read the App", http.MethodGet, "app", nil, &app)
	return oneLine(app.HTMLURL), err
}
