package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/valetkey/valetkey/internal/secret"
)

// retirement holds what decides which old keys are removed. All times are
// GitHub's own, so that no machine's clock can cost a key.
//
// A run does not write later than lease after it made its key. So a key within
// the lease of ref may belong to a run that raced the one that made ref, and is
// removed later. An older key is not on its way to a store any more, and only a
// store that was last written within the lease of its creation can hold it.
type retirement struct {
	ref    time.Time             // when the key in use was created; or now, see settledAt
	keep   int                   // how many replaced keys stay
	grace  time.Duration         // how long each stays, for the jobs that have read it
	urgent func(*deployKey) bool // which keys get neither of the two; nil: none
	stores []observation
}

// surplus returns free, the keys that no store holds and nobody wants to keep,
// and waiting, the urgent ones that another run may still be storing.
// generations are listed newest first.
func (r retirement) surplus(generations []*deployKey) (free, waiting []*deployKey) {
	for _, k := range generations {
		settled := r.ref.Sub(k.CreatedAt) > lease
		switch {
		case r.urgent != nil && r.urgent(k):
			if settled && !k.heldBy(r.stores) {
				free = append(free, k)
			} else {
				waiting = append(waiting, k)
			}
		case !settled:
		case r.keep > 0:
			r.keep--
		case !k.heldBy(r.stores) && (r.grace == 0 || r.ref.Sub(k.replaced) >= r.grace):
			free = append(free, k)
		}
	}
	return free, waiting
}

// abandoned returns the keys of runs that died or failed before they stored
// them anywhere.
func abandoned(unfinished []*deployKey, now time.Time, stores []observation) (free []*deployKey) {
	for _, k := range unfinished {
		if now.Sub(k.CreatedAt) > lease && !k.heldBy(stores) {
			free = append(free, k)
		}
	}
	return free
}

// replacedAt sets, for each key that no store can hold, the time since when
// that is so at the latest: when the last store was written. A time that is
// known already stays.
func replacedAt(keys []*deployKey, stores []observation) {
	at := slices.MaxFunc(stores, byTime).updated
	for _, k := range keys {
		if k.replaced.IsZero() && !k.heldBy(stores) {
			k.replaced = at
		}
	}
}

// urgent returns a function that reports whether a key must be removed as soon
// as made has taken its place: all earlier keys if somebody else has one, and
// keys that can write if none should.
func (j *job) urgent(made *deployKey) func(*deployKey) bool {
	return func(k *deployKey) bool {
		return !k.CreatedAt.After(made.CreatedAt) && (j.exposed() || j.DeployKey.ReadOnly && !k.ReadOnly)
	}
}

// tidy removes the keys that nobody needs before anything is made. If it fails
// or is cut short, the next run removes the rest.
func (j *job) tidy(ctx context.Context, unfinished, generations []*deployKey) error {
	free := abandoned(unfinished, j.listedAt, j.observations())
	if len(generations) == 0 {
		return j.retire(ctx, free, nil)
	}
	current := generations[0]
	replacedAt(generations[1:], j.observations())
	old := retirement{ref: j.settledAt(current), keep: j.Keep, grace: j.RetireAfter, stores: j.observations()}
	if j.DeployKey.ReadOnly && current.ReadOnly {
		old.urgent = func(k *deployKey) bool { return !k.ReadOnly }
	}
	more, _ := old.surplus(generations[1:])
	err := j.retire(ctx, append(free, more...), current)
	j.lingers = err != nil && old.urgent != nil && slices.ContainsFunc(more, old.urgent)
	return err
}

// retireBefore removes the keys that made has replaced. The caller has seen
// made in every store.
func (j *job) retireBefore(ctx context.Context, made *deployKey, generations []*deployKey) error {
	begun := time.Now()
	free, waiting := j.replacedBy(made, generations, j.observations())
	err := j.retire(ctx, free, made)
	for _, k := range waiting {
		if err == nil {
			err = j.outwait(ctx, lease+time.Second-made.CreatedAt.Sub(k.CreatedAt)-time.Since(begun), k)
		}
		if err == nil {
			err = j.retire(ctx, []*deployKey{k}, made)
		}
	}
	j.lingers = err != nil && slices.ContainsFunc(slices.Concat(free, waiting), j.urgent(made))
	return err
}

