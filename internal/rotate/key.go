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
// that nobody wants kept.
func (j *job) rotateKey(ctx context.Context) error {
	keys, err := j.listKeys(ctx)
	if err != nil {
		return err
	}
	j.kept = len(keys)
	j.decide(judgeKeys(j.now, rule{every: j.Every, forced: j.forced()}, j.DeployKey.ReadOnly, keys, j.facts()))
	if err := j.inTheWay(keys); err != nil {
		j.verdict = j.verdict.rotate(err.Error())
		return err
	}
	unfinished, generations := split(keys, j.facts())
	switch {
	case !j.verdict.busy.IsZero():
		return nil
	case !j.verdict.due: // every store has generations[0]
		return j.tidy(ctx, unfinished, generations)
	}
	if err := j.prepare(ctx); err != nil {
		return err
	}
	replaced := keys // of what is compromised all, whatever became of the runs that made them
	if !j.exposed() {
		if err := j.tidy(ctx, unfinished, generations); err != nil {
			j.info("what nobody needs any more is not removed yet: %v", err)
		}
		_, replaced = withHeld(unfinished, generations, j.facts())
	}
	if j.DryRun {
		return j.foretell(ctx, replaced)
	}
	strange := j.strange(keys)
	made, err := j.rollOut(ctx)
	if err != nil {
		return err // and nothing goes on its account
	}
	j.done, j.verdict.since, j.now = true, made.CreatedAt, made.CreatedAt
	err = j.retireBefore(ctx, made, replaced)
	if j.exposed() && strange != nil {
		j.lingers = true
		err = errors.Join(err, strange)
	}
	return err
}

// strange returns an error where a store may hold a key that is not of this rotation.
// When that is what somebody else has, no key that we retire takes it from him.
func (j *job) strange(ours []*deployKey) error {
	for _, store := range j.facts() {
		held := func(k *deployKey) bool { return k.heldBy([]fact{store}) }
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
				"find out whose they are, and remove by hand what is compromised",
			)
		}
	}
	return nil
}

// inTheWay is what no new key would mend.
func (j *job) inTheWay(keys []*deployKey) error {
	if len(keys) > 0 && keys[0].off() {
		return errOff(keys[0].ID) // a new one would be off as well
	}
	if store, by := takenBy(keys, j.foreign, j.facts()); by != nil && !j.forced() {
		return fault.New(
			fmt.Sprintf("%s holds a key of another rotation (deploy key %d, %s)", store, by.ID, idIn(by.Title)),
			"let only one rotation store it. Where a manifest was moved, or the rotation renamed, run once with force: "+j.Name+
				", and remove the keys of the old name by hand",
		)
	}
	return nil
}

// settledAt is what the age of keys is held against when all stores have current:
// its creation, and once no run that raced its own can still be at work, the time at
// which GitHub listed them. Where it did not say that, no other clock stands in for it.
func (j *job) settledAt(current *deployKey) time.Time {
	if j.told.Sub(current.CreatedAt) > lease {
		return j.told
	}
	return current.CreatedAt
}

// rollOut makes a key, stores it everywhere and sees it listed and in place. With an
// error it gives no key.
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
		if made != nil && samePublic(made.Key, public) { // and nothing else is ours to remove
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
		return j.isKey(&listed, made.ID, public)
	})
	if listed != nil {
		return nil, errors.Join(listed, j.failures())
	}
	if err := j.failures(); err != nil {
		return nil, err
	}
	return made, nil
}

// takeBackUnused removes a new key again when it is sure that no store holds it.
func (j *job) takeBackUnused(ctx context.Context, id int64) {
	inTime, cancel := afterwards(ctx)
	defer cancel()
	if j.untouched(inTime) {
		j.takeBack(ctx, id)
	}
}

func (j *job) takeBack(ctx context.Context, id int64) {
	inTime, cancel := afterwards(ctx)
	defer cancel()
	if err := j.removeKey(inTime, id); err != nil {
		j.info("deploy key %d is in no store and stays until the next run: %v", id, err)
		return
	}
	j.kept--
}
