package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/valetkey/valetkey/internal/secret"
)

// retirement is by what old keys are judged. All times are GitHub's own, so that no
// clock of a machine can cost a key.
//
// A run does not write later than lease after it made its key. So a key within the
// lease of ref may be that of a run that raced the one of ref, and goes later. An
// older one is on its way no more, and only a store that was last written within lease
// of its creation can hold it.
type retirement struct {
	ref    time.Time             // when the key in use was created; or now, once no run that raced its own can be at work
	keep   int                   // so many replaced ones stay
	grace  time.Duration         // and each for so long, for the jobs that have read it
	urgent func(*deployKey) bool // those that neither is for; nil: none
	stores []fact
}

// surplus returns the keys that nobody holds and nobody wants kept, and the urgent ones
// that another run may still be storing. generations are newest first.
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

// dead returns the keys of runs that died, or failed, before they stored them
// anywhere.
func dead(unfinished []*deployKey, now time.Time, stores []fact) (free []*deployKey) {
	for _, k := range unfinished {
		if now.Sub(k.CreatedAt) > lease && !k.heldBy(stores) {
			free = append(free, k)
		}
	}
	return free
}

// replacedAt notes of each key that no store can hold since when, at the latest, that
// is so: when the last store was written. Where that is known it stays.
func replacedAt(keys []*deployKey, stores []fact) {
	at := slices.MaxFunc(stores, byTime).updated
	for _, k := range keys {
		if k.replaced.IsZero() && !k.heldBy(stores) {
			k.replaced = at
		}
	}
}

// urgent returns what must go as soon as made has taken its place: all keys before it
// when somebody else has one, and those that can write when none should.
func (j *job) urgent(made *deployKey) func(*deployKey) bool {
	return func(k *deployKey) bool {
		return !k.CreatedAt.After(made.CreatedAt) && (j.exposed() || j.DeployKey.ReadOnly && !k.ReadOnly)
	}
}

// tidy removes what nobody needs before anything is made. What is left when it fails or
// is cut short is for the next run.
func (j *job) tidy(ctx context.Context, unfinished, generations []*deployKey) error {
	free := dead(unfinished, j.told, j.facts())
	if len(generations) == 0 {
		return j.retire(ctx, free, nil)
	}
	current := generations[0]
	replacedAt(generations[1:], j.facts())
	old := retirement{ref: j.settledAt(current), keep: j.Keep, grace: j.RetireAfter, stores: j.facts()}
	if j.DeployKey.ReadOnly && current.ReadOnly {
		old.urgent = func(k *deployKey) bool { return !k.ReadOnly }
	}
	more, _ := old.surplus(generations[1:])
	err := j.retire(ctx, append(free, more...), current)
	j.lingers = err != nil && old.urgent != nil && slices.ContainsFunc(more, old.urgent)
	return err
}

// retireBefore removes what made, which is in every store and was seen there, has
// replaced.
func (j *job) retireBefore(ctx context.Context, made *deployKey, generations []*deployKey) error {
	begun := time.Now()
	free, waiting := j.replacedBy(made, generations, j.facts())
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

// replacedBy returns what goes when made is in every store, and what goes a little later.
func (j *job) replacedBy(made *deployKey, generations []*deployKey, stores []fact) (free, waiting []*deployKey) {
	replacedAt(generations, stores)
	old := retirement{ref: made.CreatedAt, keep: j.Keep, grace: j.RetireAfter, urgent: j.urgent(made), stores: stores}
	return old.surplus(generations)
}

// foretell says which keys a run would remove after it has made a new one now.
func (j *job) foretell(ctx context.Context, generations []*deployKey) error {
	stores := j.facts()
	for i := range stores {
		stores[i].updated = j.now
	}
	next := &deployKey{CreatedAt: j.now}
	free, waiting := j.replacedBy(next, generations, stores)
	return j.retire(ctx, append(free, waiting...), next)
}

// outwait waits until no run that made k can still be storing it. Every store has got
// the new one meanwhile, and retire sees whether that is still so.
func (j *job) outwait(ctx context.Context, wait time.Duration, k *deployKey) error {
	if wait <= 0 {
		return nil
	}
	j.info("waiting %s, and then deploy key %d goes: it is so new that another run may still be storing it", Words(wait), k.ID)
	if !pause(ctx, wait) {
		return secret.NotTried(ctx)
	}
	return nil
}

// retire removes keys, one after the other, each after a last look. A dry run only
// names them.
func (j *job) retire(ctx context.Context, keys []*deployKey, current *deployKey) error {
	for _, k := range keys {
		if err := secret.NotTried(ctx); err != nil {
			return err
		}
		if j.DryRun {
			j.info("would remove deploy key %d of %s", k.ID, Words(j.now.Sub(k.CreatedAt)))
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
			continue // by another run, or by a person
		}
		j.retired++
		j.info("removed deploy key %d of %s", k.ID, Words(j.now.Sub(k.CreatedAt)))
	}
	return nil
}

// lastLook is right before a key goes: it is there, the one that took its place is
// there and works, and no store was written since. It reports whether the key is gone
// already. current is nil where no store has any.
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
	return false, j.unmoved(ctx)
}

// unmoved returns an error unless every store still tells of the time that was decided
// by.
func (j *job) unmoved(ctx context.Context) error {
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
