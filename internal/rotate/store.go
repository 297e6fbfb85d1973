package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// target is one secret that a rotation writes.
type target struct {
	store   *manifest.Store
	place   secret.Place
	before  time.Time // updated_at when the run began; zero: there was none
	updated time.Time // as it was last read
	written time.Time // as it was read first after our write; zero: GitHub did not tell of that yet
	seenBy  string    // the visibility of an organization's secret
	access  *secret.Access
	took    bool // GitHub said so
	unsure  bool // it did not, but may have taken it all the same
	err     error
}

func targetsOf(stores []manifest.Store) []*target {
	var list []*target
	for i := range stores {
		s := &stores[i]
		place := secret.Place{Owner: s.Owner, Repository: s.Repository, Environment: s.Environment}
		if s.Organization != "" {
			place = secret.Place{Owner: s.Organization}
		}
		for _, app := range s.Apps {
			place.App = app
			list = append(list, &target{store: s, place: place})
		}
	}
	return list
}

func (t *target) name() string { return t.store.Secret + " of " + t.place.String() }

// read asks GitHub when the secret was last written.
func (t *target) read(ctx context.Context, call apicall.Func) error {
	entry, _, err := secret.Get(ctx, call, t.place, t.store.Secret)
	if err == nil {
		t.updated, t.seenBy = entry.UpdatedAt, entry.Visibility
	}
	return err
}

// look reads every store, whatever becomes of the others. All must be known before
// anything is made.
func (j *job) look(ctx context.Context) error {
	if len(j.targets) == 0 {
		return errNothing
	}
	var errs []error
	for _, t := range j.targets {
		if err := secret.NotTried(ctx); err != nil {
			return errors.Join(append(errs, err)...)
		}
		if t.err = t.read(ctx, j.Call); t.err != nil {
			errs = append(errs, t.err)
		}
		t.before = t.updated
	}
	return errors.Join(errs...)
}

func (j *job) facts() []fact {
	list := make([]fact, len(j.targets))
	for i, t := range j.targets {
		list[i] = fact{t.name(), t.updated}
	}
	return list
}

// prepare is what can fail before anything is made. It only reads, so a dry run
// tells what a run would fail of.
func (j *job) prepare(ctx context.Context) error {
	archived := map[string]bool{}
	for i, t := range j.targets {
		if t.err = secret.NotTried(ctx); t.err == nil {
			t.err = j.reach(ctx, t, archived)
		}
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
	// Times are in whole seconds: a write shows only when the last one was not in
	// the same second, by GitHub's clock.
	last := slices.MaxFunc(j.facts(), byTime).updated
	if wait := last.Add(2 * time.Second).Sub(j.clock()); wait > 0 && !pause(ctx, min(wait, 3*time.Second)) {
		return secret.NotTried(ctx)
	}
	return nil
}

// reach makes sure that a target can be written, as far as reading tells. Where one
// can't be, the others would be replaced again with every run.
func (j *job) reach(ctx context.Context, t *target, archived map[string]bool) error {
	at := t.place
	req := at.Request("get the public key of "+at.String(), apicall.Get, at.SecretsPath()+"/public-key", nil, nil)
	answer, err := j.Call(ctx, req)
	switch {
	case err != nil && answer.Status == apicall.StatusNotFound && at.Environment != "":
		return &fault{cure: "create the environment, or see that the App reaches its repository", err: err}
	case err != nil:
		return err
	case at.IsOrganization():
		return nil
	}
	is, known := archived[at.Path()]
	if !known {
		var repository struct {
			Archived bool `json:"archived"`
		}
		req.Op, req.Path, req.Result = "look at "+at.Owner+"/"+at.Repository, at.Path(), &repository
		if _, err := j.Call(ctx, req); err != nil {
			return err
		}
		is = repository.Archived
		archived[at.Path()] = is
	}
	if is {
		return &fault{problem: at.Owner + "/" + at.Repository + " is archived", cure: "unarchive it, or take it out of store"}
	}
	return nil
}

// storeAll writes a value to every target, whatever the others say, and tells how
// many took it.
func (j *job) storeAll(ctx context.Context, value redact.String) (took int) {
	for _, t := range j.targets {
		if t.err = secret.NotTried(ctx); t.err != nil {
			continue
		}
		// A machine that was asleep: the time of a context stood still meanwhile.
		if time.Since(j.begun) > window {
			t.err = &fault{problem: "not tried: the time was up"}
			continue
		}
		sent, status := false, 0
		watch := func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			leaves := r.Method == apicall.Put && ctx.Err() == nil // or it could not have
			answer, err := j.Call(ctx, r)
			if leaves {
				sent, status = true, answer.Status
			}
			return answer, err
		}
		_, t.err = secret.Put(ctx, watch, t.place, t.store.Secret, value, t.access)
		if t.took = t.err == nil; t.took {
			took++
			if j.exclusive() {
				t.sign(ctx, j.Call)
			}
		}
		// Of an answer that was lost, and of GitHub's own trouble, nobody knows.
		t.unsure = sent && !t.took && (status < 400 || status >= 500)
	}
	return took
}

// sign notes the time of our own write, as long as it is likely to be ours. Where
// GitHub's copy is behind, verify does it.
func (t *target) sign(ctx context.Context, call apicall.Func) {
	if t.read(ctx, call) == nil && t.updated.After(t.before) {
		t.written = t.updated
	}
}

// untouched tells whether it is sure that no store holds the new value. A refusal
// may be the answer to a second attempt of a write, so the times decide.
func (j *job) untouched(ctx context.Context) bool {
	for _, t := range j.targets {
		if t.took || t.unsure || t.read(ctx, j.Call) != nil || !t.updated.Equal(t.before) {
			return false
		}
	}
	return true
}

// waits are between looks at what GitHub says it did: a copy of its database may
// be behind.
var waits = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 0}

// eventually looks until check is content.
func eventually(ctx context.Context, check func() error) error {
	var err error
	for _, wait := range waits {
		if err = check(); err == nil || wait == 0 || !pause(ctx, wait) {
			break
		}
	}
	return err
}

// verify looks whether the writes show.
func (j *job) verify(ctx context.Context) {
	for _, t := range j.targets {
		if !t.took {
			continue
		}
		t.err = eventually(ctx, func() error {
			if err := t.read(ctx, j.Call); err != nil {
				return err
			}
			if !t.updated.After(t.before) {
				return &fault{problem: fmt.Sprintf("GitHub took the new value and still tells of the one of %s", t.before.UTC().Format(time.RFC3339))}
			}
			if t.written.IsZero() {
				t.written = t.updated
			}
			return nil
		})
	}
}

// alone makes sure, after all writes, that no other run wrote meanwhile: values of
// two runs in two stores, or beside a variable, would look fine and not work.
func (j *job) alone(ctx context.Context) {
	for _, t := range j.targets {
		if t.err != nil {
			continue
		}
		if t.err = eventually(ctx, func() error { return t.read(ctx, j.Call) }); t.err == nil && !t.updated.Equal(t.written) {
			t.err = &fault{
				problem: "another run wrote " + t.name() + " at the same time",
				cure:    "run it again with force: " + j.Name + ", and give the workflow concurrency:",
			}
		}
	}
}

// failures names every target that failed; nil when all have the new value.
func (j *job) failures() error {
	var list []error
	for _, t := range j.targets {
		if t.err != nil {
			list = append(list, &fault{problem: "could not renew " + t.name(), err: t.err})
		}
	}
	return errors.Join(list...)
}
