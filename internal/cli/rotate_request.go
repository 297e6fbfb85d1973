package cli

import (
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/rotate"
)

// rotateRequest is everything a rotation needs, complete and checked.
type rotateRequest struct {
	Credentials credentials
	Manifest    *manifest.File
	Path        string // of the manifest
	Origin      rotate.Origin
	DryRun      bool
	Force       []string // names of rotations to do though they are not due
	Compromised []string // and of those whose old credential must be gone after that
	Points      int
}

// everyRotation is what force and compromised may hold instead of names. No rotation
// can be called that.
const everyRotation = "all"

func (p Process) parseRotate(r *actions.Runner, in *actions.Inputs) (rotateRequest, error) {
	req := rotateRequest{
		Credentials: parseCredentials(r, in, false),
		Path:        in.String("manifest"),
		DryRun:      in.Bool("dry-run"),
		Points:      parsePoints(in),
	}
	force, compromised := in.List("force"), in.List("compromised")
	if err := in.Err(); err != nil {
		return req, err
	}
	var err error
	if req.Manifest, err = readManifest(r, req.Path); err != nil {
		return req, err
	}
	if len(req.Manifest.Rotations) == 0 {
		in.Fault("manifest", actions.Quote(req.Path)+" has no rotations", "add rotations: to it; docs/manifest.md says how")
	}
	req.Force = parseRotations(in, "force", force, req.Manifest.Rotations)
	req.Compromised = parseRotations(in, "compromised", compromised, req.Manifest.Rotations)
	if slices.ContainsFunc(req.Manifest.Rotations, func(r manifest.Rotation) bool { return r.DeployKey != nil }) {
		req.Origin = parseOrigin(r, in, req.Path)
	}
	return req, in.Err()
}

// parseRotations gives the names of the rotations that an input names.
func parseRotations(in *actions.Inputs, input string, named []string, rotations []manifest.Rotation) []string {
	var names []string
	for _, r := range rotations {
		names = append(names, r.Name)
	}
	if slices.Equal(named, []string{everyRotation}) {
		return names
	}
	for _, name := range named {
		switch {
		case name == everyRotation:
			in.Fault(input, "has all and names", "give one of the two")
		case !slices.Contains(names, name):
			in.Fault(input, actions.Quote(name)+" is no rotation of the manifest", "give the name of an entry under rotations:, or all")
		}
	}
	return named
}

// parseOrigin finds where the manifest is kept, which tells its deploy keys from those
// of other manifests. Outside a runner GITHUB_REPOSITORY has to be set for that: a name
// that is guessed, or none, could make keys of others ours.
func parseOrigin(r *actions.Runner, in *actions.Inputs, manifestPath string) rotate.Origin {
	const input = "manifest"
	id, name := r.Variable("GITHUB_REPOSITORY_ID"), r.Variable("GITHUB_REPOSITORY")
	o := rotate.Origin{Host: "github.com", Repository: id, Path: belowRoot(r, manifestPath)}
	if server := r.Variable("GITHUB_SERVER_URL"); server != "" {
		u, err := url.Parse(server)
		if err != nil || u.Host == "" {
			in.Fault(input, "it is not known where it is kept: GITHUB_SERVER_URL is "+actions.Quote(server),
				"set it to the address of GitHub, such as https://github.com, or unset it")
			return o
		}
		o.Host = u.Host
	}
	if id != "" {
		if n, err := strconv.ParseInt(id, 10, 64); err != nil || n <= 0 || strconv.FormatInt(n, 10) != id {
			in.Fault(input, "it is not known whose deploy keys are its own: GITHUB_REPOSITORY_ID is "+actions.Quote(id)+", and no number",
				"unset it; GITHUB_REPOSITORY is enough")
		}
		return o
	}
	o.Repository = name
	owner, bare, _ := strings.Cut(name, "/")
	if !isAccount(owner) || !isRepository(bare) || redact.IsSecret(owner) || redact.IsSecret(bare) {
		problem := "GITHUB_REPOSITORY is not set"
		if name != "" {
			problem = "GITHUB_REPOSITORY is " + actions.Quote(name) + ", and no repository"
		}
		in.Fault(input, "it is not known whose deploy keys are its own: "+problem,
			"set GITHUB_REPOSITORY to the OWNER/NAME of the repository that keeps the manifest")
	}
	return o
}

// belowRoot gives the path of a file below the root of its repository, with slashes,
// however the input writes it.
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
