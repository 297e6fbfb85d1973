package rotate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// target is one secret that a rotation writes.
type target struct {
	store      *manifest.Store
	place      secret.Place
	before     time.Time // updated_at when the run began; zero: there was none
	updated    time.Time // updated_at as it was last read
	written    time.Time // updated_at as it was first read after our write; zero: not seen yet
	visibility string    // the visibility of an organization's secret
	access     *secret.Access
	writer     *secret.Writer // has the public key of the place
	took       bool           // GitHub confirmed the write
	unsure     bool           // GitHub did not confirm the write, but may have taken it
	notTried   bool           // because an earlier target failed
	sent       bool           // a write was sent
	answer     apicall.Answer // to the last write
	err        error
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
		t.updated, t.visibility = entry.UpdatedAt, entry.Visibility
	}
	return err
}

// look reads every store, even if some fail. All must be known before anything
// is made.
func (j *job) look(ctx context.Context) error {
	if len(j.targets) == 0 {
		return errNothing
	}
	took := make([]time.Duration, len(j.targets))
	each(len(j.targets), func(i int) {
		t := j.targets[i]
		begun := time.Now()
		if t.err = secret.NotTried(ctx); t.err == nil {
			t.err = t.read(ctx, j.Call)
		}
		t.before, took[i] = t.updated, time.Since(begun)
	})
	slices.Sort(took)
	j.median = took[len(took)/2]
	var errs []error
	for _, t := range j.targets {
		if t.err != nil && (len(errs) == 0 || ctx.Err() == nil) { // a run that was cancelled says so once
			errs = append(errs, t.err)
		}
	}
	return errors.Join(errs...)
}

// observations returns those of the stores in the order of the manifest.
func (j *job) observations() []observation { return observationsOf(j.targets) }

func observationsOf(targets []*target) []observation {
	list := make([]observation, len(targets))
	for i, t := range targets {
		list[i] = observation{t.name(), t.updated}
	}
	return list
}

// inOrder returns the targets in the order in which a value is written to them.
// The order does not depend on the manifest, so that no store seems unreached
// after somebody sorts the manifest.
func (j *job) inOrder() []*target {
	return slices.SortedFunc(slices.Values(j.targets), func(a, b *target) int {
		return cmp.Or(cmp.Compare(a.place.Key(), b.place.Key()),
			strings.Compare(strings.ToUpper(a.store.Secret), strings.ToUpper(b.store.Secret)))
	})
}

// storeAll writes a value to the targets and returns how many took it.
//
// Keys of two runs are both valid, so the stores get a new key in parallel. For
// any other value, the times of the stores have to show which ones a run did
// not reach, so they are written one after the other. If all must hold the same
// value, the first failure ends the writing: the fewer stores differ from
// before, the better.
func (j *job) storeAll(ctx context.Context, value redact.String) (took int) {
	if j.DeployKey != nil {
		each(len(j.targets), func(i int) { j.store(ctx, j.targets[i], value) })
	} else {
		var noting apicall.Group
		failed := ""
		for _, t := range j.inOrder() {
			if failed != "" && j.exclusive() {
				t.notTried, t.err = true, errors.New("not tried: "+failed+" failed, and all must hold the same value")
				continue
			}
			if j.store(ctx, t, value); t.err != nil {
				failed = cmp.Or(failed, t.name())
			} else if j.exclusive() {
				noting.Go(func() { t.noteWrite(ctx, j.Call) })
			}
		}
		noting.Wait()
	}
	for _, t := range j.targets {
		if t.took {
			took++
		}
	}
	return took
}

// store writes the value to one target.
func (j *job) store(ctx context.Context, t *target, value redact.String) {
	if t.err = secret.NotTried(ctx); t.err != nil {
		return
	}
	// While a machine sleeps, the time of a context stands still.
	if time.Since(j.begun) > window {
		t.err = errors.New("not tried: the time was up")
		return
	}
	t.sent, t.answer = false, apicall.Answer{}
	_, t.err = t.writer.Write(ctx, t.store.Secret, value, t.access)
	t.took = t.err == nil
	// After a lost answer or an error of GitHub's own, it is not known.
	t.unsure = t.sent && !t.took && (t.answer.Status < 400 || t.answer.Status >= 500)
}

