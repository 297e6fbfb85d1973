package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/rotate"
	"github.com/valetkey/valetkey/internal/secret"
)

// runRotate is the rotate action: it makes, stores and verifies each credential
// that is due, and only then retires the old one.
func runRotate(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs) error {
	req, err := parseRotate(ctx, p, r, in)
	defer closeKey(ctx, r, req.Credentials.Key)
	if err != nil {
		return err
	}
	if err := r.CheckFiles(); err != nil {
		return err
	}
	api, err := p.connect(r, req.Credentials.Host)
	if err != nil {
		return err
	}
	f, err := newFleet(r, api, req.Credentials, req.Points)
	if err != nil {
		return err
	}
	defer f.Close(ctx)
	for i := range req.Manifest.Rotations {
		for _, need := range rotate.Needs(&req.Manifest.Rotations[i]) {
			f.Need(need.Place.Owner, need.Place.Repository, need.Permission)
		}
	}
	if req.Keeper != "" {
		if req.Origin.Repository, err = idOf(ctx, f, req.Keeper); err != nil {
			return err
		}
	}
	engine := rotate.Engine{
		Call:   f.Call,
		Origin: req.Origin,
		Points: req.Points,
		Mint: func(ctx context.Context, rotation manifest.Rotation) (rotate.Minted, error) {
			value, revoke, err := f.Mint(ctx, req.Manifest, rotation.InstallationToken)
			return rotate.Minted{Value: value, Revoke: revoke}, err
		},
		Access: func(ctx context.Context, s manifest.Store) (*secret.Access, error) {
			return f.Access(ctx, req.Manifest, s.Organization, s.Visibility, s.Selected)
		},
		Identity: envelope.NewIdentity,
		Secret:   func(s redact.String) { maskNew(r, s) },
		Info:     r.Info,
		Now:      api.Now,
		Force:    func(name string) bool { return slices.Contains(req.Force, name) },
		Exposed:  func(name string) bool { return slices.Contains(req.Compromised, name) },
		DryRun:   req.DryRun,
	}
	reports := engine.Run(ctx, req.Manifest.Rotations)
	return publishRotations(r, reports, req.DryRun)
}

// publishRotations writes outputs, warnings and the job summary. It returns an
// error for each rotation that was due, or asked for, and is not done.
func publishRotations(r *actions.Runner, reports []rotate.Report, dryRun bool) error {
	rotated, retired, errs := []string{}, []string{}, []error{}
	for i := range reports {
		report := &reports[i]
		if report.Outcome == rotate.Rotated || report.Outcome == rotate.Due {
			rotated = append(rotated, report.Name)
		}
		if outOfUse(report) {
			retired = append(retired, report.Name)
		}
		r.Info("%s", rotationLine(report))
		switch {
		case report.Err != nil && (report.Outcome == rotate.Failed || report.Outcome == rotate.Busy || report.Lingers):
			errs = append(errs, rotationErrors(report))
		case report.Err != nil:
			r.Warning("%s: %s", report.Name, fault.Text(report.Err))
		}
		for _, text := range rotationWarnings(report) {
			r.Warning("%s", text)
		}
	}
	next := ""
	if due := rotate.NextDue(reports); !due.IsZero() {
		next = due.UTC().Format(time.RFC3339)
	}
	errs = append(errs, r.Output(
		actions.Pair{Name: "rotated", Value: asJSON(rotated)}, actions.Pair{Name: "retired", Value: asJSON(retired)},
		actions.Pair{Name: "next-due", Value: next},
	))
	if err := r.Summary(rotationSummary(reports, dryRun)); err != nil {
		r.Warning("the job summary is not written: %v", err)
	}
	return errors.Join(errs...)
}

// rotationWarnings returns what to warn of although a rotation went well.
func rotationWarnings(report *rotate.Report) (list []string) {
	switch {
	case report.Expired:
		list = append(list, fmt.Sprintf("%s was %s old, and a token lives for an hour: let the schedule look more often", report.Name,
			rotate.FormatAge(report.Before)))
	case report.Overdue:
		list = append(list, fmt.Sprintf("%s was %s old, and should be replaced every %s: was the schedule switched off?",
			report.Name, rotate.FormatAge(report.Before), rotate.FormatAge(report.Every)))
	}
	if report.Overwritten != "" {
		list = append(list, fmt.Sprintf("%s: somebody else wrote %s: "+
			"where two manifests store the same secret, each undoes the other's work; let only one", report.Name, report.Overwritten))
	}
	if report.Exposed && report.Outcome == rotate.Rotated && report.Kind == "installation-token" {
		list = append(list, report.Name+": the previous token can't be revoked, because its value is kept nowhere: "+
			"it lives until it expires, an hour after it was made at the latest")
	}
	return list
}

// rotationErrors returns the errors of a rotation with its name, one for each
// target that failed.
func rotationErrors(report *rotate.Report) error {
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
