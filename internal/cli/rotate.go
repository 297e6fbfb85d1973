package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/rotate"
	"github.com/valetkey/valetkey/internal/secret"
)

// rotateRequest is everything a rotation needs, complete and checked.
type rotateRequest struct {
	Credentials credentials
	Manifest    *manifest.File
	Path        string // of the manifest
	DryRun      bool
	Force       []string
	Points      int
}

// rotate is the rotate action: what is due is made, stored, verified, and only then
// is the old one retired.
func (p Process) rotate(ctx context.Context) int {
	r := p.runner()
	req, err := p.parseRotate(r, p.inputs(r, "rotate"))
	if err != nil {
		return exitCode(r, err)
	}
	return exitCode(r, p.rotateFor(ctx, r, req))
}

func (p Process) parseRotate(r *actions.Runner, in *actions.Inputs) (rotateRequest, error) {
	req := rotateRequest{
		Credentials: parseCredentials(r, in, false),
		Path:        in.String("manifest"),
		DryRun:      in.Bool("dry-run"),
		Force:       in.List("force"),
		Points:      parsePoints(in),
	}
	if err := in.Err(); err != nil {
		return req, err
	}
	var err error
	if req.Manifest, err = readManifest(r, in, req.Path); err != nil {
		return req, err
	}
	if len(req.Manifest.Rotations) == 0 {
		in.Fault("manifest", actions.Quote(req.Path)+" has no rotations", "add rotations: to it; docs/manifest.md says how")
	}
	for _, name := range req.Force {
		if !slices.ContainsFunc(req.Manifest.Rotations, func(r manifest.Rotation) bool { return r.Name == name }) {
			in.Fault("force", actions.Quote(name)+" is no rotation of the manifest", "give the name of an entry under rotations:")
		}
	}
	return req, in.Err()
}

func (p Process) rotateFor(ctx context.Context, r *actions.Runner, req rotateRequest) error {
	if err := r.Ready(); err != nil {
		return err
	}
	f, err := p.fleet(r, req.Credentials, req.Points)
	if err != nil {
		return err
	}
	defer f.close(ctx)
	for i := range req.Manifest.Rotations {
		for _, need := range rotate.Needs(&req.Manifest.Rotations[i]) {
			f.need(need.Place.Owner, need.Place.Repository, need.Permission)
		}
	}
	engine := rotate.Engine{
		Call: f.call,
		Mint: func(ctx context.Context, rotation manifest.Rotation) (rotate.Minted, error) {
			return f.mintStored(ctx, req.Manifest, rotation)
		},
		Access: func(ctx context.Context, s manifest.Store) (*secret.Access, error) {
			return f.access(ctx, req.Manifest, s.Organization, s.Visibility, s.Selected)
		},
		Identity: envelope.NewIdentity,
		Secret:   func(s redact.String) { maskNew(r, s) },
		Info:     r.Info,
		Now:      f.api.Now,
		Force:    func(name string) bool { return slices.Contains(req.Force, name) },
		DryRun:   req.DryRun,
	}
	reports := engine.Run(ctx, req.Manifest.Rotations)
	return publishRotations(r, reports, req.DryRun)
}

// maskNew hides a new secret: a key line by line, a word in all its forms.
func maskNew(r *actions.Runner, s redact.String) {
	if strings.Contains(s.Reveal(), "\n") {
		r.Mask(actions.Lines(s)...)
		return
	}
	r.Mask(actions.Forms(s)...)
}

// mintStored makes the token of a rotation.
func (f *fleet) mintStored(ctx context.Context, file *manifest.File, r manifest.Rotation) (rotate.Minted, error) {
	token, err := f.mintFor(ctx, file, r.InstallationToken)
	return rotate.Minted{Value: token.Value, Revoke: func(ctx context.Context) error {
		_, err := f.ownerOf(r.InstallationToken).api.Revoke(ctx, token.Value)
		return err
	}}, err
}

// publishRotations writes outputs, warnings and the job summary. Its error is what
// was due and failed.
func publishRotations(r *actions.Runner, reports []rotate.Report, dryRun bool) error {
	rotated, errs := []string{}, []error{}
	for i := range reports {
		report := &reports[i]
		if report.Outcome == rotate.Rotated || report.Outcome == rotate.Due {
			rotated = append(rotated, report.Name)
		}
		r.Info("%s", rotationLine(report))
		switch {
		case report.Err != nil && report.Outcome == rotate.Failed:
			errs = append(errs, failed(report))
		case report.Err != nil:
			r.Warning("%s: %s", report.Name, actions.Text(report.Err))
		}
		switch {
		case report.Expired:
			r.Warning("%s was %s old, and a token lives for an hour: let the schedule look more often", report.Name, rotate.Words(report.Before))
		case report.Overdue:
			r.Warning("%s was %s old, and should be replaced every %s: was the schedule switched off?", report.Name, rotate.Words(report.Before), rotate.Words(report.Every))
		}
	}
	next := ""
	if due := rotate.NextDue(reports); !due.IsZero() {
		next = due.UTC().Format(time.RFC3339)
	}
	errs = append(errs, r.Output(actions.Pair{Name: "rotated", Value: asJSON(rotated)}, actions.Pair{Name: "next-due", Value: next}))
	if err := r.Summary(rotationSummary(reports, dryRun)); err != nil {
		r.Warning("the job summary is not written: %v", err)
	}
	return errors.Join(errs...)
}

// failed says of which rotation the errors are: one for each target that failed.
func failed(report *rotate.Report) error {
	list := []error{report.Err}
	if joined, ok := report.Err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	errs := make([]error, len(list))
	for i, err := range list {
		errs[i] = fmt.Errorf("%s: %w", report.Name, err)
	}
	return errors.Join(errs...)
}