// watched returns the call that a target's writer uses. It notes whether a
// write was sent, and the answer to the last one.
func (t *target) watched(call apicall.Func) apicall.Func {
	return func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
		sends := r.Method == http.MethodPut && ctx.Err() == nil // with a cancelled context it can't
		answer, err := call(ctx, r)
		if sends {
			t.sent, t.answer = true, answer
		}
		return answer, err
	}
}

// noteWrite notes the time of our own write, while it is still likely to be
// ours. If the copy of the database that GitHub reads from is behind, verify
// does it.
func (t *target) noteWrite(ctx context.Context, call apicall.Func) {
	if t.read(ctx, call) == nil && t.updated.After(t.before) {
		t.written = t.updated
	}
}

// untouched reports whether it is sure that no store holds the new value. A
// refusal may be the answer to the second attempt of a write, so the times
// decide.
func (j *job) untouched(ctx context.Context) bool {
	var touched atomic.Bool
	each(len(j.targets), func(i int) {
		t := j.targets[i]
		if touched.Load() || t.took || t.unsure || t.read(ctx, j.Call) != nil || !t.updated.Equal(t.before) {
			touched.Store(true)
		}
	})
	return !touched.Load()
}

// waits are the pauses between reads that look for the effect of a write: the
// copy of the database that GitHub reads from may be behind.
var waits = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 0}

// eventually calls check until it succeeds, or until all waits are over.
func eventually(ctx context.Context, check func() error) error {
	var err error
	for _, wait := range waits {
		if err = check(); err == nil || wait == 0 || !pause(ctx, wait) {
			break
		}
	}
	return err
}

// verify checks that the writes are visible.
func (j *job) verify(ctx context.Context) {
	each(len(j.targets), func(i int) {
		t := j.targets[i]
		if !t.took || !t.written.IsZero() {
			return
		}
		t.err = eventually(ctx, func() error {
			if err := t.read(ctx, j.Call); err != nil {
				return err
			}
			if !t.updated.After(t.before) {
				return fmt.Errorf("GitHub took the new value and still reports the one of %s", t.before.UTC().Format(time.RFC3339))
			}
			t.written = t.updated
			return nil
		})
	})
}

// checkNobodyElseWrote makes sure, after all writes, that no other run wrote
// meanwhile. Values of two runs in two stores, or in a secret and its variable,
// would look fine and not work.
func (j *job) checkNobodyElseWrote(ctx context.Context) {
	each(len(j.targets), func(i int) {
		t := j.targets[i]
		if t.err != nil {
			return
		}
		if t.err = eventually(ctx, func() error { return t.read(ctx, j.Call) }); t.err == nil && t.rewritten() {
			t.err = fault.New(
				"another run wrote "+t.name()+" at the same time",
				"run it again with force: "+j.Name+", and give the workflow concurrency:",
			)
		}
	})
}

// rewritten reports whether the secret was written again after our own write:
// its time is not the one right after our write, or is later than the answer to
// it.
func (t *target) rewritten() bool {
	answered := t.answer.Date
	return !t.updated.Equal(t.written) || !answered.IsZero() && t.updated.After(answered.Add(time.Second))
}

// failures returns an error that names every target that failed; nil when all
// have the new value. Targets that were not tried because of another are
// counted.
func (j *job) failures() error {
	var list []error
	left := 0
	for _, t := range j.targets {
		switch {
		case t.notTried:
			left++
		case t.err != nil:
			list = append(list, fmt.Errorf("could not renew %s: %w", t.name(), t.err))
		}
	}
	if left > 0 {
		list = append(list, fault.New(
			fmt.Sprintf("%d more were not tried, since all must hold the same value", left),
			"the next run gives all of them a new value",
		))
	}
	return errors.Join(list...)
}
