package secret

import (
	"context"
	"slices"
	"strings"

	"github.com/valetkey/valetkey/internal/apicall"
)

// Apply does what is planned. Every place is tried, and what fails is a result as
// well; results are in the order of the changes.
//
// The error is about the state file alone. Where that can't be written, nothing
// is written at GitHub and there are no results; an error with results is about
// the last save.
func (s *Sync) Apply(ctx context.Context, plan Plan) ([]Result, error) {
	for _, f := range plan.forget {
		s.State.forget(f.key, f.name)
	}
	if err := s.State.Save(); err != nil {
		return nil, err
	}
	results := make([]Result, len(plan.Changes))
	var visits, prunes []visit
	for from, to := range plan.places() {
		v := visit{sync: s, changes: plan.Changes[from:to], results: results[from:to]}
		v.prunes = slices.ContainsFunc(v.changes, func(c Change) bool { return c.Action == Delete })
		visits = append(visits, v)
		if v.prunes {
			prunes = append(prunes, v)
		}
	}
	s.each(len(visits), func(i int) {
		if changed := visits[i].write(ctx); !visits[i].prunes {
			s.tell(visits[i].results, changed)
		}
	})
	// Deletions come last: a repository that was renamed answers to both names, and
	// what was written just now under the new one is not ours to delete any more
	// under the old one.
	s.each(len(prunes), func(i int) {
		prunes[i].prune(ctx)
		s.tell(prunes[i].results, true)
	})
	return results, s.State.Save()
}

// tell hands on the results of a place that is done with.
func (s *Sync) tell(results []Result, changed bool) {
	if changed {
		s.State.saveSoon()
	}
	if s.Done == nil {
		return
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	for _, r := range results {
		s.Done(r)
	}
}

// visit is the work at one place.
type visit struct {
	sync    *Sync
	changes []Change // at least one
	results []Result // one for each change
	prunes  bool     // there are deletions

	key     publicKey
	keyErr  error // why there is none
	asked   bool  // for the key
	renewed bool  // after GitHub refused what was sealed to the first one
}

// write does all but the deletions, whose results stay empty. It tells whether
// the state changed.
func (v *visit) write(ctx context.Context) (changed bool) {
	wrote := false
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
				changed = true
			}
		case NotTried(ctx) != nil:
			r.Outcome, r.Err = Failed, NotTried(ctx)
		default:
			v.writeOne(ctx, c, r)
			wrote = wrote || r.Err == nil
		}
	}
	if wrote && v.sync.State.kept() {
		v.learn(ctx)
	}
	return changed || wrote
}

// prune does the deletions.
func (v *visit) prune(ctx context.Context) {
	for i := range v.changes {
		c, r := &v.changes[i], &v.results[i]
		switch {
		case c.Action != Delete:
		case NotTried(ctx) != nil:
			r.Outcome, r.Err = Failed, NotTried(ctx)
		default:
			v.deleteOne(ctx, c, r)
		}
	}
}

func (v *visit) writeOne(ctx context.Context, c *Change, r *Result) {
	answer, err := v.put(ctx, c)
	switch {
	case err != nil:
		r.Outcome, r.Err = Failed, err
		return
	case answer.Status == apicall.StatusCreated:
		r.Outcome = Created
	default:
		r.Outcome = Updated
	}
	// Noted without a time at once: whatever happens now, it is ours.
	v.sync.State.note(&c.Wanted, 0)
}

func (v *visit) put(ctx context.Context, c *Change) (answer apicall.Answer, err error) {
	if err := v.fetch(ctx); err != nil {
		return answer, err
	}
	// Asked only now: minutes may lie between the plan and this.
	access, err := accessFor(ctx, v.sync.Call, c.Place, c.Name, c.Access)
	if err != nil {
		return answer, err
	}
	value := c.Value
	if c.Lend != nil {
		if value, err = c.Lend(ctx); err == nil {
			err = Check(c.Name, value)
		}
		if err != nil {
			return answer, err
		}
	}
	answer, err = v.key.put(ctx, v.sync.Call, c.Place, c.Name, value, access)
	if err == nil || answer.Status != apicall.StatusUnprocessable || !strings.Contains(err.Error(), "improperly encrypted") || v.renewed {
		return answer, err
	}
	v.renewed, v.asked = true, false // the key may have been changed meanwhile
	if err := v.fetch(ctx); err != nil {
		return answer, err
	}
	return v.key.put(ctx, v.sync.Call, c.Place, c.Name, value, access)
}

func (v *visit) at() Place { return v.changes[0].Place }

// fetch gets the place's key once.
func (v *visit) fetch(ctx context.Context) error {
	if v.asked {
		return v.keyErr
	}
	v.asked = true
	var answer apicall.Answer
	v.key, answer, v.keyErr = fetchKey(ctx, v.sync.Call, v.at())
	if v.keyErr == nil || answer.Status != apicall.StatusNotFound || v.at().Environment == "" {
		return v.keyErr
	}
	for i := range v.changes {
		if v.changes[i].CreateEnvironment {
			if v.keyErr = createEnvironment(ctx, v.sync.Call, v.at()); v.keyErr == nil {
				v.key, _, v.keyErr = fetchKey(ctx, v.sync.Call, v.at())
			}
			return v.keyErr
		}
	}
	v.keyErr = explain(v.at(), answer.Status, v.keyErr)
	return v.keyErr
}

// learn asks when GitHub wrote what was written just now, and puts that down.
func (v *visit) learn(ctx context.Context) {
	entries, _, err := List(ctx, v.sync.Call, v.at())
	for i := range v.changes {
		c, r := &v.changes[i], &v.results[i]
		if !c.Action.writes() || r.Err != nil {
			continue
		}
		switch e := find(entries, c.Name); {
		case err != nil:
			r.Reason += "; when it was written could not be learnt, so the next run writes it again: " + err.Error()
		case e == nil || e.UpdatedAt.Unix() == c.before:
			// A replica that lags, or two writes within a second: the time can't
			// tell this write from the one before.
			r.Reason += "; GitHub does not tell the new time yet, so the next run writes it again"
		default:
			// Whoever writes between our write and this list passes for us. GitHub
			// has no version that would tell.
			v.sync.State.note(&c.Wanted, e.UpdatedAt.Unix())
		}
	}
}

// deleteOne looks once more whether the secret is still ours.
func (v *visit) deleteOne(ctx context.Context, c *Change, r *Result) {
	call := v.sync.Call
	e, there, err := Get(ctx, call, c.Place, c.Name)
	if err == nil && there && e.UpdatedAt.Unix() != c.before {
		r.Outcome, r.Reason = Unchanged, "no longer in the manifest, but left: somebody else changed it at "+moment(e.UpdatedAt)
		return
	}
	if err == nil && there {
		var answer apicall.Answer
		op := "delete " + c.Name + " of " + c.Place.String()
		answer, err = call(ctx, c.Request(op, apicall.Delete, c.SecretsPath()+"/"+c.Name, nil, nil))
		switch {
		case answer.Status == apicall.StatusNotFound:
			err = nil // by somebody else, or by an attempt whose answer was lost
		case answer.Status == apicall.StatusForbidden && strings.Contains(err.Error(), "archived"):
			r.Outcome, r.Reason = Unchanged, "no longer in the manifest, but left: the repository is archived"
			return
		}
	}
	if err != nil {
		r.Outcome, r.Err = Failed, err
		return
	}
	r.Outcome = Deleted
	v.sync.State.forget(c.Key(), c.Name)
}
