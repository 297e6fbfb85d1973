package secret

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
)

// createEnvironment creates an environment that does not exist. First it makes
// sure of that, with a permission that does not depend on secrets: writing an
// existing environment would reset its protection rules.
func createEnvironment(ctx context.Context, call apicall.Func, at Place) error {
	path := at.Path() + "/environments/" + url.PathEscape(at.Environment)
	name := fmt.Sprintf("environment %s of %s/%s", at.Environment, at.Owner, at.Repository)
	look := at.Request("look for "+name, http.MethodGet, path, nil, nil)
	look.Permission = "actions"
	switch answer, err := call(ctx, look); {
	case err == nil:
		return fault.New(name+" exists, but GitHub finds no secrets in it (404)", "give the App the permission environments: write")
	case answer.Status != http.StatusNotFound:
		return err
	}
	create := at.Request("create "+name, http.MethodPut, path, struct{}{}, nil)
	create.Permission = "administration"
	_, err := call(ctx, create)
	return err
}