// replacedBy returns free, the keys that are removed when made is in every
// store, and waiting, those that are removed a little later.
func (j *job) replacedBy(made *deployKey, generations []*deployKey, stores []observation) (free, waiting []*deployKey) {
	replacedAt(generations, stores)
	old := retirement{ref: made.CreatedAt, keep: j.Keep, grace: j.RetireAfter, urgent: j.urgent(made), stores: stores}
	return old.surplus(generations)
}

// previewRetirement logs which keys a run would remove if it made a new one
// now.
func (j *job) previewRetirement(ctx context.Context, generations []*deployKey) error {
	stores := j.observations()
	for i := range stores {
		stores[i].updated = j.now
	}
	next := &deployKey{CreatedAt: j.now}
	free, waiting := j.replacedBy(next, generations, stores)
	return j.retire(ctx, append(free, waiting...), next)
}

// outwait waits until no run that made k can still be storing it. Every store
// has got the new key by then, and retire checks whether that is still so.
func (j *job) outwait(ctx context.Context, wait time.Duration, k *deployKey) error {
	if wait <= 0 {
		return nil
	}
	j.info("waiting %s before deploy key %d is removed: it is so new that another run may still be storing it", FormatAge(wait), k.ID)
	if !pause(ctx, wait) {
		return secret.NotTried(ctx)
	}
	return nil
}

// retire removes keys, one after the other, each after a last check. A dry run
// only names them.
func (j *job) retire(ctx context.Context, keys []*deployKey, current *deployKey) error {
	for _, k := range keys {
		if err := secret.NotTried(ctx); err != nil {
			return err
		}
		if j.DryRun {
			j.info("would remove deploy key %d, which is %s old", k.ID, FormatAge(j.now.Sub(k.CreatedAt)))
			continue
		}
		gone, err := j.lastLook(ctx, k, current)
		if err == nil && !gone {
			err = j.removeKey(ctx, k.ID)
		}
		if err != nil {
			return err
		}
		j.kept--
		if gone {
			continue // another run or a person removed it
		}
		j.retired++
		j.info("removed deploy key %d, which was %s old", k.ID, FormatAge(j.now.Sub(k.CreatedAt)))
	}
	return nil
}

// lastLook checks, right before a key is removed, that it exists, that the key
// that took its place exists and works, and that no store was written since. It
// reports whether the key is gone already. current is nil if no store holds a
// key.
func (j *job) lastLook(ctx context.Context, k, current *deployKey) (gone bool, err error) {
	keys, err := j.listKeys(ctx)
	if err != nil {
		return false, err
	}
	find := func(id int64) *deployKey {
		if i := slices.IndexFunc(keys, func(k *deployKey) bool { return k.ID == id }); i >= 0 {
			return keys[i]
		}
		return nil
	}
	if current != nil {
		switch now := find(current.ID); {
		case now == nil || !samePublic(now.Key, current.Key) || now.ReadOnly != current.ReadOnly:
			return false, fmt.Errorf("deploy key %d is not listed any more, so none of those before it is removed", current.ID)
		case now.off():
			return false, errOff(current.ID)
		}
	}
	if find(k.ID) == nil {
		return true, nil
	}
	return false, j.checkUnchanged(ctx)
}

// checkUnchanged returns an error unless every store still has the time on
// which the decision was based.
func (j *job) checkUnchanged(ctx context.Context) error {
	errs := make([]error, len(j.targets))
	each(len(j.targets), func(i int) {
		t := j.targets[i]
		entry, _, err := secret.Get(ctx, j.Call, t.place, t.store.Secret)
		if err == nil && !entry.UpdatedAt.Equal(t.updated) {
			err = errors.New(t.name() + " was written meanwhile, so no key is removed: the next run looks again")
		}
		errs[i] = err
	})
	return errors.Join(errs...)
}
