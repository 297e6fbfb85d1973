package rotate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/secret"
)

// prepare does all that can fail before anything is made. It only reads, so a
// dry run reports the same failures as a run.
func (j *job) prepare(ctx context.Context) error {
	if err := errors.Join(j.checkTime(), j.checkKeyRepository(ctx)); err != nil {
		return err
	}
	j.reachAll(ctx)
	for i, t := range j.targets {
		if t.store.Organization == "" || j.Access == nil || t.err != nil {
			continue
		}
		if i > 0 && j.targets[i-1].store == t.store {
			t.access = j.targets[i-1].access
		} else {
			t.access, t.err = j.Access(ctx, *t.store)
		}
	}
	if err := j.failures(); err != nil || j.DryRun {
		return err
	}
	// Times are in whole seconds. So a write is visible only when the last one
	// was in an earlier second, by GitHub's clock.
	last := slices.MaxFunc(j.observations(), byTime).updated
	if wait := last.Add(2 * time.Second).Sub(j.clock()); wait > 0 && !pause(ctx, min(wait, 3*time.Second)) {
		return secret.NotTried(ctx)
	}
	return nil
}

const (
	writePoints = 5 // of GitHub's limit, for one write; a read is one
	leastWrite  = 300 * time.Millisecond
)

// checkTime returns an error when the stores can't be written in the time that
// a run has for it. The new value is not kept anywhere, so a run that was cut
// short could not continue: the next one would start from the beginning, and
// every run would replace the first stores again.
//
// A write is assumed to take twice as long as a read did.
func (j *job) checkTime() error {
	n, lanes, points := time.Duration(len(j.targets)), time.Duration(concurrency), time.Duration(writePoints)
	if j.DeployKey == nil {
		lanes = 1 // one after the other, see storeAll
	}
	if j.exclusive() {
		points++ // a read after each
	}
	needed := n * max(2*j.median, leastWrite) / lanes
	if j.Points > 0 { // points that were spent before are free again after a minute
		needed = max(needed, n*points*time.Minute/time.Duration(j.Points)+min(n-1, 1)*time.Minute)
	}
	if needed <= window {
		return nil
	}
	return fault.New(
		fmt.Sprintf("writing %d stores would take about %d min, and a run has %s for it", n,
			(needed+time.Minute-1)/time.Minute, FormatAge(window)),
		"store it once at the organization, or make several rotations of it, each with some of the stores",
	)
}

// repository is what GitHub reports about a repository.
type repository struct {
	FullName string `json:"full_name"`
	Archived bool   `json:"archived"`
	Disabled bool   `json:"disabled"`
}

// check reads a repository and returns an error if it can't be written. GitHub
// answers to the old name of a renamed repository, but only to requests that
// change nothing.
func (r *repository) check(ctx context.Context, j *job, at secret.Place, permission string) error {
	name := at.Owner + "/" + at.Repository
	req := at.Request("look at "+name, http.MethodGet, at.Path(), nil, r)
	req.Permission = permission
	if _, err := j.Call(ctx, req); err != nil {
		return err
	}
	switch {
	case r.FullName != "" && !strings.EqualFold(r.FullName, name):
		return fault.New(name+" was renamed to "+r.FullName, "write the new name into the manifest")
	case r.Archived:
		return fault.New(name+" is archived", "unarchive it, or take it out of "+manifestField(permission))
	case r.Disabled:
		return fault.New(name+" is disabled by GitHub", "look at its page on GitHub, or take it out of "+manifestField(permission))
	}
	return nil
}

// manifestField says where the manifest names a repository that is written with
// a permission.
func manifestField(permission string) string {
	if permission == administration {
		return "the manifest"
	}
	return "store"
}

// checkKeyRepository returns an error if the repository of a deploy key can't
// be written.
func (j *job) checkKeyRepository(ctx context.Context) error {
	if j.DeployKey == nil {
		return nil
	}
	return new(repository).check(ctx, j, keyPlace(j.DeployKey), administration)
}

// reachAll checks that every target can be written, as far as reading shows. If
// one can't be, nothing is made: otherwise every run would replace the others
// again.
func (j *job) reachAll(ctx context.Context) {
	var inRepositories []*target
	for _, t := range j.targets {
		if !t.place.IsOrganization() {
			inRepositories = append(inRepositories, t)
		}
	}
	repositories := grouped(inRepositories, secret.Place.Path)
	each(len(repositories), func(i int) {
		at := repositories[i][0].place
		err := secret.NotTried(ctx)
		if err == nil {
			err = new(repository).check(ctx, j, at, at.Permission())
		}
		for _, t := range repositories[i] {
			t.err = err
		}
	})
	places := grouped(j.targets, secret.Place.Key)
	each(len(places), func(i int) { j.reach(ctx, places[i]) })
}

// grouped divides targets by a key of their place, in the order of the first of
// each.
func grouped(targets []*target, key func(secret.Place) string) (groups [][]*target) {
	known := map[string]int{}
	for _, t := range targets {
		k := key(t.place)
		at, ok := known[k]
		if !ok {
			at = len(groups)
			known[k], groups = at, append(groups, nil)
		}
		groups[at] = append(groups[at], t)
	}
	return groups
}

// reach checks that the place of some targets exists and has room for the new
// secrets in it, and fetches its public key.
func (j *job) reach(ctx context.Context, here []*target) {
	if here[0].err != nil {
		return
	}
	at, fresh := here[0].place, 0
	for _, t := range here {
		if t.updated.IsZero() {
			fresh++
		}
	}
	err := secret.NotTried(ctx)
	for _, t := range here {
		var answer apicall.Answer
		if err != nil {
			break
		}
		t.writer, answer, err = secret.NewWriter(ctx, t.watched(j.Call), at)
		if err != nil && answer.Status == http.StatusNotFound && at.Environment != "" {
			err = &fault.Error{Hint: "create the environment, or see that the App reaches its repository", Err: err}
		}
	}
	if err == nil && fresh > 0 {
		err = j.checkRoom(ctx, at.Key(), fresh, at.MaxSecrets(), at.String(), "secrets",
			at.Request("count the secrets of "+at.String(), http.MethodGet, at.SecretsPath(), nil, nil))
	}
	for _, t := range here {
		t.err = err
	}
}

// checkRoom returns an error when so many new secrets or variables do not fit
// into a place that holds no more than most.
func (j *job) checkRoom(ctx context.Context, key string, fresh, most int, where, what string, list apicall.Request) error {
	var told struct {
		Total *int `json:"total_count"`
	}
	list.Path += "?per_page=1"
	list.Result = &told
	if _, err := j.Call(ctx, list); err != nil {
		return err
	}
	if told.Total == nil || *told.Total < 0 {
		return errors.New(list.Op + ": the answer has no count")
	}
	j.counting.Lock()
	defer j.counting.Unlock()
	if n := *told.Total + j.promised[key]; n+fresh > most {
		return fault.New(
			fmt.Sprintf("%s has %d %s, and GitHub allows %d there", where, n, what, most),
			"delete some that nothing reads any more, or store it elsewhere",
		)
	}
	if j.DryRun {
		j.promised[key] += fresh // a run would have put them there
	}
	return nil
}
