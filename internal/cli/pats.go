package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/fleet"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/pat"
	"github.com/valetkey/valetkey/internal/redact"
)

// runPATs is the pats action: it governs personal access tokens by the policy
// of the manifest, or ends those that leaked or belong to one person.
func runPATs(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs) error {
	if leaked := parseLeaked(p, r, in); len(leaked.Values) > 0 || in.String("leaked") != "" {
		return runLeaked(ctx, p, r, in, leaked)
	}
	req, err := parsePATs(ctx, p, r, in)
	defer closeKey(ctx, r, req.Credentials.Key)
	if err != nil {
		return err
	}
	if err := r.CheckFiles(); err != nil {
		return err
	}
	defer chownLater(req.Report).apply(r)
	api, err := p.connect(r, req.Credentials.Host)
	if err != nil {
		return err
	}
	f, err := newFleet(r, api, req.Credentials, req.Points)
	if err != nil {
		return err
	}
	defer f.Close(ctx)
	engine := newPATEngine(ctx, r, f, api, req)
	if req.ClassicReport {
		return publishClassic(r, req, engine.Classic(ctx))
	}
	if why := req.auditOnly(); why != "" {
		r.Info("nothing is changed: %s", why)
	}
	report := pat.Report{}
	if req.RevokeOwner != "" {
		report = engine.EndOwner(ctx, req.RevokeOwner)
	} else {
		report = engine.Run(ctx)
	}
	return publishPATs(r, req, &report)
}

// newPATEngine returns what governs tokens, and announces to the fleet which
// calls that takes.
func newPATEngine(ctx context.Context, r *actions.Runner, f *fleet.Fleet, api *githubapp.API, req patsRequest) *pat.Engine {
	enforce := !req.DryRun && req.Untrusted == ""
	engine := &pat.Engine{
		Call: f.Call, Policy: req.Policy, Enforce: enforce, Sections: req.Sections, Confirmed: req.Confirm, Now: api.Now,
		Replacement:  replacementOf,
		RevokeLeaked: func(ctx context.Context, values []redact.String) error { return endFound(ctx, api, values) },
		Secret:       func(s redact.String) { r.Mask(actions.Encodings(s)...) },
		Info:         r.Info,
	}
	for _, need := range req.needs(enforce) {
		f.NeedLevel(need.Owner, need.Repository, need.Permission, need.Level)
	}
	engine.Protection = pat.Protection{Policy: req.Policy.Protect, Owners: map[string]string{}}
	if notices := req.Policy.Notices; notices != nil {
		var err error
		if engine.Author, err = f.Bot(ctx, notices.Owner); err != nil {
			r.Warning("no notice can be given: %s", fault.Text(err)) // the rest goes on
		}
		engine.Protection.Owners[strings.ToLower(engine.Author)] = "it is the App that this run works with"
	}
	for _, name := range []string{"GITHUB_ACTOR", "GITHUB_TRIGGERING_ACTOR"} {
		if login := r.Variable(name); login != "" {
			engine.Protection.Owners[strings.ToLower(login)] = "this run is theirs"
		}
	}
	return engine
}

// leakedTime is all the time that ending leaked values may take. GitHub could
// ask to wait for an hour, and whoever runs this waits for it to be over.
const leakedTime = 10 * time.Minute

// runLeaked ends leaked values, for which it takes neither an App nor a policy.
func runLeaked(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs, leaked leakedList) error {
	h := parseHost(r, in)
	for _, other := range []string{"only", "revoke-owner", "confirm", "report-file"} {
		if in.String(other) != "" {
			in.Fault(other, "can't be used with leaked", "make two steps")
		}
	}
	for _, other := range []string{"dry-run", "classic-report"} {
		if in.Bool(other) {
			in.Fault(other, "can't be used with leaked", "take one of them out")
		}
	}
	if err := in.Err(); err != nil {
		return err
	}
	api, err := p.connect(r, h)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, leakedTime)
	defer cancel()
	ended, err := endLeaked(ctx, r, api, leaked)
	revoked := len(ended.with(leakedEnded, leakedAccepted))
	return errors.Join(err, r.Output(
		actions.Pair{Name: "revoked", Value: strconv.Itoa(revoked)},
		actions.Pair{Name: "failed", Value: strconv.Itoa(len(ended.Values) - revoked)},
	))
}
