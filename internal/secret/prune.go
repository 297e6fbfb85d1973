package secret

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
)

const notWanted = "no longer in the manifest"

// MaxDeletions returns how many secrets a run may delete by default: few enough
// that a misspelt pattern does not empty a fleet. The shards share the number
// for the whole fleet.
func (s *State) MaxDeletions(shard Shard) int {
	const few = 10
	total := max(1, shard.Total)
	return max((few+total-1)/total, s.Len()/20)
}

// brake turns every deletion of a plan into a secret that is left alone, if
// there are more of them than a run may make.
func (s *Sync) brake(plan *Plan) {
	n := plan.Count(Delete)
	if n <= s.MaxDeletions {
		return
	}
	plan.Braked = fault.New(
		fmt.Sprintf("nothing is deleted: %d secrets are no longer in the manifest, and max-deletions allows %d", n, s.MaxDeletions),
		fmt.Sprintf("check whether the manifest lost them by mistake; if not, run once with max-deletions: %d", n),
	)
	for i := range plan.Changes {
		if c := &plan.Changes[i]; c.Action == Delete {
			c.Action, c.Reason, c.forget = Keep, notWanted+", but left: more would be deleted than max-deletions allows", false
		}
	}
}

// skipDeletions sets the result of each deletion that is not made.
func (v *placeRun) skipDeletions(why string) {
	for i := range v.changes {
		if c := &v.changes[i]; c.Action == Delete {
			v.results[i] = Result{Place: c.Place, Name: c.Name, Outcome: Unchanged, Reason: notWanted + ", but left: " + why}
		}
	}
}

// prune makes the deletions. Before each it checks the repository once more: if
// few points are left, a hundred of them take minutes.
func (v *placeRun) prune(ctx context.Context) {
	for i := range v.changes {
		c, r := &v.changes[i], &v.results[i]
		if c.Action != Delete {
			continue
		}
		*r = Result{Place: c.Place, Name: c.Name, Outcome: Failed, Reason: c.Reason}
		if r.Err = NotTried(ctx); r.Err != nil {
			continue
		}
		var why string
		var renamed *Place
		switch why, renamed, r.Err = v.whyNotDelete(ctx); {
		case r.Err != nil:
		case why == "":
			v.deleteOne(ctx, c, r)
		default:
			r.Outcome, r.Reason = Unchanged, notWanted+", but left: "+why
			if renamed != nil && v.sync.State.has(renamed.Key(), c.Name) { // the state knows it under the new name
				v.sync.State.forget(c.Key(), c.Name)
			}
		}
	}
}

// whyNotDelete checks the repository once more, right before something in it is
// deleted. It uses the id if the state knows it: the name may belong to another
// repository by now, and a renamed one still answers to its old name. It
// returns why nothing is deleted there, and the place under its new name;
// nothing if all is as before. A repository out of reach does not count as
// gone.
func (v *placeRun) whyNotDelete(ctx context.Context) (why string, renamed *Place, err error) {
	at := v.changes[0].Place
	if at.IsOrganization() {
		return "", nil, nil
	}
	path := at.Path()
	if id, _ := v.sync.State.place(at.Key()); id != 0 {
		path = fmt.Sprintf("repositories/%d", id)
	}
	var found struct {
		FullName string `json:"full_name"`
		Archived bool   `json:"archived"`
	}
	name := at.Owner + "/" + at.Repository
	answer, err := v.sync.Call(ctx, at.Request("look at "+name, http.MethodGet, path, nil, &found))
	owner, repository, ok := strings.Cut(found.FullName, "/")
	switch {
	case answer.Status == http.StatusNotFound:
		return name + " is gone, or the App does not reach it", nil, nil
	case err != nil:
		return "", nil, err
	case !ok:
		return "", nil, fmt.Errorf("look at %s: the answer is not what GitHub's API describes", name)
	case !strings.EqualFold(found.FullName, name):
		now := at
		now.Owner, now.Repository = owner, repository
		return name + " was renamed to " + now.Owner + "/" + now.Repository, &now, nil
	case found.Archived:
		return "the repository is archived", nil, nil
	}
	return "", nil, nil
}

// deleteOne deletes a secret, after checking once more that it is still ours.
func (v *placeRun) deleteOne(ctx context.Context, c *Change, r *Result) {
	call := v.sync.Call
	e, there, err := Get(ctx, call, c.Place, c.Name)
	if err == nil && there && e.UpdatedAt.Unix() != c.updated {
		r.Outcome, r.Reason = Unchanged, notWanted+", but left: somebody else changed it at "+formatTime(e.UpdatedAt)
		return
	}
	if err == nil && there {
		var answer apicall.Answer
		op := "delete " + c.Name + " of " + c.Place.String()
		answer, err = call(ctx, c.Request(op, http.MethodDelete, c.SecretsPath()+"/"+c.Name, nil, nil))
		if answer.Status == http.StatusNotFound { // by somebody else, or by an attempt whose answer was lost
			err = nil
		}
	}
	if r.Err = err; err != nil {
		return
	}
	r.Outcome = Deleted
	v.sync.State.forget(c.Key(), c.Name)
}
