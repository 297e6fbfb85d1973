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

// Target names the account whose installation is wanted: an enterprise, a
// repository or an owner.
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

// path returns the path of the request for the target's installation.
func (t Target) path() string {
	switch {
	case t.Enterprise != "":
		return "enterprises/" + url.PathEscape(t.Enterprise) + "/installation"
	case t.Repository != "":
		return repositoryPath(t.Owner, t.Repository) + "/installation"
	}
	// This path works for organizations too, which saves a second request.
	return "users/" + url.PathEscape(t.Owner) + "/installation"
}

// Installation is an App's installation in an account. Only ID is always set.
type Installation struct {
	ID              int64
	AppSlug         string
	Account         string // login of a user or organization, slug of an enterprise
	Organization    int64  // the account's number, if it is an organization
	Enterprise      bool   // the account is an enterprise
	Page            string // the page where an owner changes its settings
	AllRepositories bool
	Permissions     map[string]string // those granted
	SuspendedAt     time.Time
	SuspendedBy     string

	// Repository is the repository by which the installation was looked up, if
	// any. Moved is its id if that is a former name of it, and otherwise zero.
	Repository string
	Moved      int64
}

// UnmarshalJSON parses GitHub's installation object. The one of go-github v60
// lacks an enterprise's slug and some permissions.
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

// account is a user, an organization or an enterprise in GitHub's answers. Only
// an enterprise has a slug, and it has no login.
type account struct {
	Login string `json:"login,omitempty"`
	ID    int64  `json:"id,omitempty"`
	Type  string `json:"type,omitempty"`
	Slug  string `json:"slug,omitempty"`
}

// organization returns the account's number if it is an organization, and
// otherwise zero.
func (a account) organization() int64 {
	if a.Type != "Organization" {
		return 0
	}
	return a.ID
}

// Installation finds the App's installation for a target, in one request. A 404
// has several meanings that GitHub does not distinguish; up to two more
// requests find out which of them applies.
func (a *App) Installation(ctx context.Context, target Target) (Installation, error) {
	op := "find the installation for " + target.String()
	var found Installation
	answer, err := a.api.exchange(ctx, a.client, op, http.MethodGet, target.path(), nil, &found)
	switch {
	case err == nil && found.ID <= 0:
		err = &Error{Op: op, Reason: "the answer names no installation", Hint: a.api.unreachable(errUnreadable)}
	case err == nil && target.Repository != "":
		found.Repository, found.Moved = target.Repository, answer.repositoryID()
	}
	return found, explain(err, func(e *Error) {
		if e.Status == http.StatusNotFound {
			e.Hint = a.explainNotFound(ctx, target)
		}
	})
}

// InstallationByID reads the installation with a known id, in one request.
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

// FindInstallation returns the App's installation for a target. It asks once;
// unlike [App.Installation] it takes the absence of one for an answer.
func (a *App) FindInstallation(ctx context.Context, target Target) (found Installation, ok bool, err error) {
	err = a.api.call(ctx, a.client, "find the installation for "+target.String(), http.MethodGet, target.path(), nil, &found)
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return Installation{}, false, nil
	}
	return found, err == nil && found.ID > 0, err
}

// HasInstallation reports whether the App's installation for a target is the
// one with the given id, in one request. Names of accounts change, and GitHub
// redirects from the old ones.
func (a *App) HasInstallation(ctx context.Context, target Target, id int64) (bool, error) {
	found, ok, err := a.FindInstallation(ctx, target)
	return ok && found.ID == id, err
}

func (a *App) installation(ctx context.Context, id int64) (Installation, error) {
	var found Installation
	err := a.api.call(ctx, a.client, "read the installation", http.MethodGet, fmt.Sprintf("app/installations/%d", id), nil, &found)
	return found, err
}

// maxInstallations is the size of one page. No more is read to explain an
// error.
const maxInstallations = 100

func (a *App) installations(ctx context.Context) ([]Installation, error) {
	var list []Installation
	path := fmt.Sprintf("app/installations?per_page=%d", maxInstallations)
	err := a.api.call(ctx, a.client, "list the App's installations", http.MethodGet, path, nil, &list)
	return list, err
}

// page returns the address at which the App can be installed.
func (a *App) page(ctx context.Context) (string, error) {
	var app struct {
		HTMLURL string `json:"html_url"`
	}
	err := a.api.call(ctx, a.client, "read the App", http.MethodGet, "app", nil, &app)
	return oneLine(app.HTMLURL), err
}
