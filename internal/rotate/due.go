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
	due    bool
	busy   time.Time // another run may be at it until then
	reason string
	since  time.Time // when what is in use was made
}

// deployKey is a key of ours, as GitHub tells of it.
type deployKey struct {
	ID        int64     `json:"id"`
	Key       string    `json:"key"`
	Title     string    `json:"title"`
	CreatedAt time.Time `json:"created_at"`
	ReadOnly  bool      `json:"read_only"`
	Enabled   *bool     `json:"enabled"` // false where the organization has switched deploy keys off
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
		return v.rotate(fmt.Sprintf("%s was written by somebody else at %s", stores[foreign].name, stores[foreign].updated.UTC().Format(time.RFC3339)))
	case readOnly && !generations[0].ReadOnly:
		return v.rotate("the key can write, and should only read")
	case !readOnly && generations[0].ReadOnly:
		return v.rotate("the key can only read, and should write")
	}
	return v.byAge(now, r)
}

// judgeValues decides about a value that is the same in every store, by the times
// of the stores alone. behind names a variable that is missing or older than the
// secret that it belongs to.
func judgeValues(now time.Time, r rule, stores []fact, behind string) verdict {
	oldest, newest := slices.MinFunc(stores, byTime), slices.MaxFunc(stores, byTime)
	v := verdict{since: oldest.updated}
	if oldest.updated.IsZero() {
		v.since = newest.updated // its age is all that is known
	}
	spread := newest.updated.Sub(oldest.updated) > lease
	reason := ""
	switch {
	case oldest.updated.IsZero():
		reason = oldest.name + " is missing"
	case spread:
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

// surplus tells which keys nobody holds any more and nobody wants kept. ref is when
// the key in use was created, or a new one that is not in every store, or now once
// the first is settled; stores are as of after that. All times are GitHub's own, so
// that no clock of a machine can cost a key.
//
// A run does not write later than lease after it made its key. So a key within the
// lease of ref may be that of a run that raced the one of ref, and goes with the
// next rotation at the earliest. An older one is on its way no more, and only a
// store that was last written within lease of its creation can hold it.
func surplus(unfinished, generations []*deployKey, ref time.Time, keep int, stores []fact) []*deployKey {
	var free []*deployKey
	settled := func(k *deployKey) bool { return ref.Sub(k.CreatedAt) > lease }
	for _, k := range unfinished {
		if settled(k) && !k.heldBy(stores) {
			free = append(free, k)
		}
	}
	for _, k := range generations {
		switch {
		case !settled(k):
		case keep > 0:
			keep--
		case !k.heldBy(stores):
			free = append(free, k)
		}
	}
	return free
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
