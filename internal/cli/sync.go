package cli

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fleet"
	"github.com/valetkey/valetkey/internal/secret"
	"github.com/valetkey/valetkey/internal/wording"
)

// heapGrowth is by how many percent the heap grows before it is swept. A run
// over a large fleet waits for the network and not for the processor, and the
// memory of its runner is for the job. A mint ends before its heap has grown,
// and would only become slower.
const heapGrowth = 50

// runSync is the sync action: plan, then apply. A failure at one target never
// stops another.
func runSync(ctx context.Context, p Process, r *actions.Runner, in *actions.Inputs) error {
	defer debug.SetGCPercent(debug.SetGCPercent(heapGrowth))
	req, err := parseSync(ctx, p, r, in)
	defer closeKey(ctx, r, req.Credentials.Key)
	if err != nil {
		return err
	}
	for _, file := range []chowned{chownLater(req.StateFile), chownLater(req.Report)} {
		defer file.apply(r)
	}
	report, err := syncFleet(ctx, p, r, req)
	if err != nil {
		return err
	}
	return report.publish(r, req.Report)
}

// syncFleet brings the fleet to what the manifest says, or only plans it.
func syncFleet(ctx context.Context, p Process, r *actions.Runner, req syncRequest) (*syncReport, error) {
	if err := r.CheckFiles(); err != nil {
		return nil, err
	}
	api, err := p.connect(r, req.Credentials.Host)
	if err != nil {
		return nil, err
	}
	f, err := newFleet(r, api, req.Credentials, req.Points)
	if err != nil {
		return nil, err
	}
	defer f.Close(ctx)
	v, err := f.Resolve(ctx, req.Manifest, req.Shard, valueOf(p, r))
	if err != nil {
		return nil, err
	}
	if len(v.Failed) > 0 && req.Prune {
		r.Warning("nothing is pruned: some targets of the manifest could not be resolved")
		req.Prune = false
	}
	r.Info("%s secrets are wanted; looking at what is there", wording.Number(len(v.Wanted)))
	if req.DryRun {
		return plan(ctx, r, f, v, req), nil
	}
	return apply(ctx, p, r, f, v, req)
}

// announce tells the fleet which requests it will get.
func announce(f *fleet.Fleet, v *fleet.Resolution, req syncRequest) {
	for _, w := range v.Wanted {
		f.Need(w.Owner, w.Repository, w.Permission())
		if w.CreateEnvironment {
			f.Need(w.Owner, w.Repository, "actions", "administration")
		}
	}
	for _, at := range req.State.Places() {
		if req.Prune {
			f.Need(at.Owner, at.Repository, at.Permission())
		}
	}
}

// workOf returns the request as the secret package takes it.
func workOf(f *fleet.Fleet, req syncRequest) *secret.Sync {
	return &secret.Sync{
		Call: f.Call, Repository: f.Repository, State: req.State, Concurrency: req.Concurrency,
		Prune: req.Prune, MaxDeletions: req.MaxDeletions,
	}
}

// plan is a dry run: it reports what would be done, and what that takes.
func plan(ctx context.Context, r *actions.Runner, f *fleet.Fleet, v *fleet.Resolution, req syncRequest) *syncReport {
	announce(f, v, req)
	work := workOf(f, req)
	work.ListAll = true
	plan := work.Plan(ctx, v.Wanted, v.IsWanted)
	report := newSyncReport(v.Failed, true)
	report.addStale(plan, v.Failed)
	for i := range plan.Changes {
		report.add(planned(&plan.Changes[i]))
	}
	report.groups.report(r, true)
	report.Needs = needs(f, plan, req.Points)
	r.Info("%s", report.Needs)
	report.Advice = advice(v.Spreads())
	for _, text := range report.Advice {
		r.Info("%s", text)
	}
	return report
}

// planned returns the result that a change would have.
func planned(c *secret.Change) secret.Result {
	result := secret.Result{Place: c.Place, Name: c.Name, Outcome: secret.Unchanged, Reason: c.Reason, Err: c.Err}
	switch c.Action {
	case secret.Create:
		result.Outcome = secret.Created
	case secret.Update, secret.Write:
		result.Outcome = secret.Updated
	case secret.Delete:
		result.Outcome = secret.Deleted
	case secret.Fail:
		result.Outcome = secret.Failed
	}
	return result
}

// apply plans, writes and reports.
func apply(ctx context.Context, p Process, r *actions.Runner, f *fleet.Fleet, v *fleet.Resolution, req syncRequest) (*syncReport, error) {
	announce(f, v, req)
	show := newProgress(p, r, len(v.Wanted))
	work := workOf(f, req)
	work.Done = show.add
	plan := work.Plan(ctx, v.Wanted, v.IsWanted)
	v.Wanted = nil // the plan has them, and those of a large fleet take megabytes
	show.total = len(plan.Changes)
	results, err := work.Apply(ctx, plan)
	show.end()
	report := newSyncReport(v.Failed, false)
	report.addStale(plan, v.Failed)
	v.RevokeUnused(ctx, results)
	for _, result := range results {
		report.add(result)
	}
	report.groups.report(r, false)
	if err != nil && results != nil { // the work is done, but the state is not saved
		report.stateErr = err
		err = nil
	}
	return report, err
}

// needs returns how much of GitHub's limits a plan takes, and how long that is
// at least. More jobs do not raise the limits, which are those of the
// installation.
func needs(f *fleet.Fleet, plan secret.Plan, points int) string {
	cost := plan.Cost()
	if cost.Requests == 0 {
		return "nothing needs to be written"
	}
	estimate := f.Estimate(plan.CostByOwner())
	text := fmt.Sprintf("needs %s points and %s requests: ", wording.Number(cost.Points), wording.Number(cost.Requests))
	switch {
	case estimate.Least < time.Minute && points == 0:
		return text + "no limit of points is set, so only GitHub's own limits tell how long that takes"
	case estimate.Least < time.Minute:
		return text + "under a minute of GitHub's limits"
	}
	text += "at least " + minutes(estimate.Least)
	if quota := estimate.Quota; estimate.Owner != "" {
		text += fmt.Sprintf(" (%s has %s requests an hour, %s of them left)",
			estimate.Owner, wording.Number(quota.Limit), wording.Number(quota.Remaining))
	}
	return text
}

// worthOne is how many writes one secret of an organization has to replace to be
// worth mentioning.
const worthOne = 10

// advice returns a line for each secret of the manifest that one secret of an
// organization could replace.
func advice(spreads []fleet.Spread) (texts []string) {
	for _, s := range spreads {
		if s.Repositories < worthOne {
			continue
		}
		all, with := "", " with visibility: selected"
		if s.All {
			all, with = "all ", ""
		}
		count := wording.Number(s.Repositories)
		texts = append(texts, fmt.Sprintf(
			"%s goes to %s%s repositories of %s: if that is an organization, one secret of its own%s takes 1 write instead of %s",
			s.Secret, all, count, s.Owner, with, count))
	}
	return texts
}
