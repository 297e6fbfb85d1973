package cli

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/secret"
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
	req, err := parseSync(r, in)
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
	if err := r.Ready(); err != nil {
		return nil, err
	}
	f, err := p.fleet(r, req.Credentials, req.Points)
	if err != nil {
		return nil, err
	}
	defer f.close(ctx)
	v, err := f.resolve(ctx, req.Manifest, req.Shard, p.Getenv)
	if err != nil {
		return nil, err
	}
	if len(v.failed) > 0 && req.Prune {
		r.Warning("nothing is pruned: what the manifest means is not known for all targets")
		req.Prune = false
	}
	r.Info("%s secrets are wanted; looking at what is there", thousands(len(v.wanted)))
	if req.DryRun {
		return plan(ctx, r, f, v, req), nil
	}
	return apply(ctx, p, r, f, v, req)
}

// announce tells the fleet which requests it will get.
func (f *fleet) announce(v *resolution, req syncRequest) {
	for _, w := range v.wanted {
		f.need(w.Owner, w.Repository, w.Permission())
		if w.CreateEnvironment {
			f.need(w.Owner, w.Repository, "actions", "administration")
		}
	}
	for _, at := range req.State.Places() {
		if req.Prune {
			f.need(at.Owner, at.Repository, at.Permission())
		}
	}
}

// work returns the request as the secret package takes it.
func (f *fleet) work(req syncRequest) *secret.Sync {
	return &secret.Sync{
		Call: f.call, State: req.State, Concurrency: req.Concurrency, Prune: req.Prune, MaxDeletions: req.MaxDeletions, Repository: f.repository,
	}
}

// plan is a dry run: it reports what would be done, and what that takes.
func plan(ctx context.Context, r *actions.Runner, f *fleet, v *resolution, req syncRequest) *syncReport {
	f.announce(v, req)
	work := f.work(req)
	work.ListAll = true
	plan := work.Plan(ctx, v.wanted, v.everywhere)
	report := newSyncReport(v.failed, true)
	report.addStale(plan, v.failed)
	for i := range plan.Changes {
		report.add(planned(&plan.Changes[i]))
	}
	report.groups.report(r, true)
	report.Needs = f.needs(plan, req.Points)
	r.Info("%s", report.Needs)
	report.Advice = v.advice()
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
func apply(ctx context.Context, p Process, r *actions.Runner, f *fleet, v *resolution, req syncRequest) (*syncReport, error) {
	f.announce(v, req)
	show := newProgress(p, r, len(v.wanted))
	work := f.work(req)
	work.Done = show.add
	plan := work.Plan(ctx, v.wanted, v.everywhere)
	v.wanted = nil // the plan has them, and those of a large fleet take megabytes
	show.total = len(plan.Changes)
	results, err := work.Apply(ctx, plan)
	show.end()
	report := newSyncReport(v.failed, false)
	report.addStale(plan, v.failed)
	v.unused(ctx, results)
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
func (f *fleet) needs(plan secret.Plan, points int) string {
	cost := plan.Cost()
	if cost.Requests == 0 {
		return "nothing needs to be written"
	}
	var least time.Duration
	hour := ""
	costs := plan.CostByOwner()
	for owner := range costs {
		if f.sign == nil { // the limits are those of the token
			costs = map[string]secret.Cost{owner: cost}
			break
		}
	}
	for owner, part := range costs {
		var took time.Duration
		if points > 0 && part.Points > points {
			took = time.Duration(part.Points) * time.Minute / time.Duration(points)
		}
		quota := f.owner(owner).pace.Quota()
		if quota.Limit > 0 && part.Requests > quota.Remaining {
			hours := (part.Requests - quota.Remaining + quota.Limit - 1) / quota.Limit
			if wait := quota.Reset.Sub(f.api.Now()) + time.Duration(hours-1)*time.Hour; wait > took {
				took = wait
				hour = fmt.Sprintf(" (%s has %s requests an hour, %s of them left)",
					f.owner(owner).name, thousands(quota.Limit), thousands(quota.Remaining))
			}
		}
		least = max(least, took)
	}
	text := fmt.Sprintf("needs %s points and %s requests: ", thousands(cost.Points), thousands(cost.Requests))
	switch {
	case least < time.Minute && points == 0:
		return text + "no limit of points is set, and what GitHub's own make of it is not known"
	case least < time.Minute:
		return text + "under a minute of GitHub's limits"
	}
	return text + "at least " + minutes(least) + hour
}
