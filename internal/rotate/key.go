package rotate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/secret"
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
	if len(keys) > 0 && keys[0].off() {
		// A new one would be off as well.
		err := errOff(keys[0].ID)
		j.verdict = j.verdict.rotate(err.Error())
		return err
	}
	unfinished, generations := split(keys, j.facts())
	switch {
	case !j.verdict.busy.IsZero():
		return nil
	case !j.verdict.due && j.DryRun:
		return nil
	case !j.verdict.due: // every store has generations[0]
		return j.retire(ctx, surplus(nil, generations[1:], j.settledAt(generations[0]), j.Keep, j.facts()))
	}
	if err := j.prepare(ctx); err != nil || j.DryRun {
		return err
	}
	unfinished, generations = withHeld(unfinished, generations, j.facts())
	made, err := j.rollOut(ctx)
	if made == nil {
		return err // and nothing has changed
	}
	keep := j.Keep
	if err != nil {
		keep++ // the new one is none yet
	} else {
		j.done, j.verdict.since, j.now = true, made.CreatedAt, made.CreatedAt
	}
	if !j.reread(ctx) {
		return err // the next run sees to the rest
	}
	if retireErr := j.retire(ctx, surplus(unfinished, generations, made.CreatedAt, keep, j.facts())); err == nil {
		err = retireErr
	}
	return err
}

// settledAt is what the age of keys is held against when all stores have current:
// its creation, and now once no run that raced its own can still be at work. The
// clock must be GitHub's for that.
func (j *job) settledAt(current *deployKey) time.Time {
	if j.Now != nil && j.now.Sub(current.CreatedAt) > lease {
		return j.now
	}
	return current.CreatedAt
}

// rollOut makes a key, stores it and verifies both. It gives no key when nothing may
// be removed on its account.
func (j *job) rollOut(ctx context.Context) (*deployKey, error) {
	inTime, cancel := j.inTime(ctx)
	defer cancel()
	title := newTitle(j.DeployKey.Title, j.now)
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
		return made, err
	}
	j.verify(ctx)
	if err := eventually(ctx, func() error {
		var listed deployKey
		if _, err := j.keyCall(ctx, fmt.Sprintf("look at deploy key %d", made.ID), apicall.Get, fmt.Sprintf("/%d", made.ID), nil, &listed); err != nil {
			return err
		}
		return j.isKey(&listed, made.ID, public)
	}); err != nil {
		return nil, errors.Join(err, j.failures())
	}
	return made, j.failures()
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

// reread brings the times of the stores that failed up to date, and tells whether
// all are known.
func (j *job) reread(ctx context.Context) bool {
	for _, t := range j.targets {
		if t.err != nil && t.read(ctx, j.Call) != nil {
			return false
		}
	}
	return true
}

// retire removes keys. What is left when it fails or is cut short is for the next
// run.
func (j *job) retire(ctx context.Context, keys []*deployKey) error {
	for _, k := range keys {
		if err := secret.NotTried(ctx); err != nil {
			return err
		}
		if err := j.removeKey(ctx, k.ID); err != nil {
			return err
		}
		j.retired++
		j.kept--
		j.info("removed deploy key %d of %s", k.ID, Words(j.now.Sub(k.CreatedAt)))
	}
	return nil
}
