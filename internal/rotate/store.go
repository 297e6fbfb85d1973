package rotate

import (
	"context"
	"errors"
	"fmt"
	"time"

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
func (t *target) read(ctx context.Context, call secret.Call) error {
	entry, _, err := secret.Get(ctx, call, t.place, t.store.Secret)
	if err == nil {
		t.updated, t.seenBy = entry.UpdatedAt, entry.Visibility
	}
	return err
}

// look reads every store. All must be known before anything is made.
func (j *job) look(ctx context.Context) error {
	if len(j.targets) == 0 {
		return errNothing
	}
	for _, t := range j.targets {
		if t.err = t.read(ctx, j.Call); t.err != nil {
			return t.err
		}
		t.before = t.updated
	}
	return nil
}

func (j *job) facts() []fact {
	list := make([]fact, len(j.targets))
	for i, t := range j.targets {
		list[i] = fact{t.name(), t.updated}
	}
	return list
}

// prepare is what can fail before anything is made.
func (j *job) prepare(ctx context.Context) error {
	var last time.Time
	for i, t := range j.targets {
		if last.Before(t.before) {
			last = t.before
		}
		if t.store.Organization == "" || j.Access == nil {
			continue
		}
		if i > 0 && j.targets[i-1].store == t.store {
			t.access = j.targets[i-1].access
		} else if t.access, t.err = j.Access(ctx, *t.store); t.err != nil {
			return t.err
		}
	}
	// Times are in whole seconds: a write shows only when the last one was not in
	// the same second, by GitHub's clock.
	if wait := time.Until(last.Add(2 * time.Second)); wait > 0 && !pause(ctx, min(wait, 3*time.Second)) {
		return secret.NotTried(ctx)
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
		if time.Since(j.now.Round(0)) > window {
			t.err = &fault{problem: "not tried: the time was up"}
			continue
		}
		sent, status := false, 0
		watch := func(ctx context.Context, r secret.Request) (int, error) {
			s, err := j.Call(ctx, r)
			if r.Method == methodPut {
				sent, status = true, s
			}
			return s, err
		}
		_, t.err = secret.Put(ctx, watch, t.place, t.store.Secret, value, t.access)
		if t.took = t.err == nil; t.took {
			took++
		}
		// Of an answer that was lost, and of GitHub's own trouble, nobody knows.
		t.unsure = sent && !t.took && (status < 400 || status >= 500)
	}
	return took
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
			return nil
		})
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
