package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/pat"
)

// patsRequest is everything that the governance of tokens needs, complete and
// checked.
type patsRequest struct {
	Credentials   credentials
	Policy        *manifest.PATs
	Sections      pat.Sections
	DryRun        bool
	Untrusted     string   // why the policy must not change anything, in words that go on after "it"; empty if it may
	Confirm       []string // organizations whose share of tokens to end was confirmed
	RevokeOwner   string   // the login of a person whose access is ended, instead of asking the policy
	ClassicReport bool     // only report about classic tokens
	Report        string   // its path; "" for none
	Points        int
}

// parsePATs reads the inputs of the pats action, except for leaked, and the
// manifest.
func parsePATs(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs) (patsRequest, error) {
	req := patsRequest{
		Credentials:   parseCredentials(ctx, p, r, in, false),
		DryRun:        in.Bool("dry-run"),
		Confirm:       in.List("confirm"),
		RevokeOwner:   in.String("revoke-owner"),
		ClassicReport: in.Bool("classic-report"),
		Report:        in.String("report-file"),
		Points:        parsePoints(in),
	}
	path, only := in.String("manifest"), in.List("only")
	checkReport(in, req.Report)
	if req.Report != "" && samePath(path, req.Report) {
		in.Fault("report-file", "is the manifest", "give each a file of its own")
	}
	checkAlone(in, req, only)
	if err := in.Err(); err != nil {
		return req, err
	}
	file, err := readManifest(r, path)
	if err != nil {
		return req, err
	}
	if req.Policy = file.PATs; req.Policy == nil {
		missingSection(in, path, file, " has no policy for personal access tokens", "pats")
		return req, in.Err()
	}
	req.Sections = parseSections(in, only, req.Policy)
	req.trust(r, in, path)
	return req, in.Err()
}

// checkAlone notes a fault where inputs are given of which each is all that a
// run does, or that say nothing to what it does.
func checkAlone(in *actions.Inputs, req patsRequest, only []string) {
	switch {
	case req.RevokeOwner == "" && !req.ClassicReport:
	case req.RevokeOwner != "" && req.ClassicReport:
		in.Fault("classic-report", "can't be used with revoke-owner", "make two steps")
	case len(only) > 0:
		in.Fault("only", "is about the policy, which this run does not ask", "take it out")
	case req.RevokeOwner == "":
		if len(req.Confirm) > 0 {
			in.Fault("confirm", "is given, and a report ends nothing", "take it out")
		}
	case !isAccount(req.RevokeOwner):
		in.Fault("revoke-owner", actions.Quote(req.RevokeOwner)+" is not a login", "give the name as in github.com/NAME")
	case len(req.Confirm) != 1 || !strings.EqualFold(req.Confirm[0], req.RevokeOwner):
		in.Fault("confirm", "does not repeat the login of revoke-owner", "write confirm: "+req.RevokeOwner)
	}
}

// wholePolicy returns all parts that a policy has.
func wholePolicy(policy *manifest.PATs) pat.Sections {
	return pat.Sections{
		Requests: len(policy.Requests) > 0, Grants: len(policy.Grants) > 0, SSO: len(policy.Authorizations) > 0, Leaks: policy.Leaks != nil,
	}
}

// parseSections returns the parts of the policy to work on: those that only
// names, or all that the policy has.
func parseSections(in *actions.Inputs, only []string, policy *manifest.PATs) (s pat.Sections) {
	whole := wholePolicy(policy)
	if len(only) == 0 {
		return whole
	}
	parts := map[string]struct {
		has  bool
		take *bool
	}{
		"requests": {whole.Requests, &s.Requests}, "grants": {whole.Grants, &s.Grants},
		"sso": {whole.SSO, &s.SSO}, "leaks": {whole.Leaks, &s.Leaks},
	}
	for _, word := range only {
		part, known := parts[word]
		switch {
		case !known:
			in.Fault("only", actions.Quote(word)+" is not a part of a policy", "the parts are requests, grants, sso and leaks")
		case !part.has:
			in.Fault("only", "names "+word+", which the policy does not have", "take it out, or add it to pats: in the manifest")
		default:
			*part.take = true
		}
	}
	return s
}

// auditOnly returns why this run changes nothing, or "".
func (req *patsRequest) auditOnly() string {
	switch {
	case req.DryRun:
		return "this is a dry run"
	case req.Untrusted != "":
		return "the policy " + req.Untrusted
	case req.RevokeOwner == "" && !req.Policy.Enforce:
		return "the policy is in audit mode"
	}
	return ""
}

// needs returns the permissions that the work of the request takes.
func (req *patsRequest) needs(enforce bool) []pat.Need {
	switch {
	case req.ClassicReport:
		return pat.ClassicNeeds(req.Policy)
	case req.RevokeOwner != "":
		return pat.OwnerNeeds(req.Policy, enforce)
	}
	return pat.Needs(req.Policy, req.Sections, enforce)
}

// trust finds out whether the policy is one that those whom it governs can't
// have written. Where no runner says so, whoever starts the program has to
// confirm each organization.
func (req *patsRequest) trust(r *actions.Runner, in *actions.Inputs, path string) {
	confirmed := func(organization string) bool {
		return slices.ContainsFunc(req.Confirm, func(name string) bool { return strings.EqualFold(name, organization) })
	}
	for _, name := range req.Confirm {
		known := slices.ContainsFunc(req.Policy.Organizations, func(o string) bool { return strings.EqualFold(o, name) })
		if !known && req.RevokeOwner == "" {
			in.Fault("confirm", actions.Quote(name)+" is not an organization of the policy", "give names out of organizations:")
		}
	}
	source, why := r.SourceOf(path)
	switch {
	case source == actions.OtherSource:
		req.Untrusted = why
	case source == actions.DefaultBranch, req.RevokeOwner != "":
	case !slices.ContainsFunc(req.Policy.Organizations, func(o string) bool { return !confirmed(o) }):
	default:
		req.Untrusted = why + ", and confirm does not name its organizations"
	}
	if req.RevokeOwner != "" && req.Untrusted != "" && !req.DryRun { // nobody must believe that it is done
		in.Fault("revoke-owner", "ends nothing here: the policy "+req.Untrusted, "start a new run on the default branch")
	}
}
