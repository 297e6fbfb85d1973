package secret

import (
	"context"
	"fmt"
	"net/url"
)

// createEnvironment makes an environment that is missing. It makes sure of that
// first, with a permission that does not depend on secrets: a write to one that is
// there would reset its protection rules.
func createEnvironment(ctx context.Context, call Call, at Place) error {
	path := at.Path() + "/environments/" + url.PathEscape(at.Environment)
	name := fmt.Sprintf("environment %s of %s/%s", at.Environment, at.Owner, at.Repository)
	switch status, err := call(ctx, Request{at, "actions", "look for " + name, methodGet, path, nil, nil}); {
	case err == nil:
		return &fault{name + " is there, but GitHub finds no secrets of it (404)", "give the App the permission environments: write", nil}
	case status != statusNotFound:
		return err
	}
	_, err := call(ctx, Request{at, "administration", "create " + name, methodPut, path, struct{}{}, nil})
	return err
}
