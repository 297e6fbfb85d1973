package fleet

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/permission"
	"github.com/valetkey/valetkey/internal/wording"
)

func errUnreached(repository, hint string) error {
	return fault.New("the App does not reach "+repository+", or it does not exist",
		cmp.Or(hint, "check the name, and in the installation's settings that the repository is selected"))
}

func errLacks(i githubapp.Installation, permissions permission.Set) error {
	return fault.New("the installation on "+i.Account+" lacks "+wording.Names(permissions.Lines()),
		"add it in the App's settings, and have an owner accept it at "+i.Page)
}

// explainRefusal adds which permission a request takes, if GitHub refused it
// without a reason.
func explainRefusal(err error, status int, req apicall.Request) error {
	var e *githubapp.Error
	if !errors.As(err, &e) || e.Hint != "" {
		return err
	}
	level := cmp.Or(req.Level, usualLevel(req.Permission))
	switch status {
	case http.StatusForbidden:
		hint := fmt.Sprintf("give the App %s: %s", req.Permission, level)
		if req.Repository != "" {
			hint += ", and check that the repository is not archived"
		}
		return &fault.Error{Hint: hint, Err: err}
	case http.StatusNotFound:
		return &fault.Error{Hint: fmt.Sprintf("check that it exists, and give the App %s: %s", req.Permission, level), Err: err}
	}
	return err
}
