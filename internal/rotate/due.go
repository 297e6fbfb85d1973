package rotate

import (
	"fmt"
	"slices"
	"time"
)

// lease is how long after its creation a key may still be on its way to a store.
// A run has window for all of its writes, counted from before the creation; the
// rest is for requests that are late and clocks that differ.
const (
	lease  = 15 * time.Minute
	window = 10 * time.Minute
)

// rule is what is wanted of a rotation.
type rule struct {
	every  time.Duration
	forced bool
	// exclusive: two runs at once must not mix, because stores with values of
	// different runs would not fit together.
	exclusive bool
}

// fact is what GitHub tells of one store.
type fact struct {
	name    string
	updated time.Time // zero: there is no such secret
}

func byTime(a, b fact) int { return a.updated.Compare(b.updated) }

// verdict is what is to be done.
type verdict struct {
	due     bool
	busy    time.Time // another run may be at it until then
	reason  string
	since   time.Time // when what is in use was made
	meddled string    // what somebody else wrote; empty: nothing
}

// deployKey is a key of ours, as GitHub tells of it.
type deployKey struct {
	ID        int64     `json:"id"`
	Key       string    `json:"key"`
	Title     string    `json:"title"`
	CreatedAt time.Time `json:"created_at"`
	ReadOnly  bool      `json:"read_only"`
	Enabled   *bool     `json:"enabled"` // false where the organization has switched deploy keys off

	replaced time.Time // when the last store got another, at the latest; zero: no run has seen that yet
}

// split parts keys, which are newest first, into those of runs that died before
// every store had them, and generations: the newest that every store may have,
// and all before it. A store that is new to the manifest is not asked, or all
// generations would go as unfinished.
func split(keys []*deployKey, stores []fact) (unfinished, generations []*deployKey) {
	i := slices.IndexFunc(keys, func(k *deployKey) bool {
		return !slices.ContainsFunc(stores, func(s fact) bool { return !s.updated.IsZero() && s.updated.Before(k.CreatedAt) })
	})
	if i < 0 {
		return keys, nil
	}
	return keys[:i], keys[i:]
}

// withHeld moves the keys that some store holds from unfinished to generations: a
// run died between two stores, or one of them is new to the manifest and brought an
// older secret along. Either way it is in use until the next is everywhere.
func withHeld(unfinished, generations []*deployKey, stores []fact) (_, _ []*deployKey) {
	var free, used []*deployKey
	for _, k := range unfinished {
		if k.heldBy(stores) {
			used = append(used, k)
		} else {
			free = append(free, k)
		}
	}
	return free, append(used, generations...)
}

// heldBy tells whether some store may hold the key: one that was written within the
// lease of its creation.
func (k *deployKey) heldBy(stores []fact) bool {
	return slices.ContainsFunc(stores, func(s fact) bool {
		age := s.updated.Sub(k.CreatedAt)
		return age >= 0 && age <= lease
	})
}

// judgeKeys decides about a deploy key.
func judgeKeys(now time.Time, r rule, readOnly bool, keys []*deployKey, stores []fact) verdict {
	unfinished, generations := split(keys, stores)
	missing := slices.IndexFunc(stores, func(s fact) bool { return s.updated.IsZero() })
	// No run of ours writes that late: a person did, or one removed the key that is
	// in there.
	foreign := slices.IndexFunc(stores, func(s fact) bool { return len(keys) > 0 && s.updated.Sub(keys[0].CreatedAt) > lease })
	var v verdict
	if len(generations) > 0 && slices.ContainsFunc(stores, func(s fact) bool { return !s.updated.IsZero() }) {
		v.since = generations[0].CreatedAt
	}
	open := unfinished
	if missing >= 0 {
		open = keys
	}
	// Racing another run would be safe, and is what force is for; it only makes a
	// key more than is needed.
	if len(open) > 0 && now.Sub(open[0].CreatedAt) < lease && !r.forced {
		return v.leave(open[0].CreatedAt, fmt.Sprintf("key %d is new and not in every store yet", open[0].ID))
	}
	switch {
	case len(keys) == 0:
		return v.rotate("there is no key yet")
	case missing >= 0:
		return v.rotate(stores[missing].name + " is missing")
	case len(unfinished) > 0:
		return v.rotate(fmt.Sprintf("a run ended before every store had key %d", unfinished[0].ID))
	case foreign >= 0:
		store := stores[foreign]
		v.meddled = store.name
		return v.rotate(fmt.Sprintf("%s was written by somebody else at %s", store.name, store.updated.UTC().Format(time.RFC3339)))
	case readOnly && !generations[0].ReadOnly:
		return v.rotate("the key can write, and should only read")
	case !readOnly && generations[0].ReadOnly:
		return v.rotate("the key can only read, and should write")
	case readOnly && slices.ContainsFunc(generations[1:], func(k *deployKey) bool { return !k.ReadOnly && k.heldBy(stores) }):
		// The run that should have removed it died, and by their times a store may
		// hold it still. When all are written again, none can.
		return v.rotate("an older key that can write may still be in a store")
	}
	return v.byAge(now, r)
}

