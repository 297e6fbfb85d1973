package rotate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
)

// rotateKey replaces a deploy key when that is due, and removes the generations
// that nobody wants to keep.
func (j *job) rotateKey(ctx context.Context) error {
	keys, err := j.listKeys(ctx)
	if err != nil {
		return err
	}
	j.kept = len(keys)
	j.setDecision(decideKey(j.now, rule{every: j.Every, forced: j.forced()}, j.DeployKey.ReadOnly, keys, j.observations()))
	if err := j.inTheWay(keys); err != nil {
		j.decision = j.decision.rotate(err.Error())
		return err
	}
	unfinished, generations := split(keys, j.observations())
	switch {
	case !j.decision.busy.IsZero():
		return nil
	case !j.decision.due: // every store has generations[0]
		return j.tidy(ctx, unfinished, generations)
	}
	if err := j.prepare(ctx); err != nil {
		return err
	}
	replaced := keys // of a compromised rotation all of them, whatever became of the runs that made them
	if !j.exposed() {
		if err := j.tidy(ctx, unfinished, generations); err != nil {
			j.info("keys that nobody needs any more are not removed yet: %v", err)
		}
		_, replaced = withHeld(unfinished, generations, j.observations())
	}
	if j.DryRun {
		return j.previewRetirement(ctx, replaced)
	}
	strange := j.checkForeignKeys(keys)
	made, err := j.rollOut(ctx)
	if err != nil {
		return err // and no old key is removed
	}
	j.done, j.decision.since, j.now = true, made.CreatedAt, made.CreatedAt
	err = j.retireBefore(ctx, made, replaced)
	if j.exposed() && strange != nil {
		j.lingers = true
		err = errors.Join(err, strange)
	}
	return err
}

// checkForeignKeys returns an error where a store may have held a key that is
// not of this rotation. If that is the compromised one, it is not among the
// keys that we remove.
func (j *job) checkForeignKeys(ours []*deployKey) error {
	for _, store := range j.observations() {
		held := func(k *deployKey) bool { return k.heldBy([]observation{store}) }
		if slices.ContainsFunc(ours, held) {
			continue
		}
		var ids []string
		for _, k := range slices.Concat(j.foreign, j.byHand) {
			if !k.CreatedAt.After(store.updated) {
				ids = append(ids, fmt.Sprint(k.ID))
			}
		}
		if len(ids) > 0 {
			return fault.New(
				fmt.Sprintf("%s held a key that is not of this rotation; of those that are left, it may be deploy key %s", store.name,
					strings.Join(ids, ", ")),
				"find out whose they are, and remove compromised ones by hand",
			)
		}
	}
	return nil
}

// inTheWay returns the error of a problem that a new key would not fix.
func (j *job) inTheWay(keys []*deployKey) error {
	if len(keys) > 0 && keys[0].off() {
		return errOff(keys[0].ID) // a new one would be off as well
	}
	if store, by := takenBy(keys, j.foreign, j.observations()); by != nil && !j.forced() {
		return fault.New(
			fmt.Sprintf("%s holds a key of another rotation (deploy key %d, %s)", store, by.ID, idIn(by.Title)),
			"let only one rotation store it. If the manifest was moved, or the rotation renamed, run once with force: "+j.Name+
				", and remove the keys of the old name by hand",
		)
	}
	return nil
}

// settledAt returns the time that the age of keys is compared with when all
// stores have current. That is its creation; once no run that raced its own can
// still be at work, it is the time at which GitHub listed the keys. If GitHub
// did not give that time, no other clock is used instead.
func (j *job) settledAt(current *deployKey) time.Time {
	if j.listedAt.Sub(current.CreatedAt) > lease {
		return j.listedAt
	}
	return current.CreatedAt
}

// rollOut makes a key, stores it everywhere, and checks that it is listed and
// in place. With an error it returns no key.
func (j *job) rollOut(ctx context.Context) (*deployKey, error) {
	inTime, cancel := j.inTime(ctx)
	defer cancel()
	title := newTitle(j.DeployKey.Title, j.id, j.now)
	private, public, err := j.newKey(title)
	if err != nil {
		return nil, err
	}
	made, err := j.addKey(inTime, title, public)
	if made != nil {
		j.kept++
	}
	if err != nil {
		if made != nil && samePublic(made.Key, public) { // any other key is not ours to remove
			j.takeBack(ctx, made.ID)
		}
		return nil, err
	}
	j.info("made deploy key %d of %s/%s", made.ID, j.DeployKey.Owner, j.DeployKey.Repository)
	if j.storeAll(inTime, private) == 0 {
		err = j.failures()
		j.takeBackUnused(ctx, made.ID)
		return nil, err
	}
	j.verify(ctx)
	listed := eventually(ctx, func() error {
		var listed deployKey
		op, path := fmt.Sprintf("look at deploy key %d", made.ID), fmt.Sprintf("/%d", made.ID)
		if _, err := j.keyCall(ctx, op, http.MethodGet, path, nil, &listed); err != nil {
			return err
		}
		return j.checkKey(&listed, made.ID, public)
	})
	if listed != nil {
		return nil, errors.Join(listed, j.failures())
	}
	if err := j.failures(); err != nil {
		return nil, err
	}
	return made, nil
}

// takeBackUnused removes a new key if it is sure that no store holds it.
func (j *job) takeBackUnused(ctx context.Context, id int64) {
	inTime, cancel := cleanupContext(ctx)
	defer cancel()
	if j.untouched(inTime) {
		j.takeBack(ctx, id)
	}
}

func (j *job) takeBack(ctx context.Context, id int64) {
	inTime, cancel := cleanupContext(ctx)
	defer cancel()
	if err := j.removeKey(inTime, id); err != nil {
		j.info("deploy key %d is in no store and stays until the next run: %v", id, err)
		return
	}
	j.kept--
}
