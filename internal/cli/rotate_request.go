package cli

import (
	"context"
	"slices"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/rotate"
)

// rotateRequest is everything that a rotation needs, complete and checked.
type rotateRequest struct {
	Credentials credentials
	Manifest    *manifest.File
	Path        string // of the manifest
	Origin      rotate.Origin
	Keeper      string // OWNER/NAME of the repository with the manifest, if its id has to be looked up
	DryRun      bool
	Force       []string // names of rotations to do even if they are not due
	Compromised []string // names of rotations to do whose old credential must be gone afterwards
	Points      int
}

// everyRotation is what force and compromised may hold instead of names. No
// rotation may have that name.
const everyRotation = "all"

// parseRotate reads the inputs of the rotate action and the manifest.
func parseRotate(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs) (rotateRequest, error) {
	req := rotateRequest{
		Credentials: parseCredentials(ctx, p, r, in, false),
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
		missingSection(in, req.Path, req.Manifest, " has no rotations", "rotations")
	}
	req.Force = parseRotations(in, "force", force, req.Manifest.Rotations)
	req.Compromised = parseRotations(in, "compromised", compromised, req.Manifest.Rotations)
	if slices.ContainsFunc(req.Manifest.Rotations, func(r manifest.Rotation) bool { return r.DeployKey != nil }) {
		req.Origin, req.Keeper = parseOrigin(r, in, req.Path, req.Credentials.Host.URL)
	}
	return req, in.Err()
}

// parseRotations returns the names of the rotations that an input names.
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
			in.Fault(input, actions.Quote(name)+" is not a rotation of the manifest", "give the name of an entry under rotations:, or all")
		}
	}
	return named
}
