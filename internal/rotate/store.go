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
	store   *manifest.Store
	place   secret.Place
	before  time.Time // updated_at when the run began; zero: there was none
	updated time.Time // as it was last read
	written time.Time // as it was read first after our write; zero: GitHub did not tell of that yet
	seenBy  string    // the visibility of an organization's secret
	access  *secret.Access
	writer  *secret.Writer // has the public key of the place
	took    bool           // GitHub said so
	unsure  bool           // it did not, but may have taken it all the same
	left    bool           // it was not tried, because an earlier one failed
	sent    bool           // a write left
	answer  apicall.Answer // to the last one
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

// facts are those of the stores in the order of the manifest.
func (j *job) facts() []fact { return factsOf(j.targets) }

func factsOf(targets []*target) []fact {
	list := make([]fact, len(targets))
	for i, t := range targets {
		list[i] = fact{t.name(), t.updated}
	}
	return list
}

// inOrder are the targets in the order in which a value is written to them. It is one
// of its own, so that nothing seems unreached when somebody sorts the manifest.
func (j *job) inOrder() []*target {
	return slices.SortedFunc(slices.Values(j.targets), func(a, b *target) int {
		return cmp.Or(cmp.Compare(a.place.Key(), b.place.Key()),
			strings.Compare(strings.ToUpper(a.store.Secret), strings.ToUpper(b.store.Secret)))
	})
}

// storeAll writes a value to the targets and tells how many took it.
//
// Keys of two runs are both good, so each store gets the new one as soon as it may. Of
// any other value the times of the stores tell which ones a run did not reach, so they
// are written one after the other. Where all must hold the same, the first that fails
// ends it: the fewer hold another value than before, the better.
func (j *job) storeAll(ctx context.Context, value redact.String) (took int) {
	if j.DeployKey != nil {
		each(len(j.targets), func(i int) { j.store(ctx, j.targets[i], value) })
	} else {
		var signing apicall.Group
		failed := ""
		for _, t := range j.inOrder() {
			if failed != "" && j.exclusive() {
				t.left, t.err = true, errors.New("not tried: "+failed+" failed, and all must hold the same")
				continue
			}
			if j.store(ctx, t, value); t.err != nil {
				failed = cmp.Or(failed, t.name())
			} else if j.exclusive() {
				signing.Go(func() { t.sign(ctx, j.Call) })
			}
		}
		signing.Wait()
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
	// A machine that was asleep: the time of a context stood still meanwhile.
	if time.Since(j.begun) > window {
		t.err = errors.New("not tried: the time was up")
		return
	}
	t.sent, t.answer = false, apicall.Answer{}
	_, t.err = t.writer.Write(ctx, t.store.Secret, value, t.access)
	t.took = t.err == nil
	// Of an answer that was lost, and of GitHub's own trouble, nobody knows.
	t.unsure = t.sent && !t.took && (t.answer.Status < 400 || t.answer.Status >= 500)
}

// watched is the call that a target's writer uses: it notes whether a write left, and
// what came of the last one.
func (t *target) watched(call apicall.Func) apicall.Func {
	return func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
		leaves := r.Method == http.MethodPut && ctx.Err() == nil // or it could not have
		answer, err := call(ctx, r)
		if leaves {
			t.sent, t.answer = true, answer
		}
		return answer, err
	}
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
	var touched atomic.Bool
	each(len(j.targets), func(i int) {
		t := j.targets[i]
		if touched.Load() || t.took || t.unsure || t.read(ctx, j.Call) != nil || !t.updated.Equal(t.before) {
			touched.Store(true)
		}
	})
	return !touched.Load()
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
				return fmt.Errorf("GitHub took the new value and still tells of the one of %s", t.before.UTC().Format(time.RFC3339))
			}
			t.written = t.updated
			return nil
		})
	})
}

// alone makes sure, after all writes, that no other run wrote meanwhile: values of
// two runs in two stores, or beside a variable, would look fine and not work.
func (j *job) alone(ctx context.Context) {
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

// rewritten reports whether the secret was written after our own write: it tells of
// another time than right after that, or of one after the answer to it.
func (t *target) rewritten() bool {
	answered := t.answer.Date
	return !t.updated.Equal(t.written) || !answered.IsZero() && t.updated.After(answered.Add(time.Second))
}

// failures names every target that failed; nil when all have the new value. Those that
// were left for another's sake are counted.
func (j *job) failures() error {
	var list []error
	left := 0
	for _, t := range j.targets {
		switch {
		case t.left:
			left++
		case t.err != nil:
			list = append(list, fmt.Errorf("could not renew %s: %w", t.name(), t.err))
		}
	}
	if left > 0 {
		list = append(list, fault.New(
			fmt.Sprintf("%d more were not tried, since all must hold the same", left),
			"the next run gives all of them a new value",
		))
	}
	return errors.Join(list...)
}
