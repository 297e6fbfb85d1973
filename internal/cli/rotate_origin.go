package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/fleet"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/rotate"
	"github.com/valetkey/valetkey/internal/secret"
)

const unknownOrigin = "it is not known whose deploy keys are its own: "

// parseOrigin finds out where the manifest is kept, which distinguishes its
// deploy keys from those of other manifests. A runner says the id of the
// repository. Without a runner at least its name has to be given, and keeper is
// the name by which the id is looked up. The name itself will not do: the same
// manifest would have other keys in a shell than in a workflow.
func parseOrigin(r *actions.Runner, in *actions.Inputs, manifestPath, api string) (o rotate.Origin, keeper string) {
	const input = "manifest"
	id, name := r.Variable("GITHUB_REPOSITORY_ID"), r.Variable("GITHUB_REPOSITORY")
	o = rotate.Origin{Repository: id, Path: belowRoot(r, manifestPath)}
	own := hostOf(website(r, api))
	if o.Host = own; r.Variable("GITHUB_SERVER_URL") != "" {
		o.Host = hostOf(r.Variable("GITHUB_SERVER_URL"))
	}
	if o.Host == "" {
		in.Fault(input, "it is not known where it is kept: GITHUB_SERVER_URL is "+actions.Quote(r.Variable("GITHUB_SERVER_URL")),
			"set it to the address of GitHub, such as https://github.com, or unset it")
		return o, ""
	}
	if !path.IsAbs(o.Path) && !filepath.IsLocal(filepath.FromSlash(o.Path)) {
		in.Fault(input, unknownOrigin+actions.Quote(manifestPath)+
			" leads out of where the step runs, so it does not name a file of the repository",
			"run it at the root of the repository, and give the path from there")
		return o, ""
	}
	if id != "" {
		if n, err := strconv.ParseInt(id, 10, 64); err != nil || n <= 0 || strconv.FormatInt(n, 10) != id {
			in.Fault(input, unknownOrigin+"GITHUB_REPOSITORY_ID is "+actions.Quote(id)+", which is not a number",
				"unset it; GITHUB_REPOSITORY is enough where the App reaches that repository")
		}
		return o, ""
	}
	owner, bare, _ := strings.Cut(name, "/")
	var problem string
	switch {
	case name == "":
		problem = "GITHUB_REPOSITORY is not set"
	case !isAccount(owner) || !isRepository(bare) || redact.IsSecret(owner) || redact.IsSecret(bare):
		problem = "GITHUB_REPOSITORY is " + actions.Quote(name) + ", which is not a repository name"
	case !strings.EqualFold(o.Host, own):
		problem = "GITHUB_REPOSITORY is on " + o.Host + ", and github-api-url leads to " + own
	default:
		return o, name
	}
	in.Fault(input, unknownOrigin+problem,
		"set GITHUB_REPOSITORY to the OWNER/NAME of the repository that keeps the manifest, or GITHUB_REPOSITORY_ID to its number")
	return o, ""
}

// idOf looks up the id of the repository that keeps the manifest.
func idOf(ctx context.Context, f *fleet.Fleet, name string) (string, error) {
	var repository struct {
		ID int64 `json:"id"`
	}
	at := secret.Place{}
	at.Owner, at.Repository, _ = strings.Cut(name, "/")
	f.Need(at.Owner, at.Repository, "metadata")
	answer, err := f.Call(ctx, apicall.Request{
		Owner: at.Owner, Repository: at.Repository, Permission: "metadata", Op: "look up " + name,
		Method: http.MethodGet, Path: at.Path(), Result: &repository,
	})
	var failed *githubapp.Error
	switch {
	case answer.Status == http.StatusNotFound, errors.As(err, &failed) && failed.Status == http.StatusNotFound:
		return "", &fault.Error{
			Problem: unknownOrigin + err.Error(),
			Hint: "set GITHUB_REPOSITORY_ID to the number that a workflow of that repository has there: " +
				"gh api repos/" + name + " --jq .id prints it",
		}
	case err != nil:
		return "", fmt.Errorf(unknownOrigin+"%w", err)
	case repository.ID <= 0:
		return "", fault.New(unknownOrigin+name+" has no id", "set GITHUB_REPOSITORY_ID")
	}
	return strconv.FormatInt(repository.ID, 10), nil
}

// belowRoot returns the path of a file below the root of its repository, with
// slashes, however the input writes it.
func belowRoot(r *actions.Runner, file string) string {
	if !filepath.IsAbs(file) {
		return path.Clean(filepath.ToSlash(file))
	}
	if root := r.Variable("GITHUB_WORKSPACE"); filepath.IsAbs(root) {
		if below, err := filepath.Rel(root, file); err == nil && filepath.IsLocal(below) {
			file = below
		}
	}
	return path.Clean(filepath.ToSlash(file))
}
