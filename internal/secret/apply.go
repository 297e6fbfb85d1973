package secret

import (
	"context"
	"net/http"
	"slices"

	"github.com/valetkey/valetkey/internal/apicall"
)

// Apply does what is planned. Every place is tried, and a failure is a result
// as well. Results are in the order of the changes.
//
// The error is about the state file alone. If that can't be written, nothing is
// written at GitHub and there are no results. An error together with results is
// about the last save.
func (s *Sync) Apply(ctx context.Context, plan Plan) ([]Result, error) {
	for _, f := range plan.forget {
		s.State.forget(f.key, f.name)
	}
	if err := s.State.Save(); err != nil {
		return nil, err
	}
	results := make([]Result, len(plan.Changes))
	var places [][2]int
	for from, to := range plan.places() {
		places = append(places, [2]int{from, to})
	}
	prunes := make([]*placeRun, len(places))
	s.each(len(places), func(i int) {
		from, to := places[i][0], places[i][1]
		v := s.placeRun(plan.Changes[from:to], results[from:to])
		if changed := v.write(ctx); v.prunes {
			prunes[i] = v
		} else {
			s.report(v.results, changed)
		}
	})
	prunes = slices.DeleteFunc(prunes, func(v *placeRun) bool { return v == nil })
	// Deletions come last, and only if everything else was written: a secret
	// that nobody wants any more may be the last copy of a value that could not
	// be replaced.
	failed := slices.ContainsFunc(results, func(r Result) bool { return r.Outcome == Failed })
	s.each(len(prunes), func(i int) {
		if failed {
			prunes[i].skipDeletions("something else failed in this run")
		} else {
			prunes[i].prune(ctx)
		}
		s.report(prunes[i].results, true)
	})
	return results, s.State.Save()
}

// report passes on the results of a place that is finished.
func (s *Sync) report(results []Result, changed bool) {
	if changed {
		s.State.saveSoon()
	}
	if s.Done == nil {
		return
	}
	s.reporting.Lock()
	defer s.reporting.Unlock()
	for _, r := range results {
		s.Done(r)
	}
}

// placeRun is the work at one place.
type placeRun struct {
	sync    *Sync
	changes []Change // at least one
	results []Result // one for each change
	prunes  bool     // there are deletions
	writer  writer
}

func (s *Sync) placeRun(changes []Change, results []Result) *placeRun {
	at := changes[0].Place
	v := &placeRun{sync: s, changes: changes, results: results, writer: writer{call: s.Call, at: at}}
	v.prunes = slices.ContainsFunc(changes, func(c Change) bool { return c.Action == Delete })
	_, v.writer.key = s.State.place(at.Key())
	create := slices.ContainsFunc(changes, func(c Change) bool { return c.CreateEnvironment })
	v.writer.onMissing = func(ctx context.Context, err error) error {
		if create {
			return createEnvironment(ctx, s.Call, at)
		}
		return explainMissing(at, http.StatusNotFound, err)
	}
	return v
}

// write makes all changes except deletions, whose results stay empty. It
// reports whether the state changed.
func (v *placeRun) write(ctx context.Context) (changed bool) {
	for i := range v.changes {
		c, r := &v.changes[i], &v.results[i]
		*r = Result{Place: c.Place, Name: c.Name, Reason: c.Reason, Err: c.Err}
		switch {
		case c.Action == Delete:
		case c.Action == Fail:
			r.Outcome = Failed
		case c.Action == Keep:
			r.Outcome = Unchanged
			if c.forget {
				v.sync.State.forget(c.Key(), c.Name)
			}
			changed = changed || c.forget
		case NotTried(ctx) != nil:
			r.Outcome, r.Err = Failed, NotTried(ctx)
		default:
			v.writeOne(ctx, c, r)
			changed = changed || r.Err == nil
		}
		if c.updated != 0 && c.Action == Keep {
			changed = v.sync.State.settle(c.Key(), c.Name, c.updated) || changed
		}
	}
	return changed
}

func (v *placeRun) writeOne(ctx context.Context, c *Change, r *Result) {
	answer, err := v.put(ctx, c)
	switch {
	case err != nil:
		r.Outcome, r.Err = Failed, err
		return
	case answer.Status == http.StatusCreated:
		r.Outcome = Created
	default:
		r.Outcome = Updated
	}
	v.sync.State.record(&c.Wanted, answer.Date, v.sync.repositoryID(c.Place), v.writer.key)
}

func (v *placeRun) put(ctx context.Context, c *Change) (answer apicall.Answer, err error) {
	if err := v.writer.ready(ctx); err != nil { // before a token is minted in vain
		return answer, err
	}
	// This is asked only now, because minutes may have passed since the plan.
	access, err := accessFor(ctx, v.sync.Call, c.Place, c.Name, c.Access)
	if err != nil {
		return answer, err
	}
	value := c.Value
	if c.ValueFunc != nil {
		if value, err = c.ValueFunc(ctx); err == nil {
			err = Check(c.Name, value)
		}
		if err != nil {
			return answer, err
		}
	}
	return v.writer.put(ctx, c.Name, value, access)
}