// takenBy returns the rotation of somebody else that the stores were last written by,
// as far as the times tell: no key of ours can be in that store, and one of his can.
// To write it would begin a quarrel in which each undoes the other's work.
func takenBy(ours, others []*deployKey, stores []fact) (store string, by *deployKey) {
	for _, s := range stores {
		one := []fact{s}
		held := func(k *deployKey) bool { return !s.updated.IsZero() && k.heldBy(one) }
		if i := slices.IndexFunc(others, held); i >= 0 && !slices.ContainsFunc(ours, held) {
			return s.name, others[i]
		}
	}
	return "", nil
}

// unreached returns the first store that the last run did not come to, and one that
// it did. Stores are in the order in which they are written, so one that is older than
// an earlier one was not reached, however near the times are: a run begins to write
// only when the second of the last write is over. There is none when they are in order.
func unreached(stores []fact) (late, early int) {
	for i := range stores {
		if stores[i].updated.Before(stores[early].updated) {
			return i, early
		}
		if stores[i].updated.After(stores[early].updated) {
			early = i
		}
	}
	return -1, -1
}

// judgeValues decides about a value that is the same in every store, by the times
// of the stores alone, which are in the order of writing. behind names a variable that
// is missing or older than the secret that it belongs to.
func judgeValues(now time.Time, r rule, stores []fact, behind string) verdict {
	oldest, newest := slices.MinFunc(stores, byTime), slices.MaxFunc(stores, byTime)
	v := verdict{since: oldest.updated}
	if oldest.updated.IsZero() {
		v.since = newest.updated // its age is all that is known
	}
	late, early := unreached(stores)
	reason := ""
	switch {
	case oldest.updated.IsZero():
		reason = oldest.name + " is missing"
	case late >= 0:
		reason = stores[late].name + " is older than " + stores[early].name + ": they don't hold the same"
	case newest.updated.Sub(oldest.updated) > lease: // no run takes that long
		v.meddled = newest.name
		reason = oldest.name + " is older than " + newest.name + ": they don't hold the same"
	case behind != "":
		reason = behind + " is missing or older than its secret"
	}
	// Force does not go before this: the value of one run here and of another there
	// would look fine and not work.
	if reason != "" && r.exclusive && now.Sub(newest.updated) < lease {
		return v.leave(newest.updated, newest.name+" is new, and "+reason)
	}
	if reason != "" {
		return v.rotate(reason)
	}
	return v.byAge(now, r)
}

func (v verdict) byAge(now time.Time, r rule) verdict {
	age := max(0, now.Sub(v.since)) // clocks differ
	switch {
	case age >= r.every:
		return v.rotate("it is " + Words(age) + " old")
	case r.forced:
		return v.rotate("it is forced")
	}
	v.reason = "it is " + Words(age) + " old, and may be " + Words(r.every)
	return v
}

func (v verdict) rotate(reason string) verdict {
	v.due, v.reason = true, reason
	return v
}

func (v verdict) leave(from time.Time, reason string) verdict {
	v.busy = from.Add(lease)
	v.reason = fmt.Sprintf("%s: another run may be at it, or died; run again after %s", reason, v.busy.UTC().Format(time.RFC3339))
	return v
}

// Words gives a duration as people say it.
func Words(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}
