package rotate

import (
	"fmt"
	"slices"
	"time"
)

// lease is how long after its creation a key may still be on its way to a
// store. A run has window for all of its writes, counted from before the
// creation. The rest is for late requests and for clocks that differ.
const (
	lease  = 15 * time.Minute
	window = 10 * time.Minute
)

// rule is what the manifest and the inputs want of a rotation.
type rule struct {
	every  time.Duration
	forced bool
	// exclusive: two runs at once must not mix, because values of different
	// runs would not fit together.
	exclusive bool
}

// observation is what GitHub reports about one store.
type observation struct {
	name    string
	updated time.Time // when the secret was last written; zero: there is none
}

func byTime(a, b observation) int { return a.updated.Compare(b.updated) }

// decision says what to do about a rotation.
type decision struct {
	due         bool
	busy        time.Time // another run may be working on it until then
	reason      string
	since       time.Time // when the credential in use was made
	overwritten string    // the store that somebody else wrote; empty: none
}

// deployKey is a deploy key, as GitHub reports it.
type deployKey struct {
	ID        int64     `json:"id"`
	Key       string    `json:"key"`
	Title     string    `json:"title"`
	CreatedAt time.Time `json:"created_at"`
	ReadOnly  bool      `json:"read_only"`
	Enabled   *bool     `json:"enabled"` // false where the organization has switched deploy keys off

	replaced time.Time // when the last store got another key, at the latest; zero: no run has seen that yet
}

// split divides keys, newest first, into two: unfinished are those of runs that
// died before every store had them; generations are the newest one that every
// store may have, and all before it. A store that is new to the manifest is not
// considered: all generations would count as unfinished because of it.
func split(keys []*deployKey, stores []observation) (unfinished, generations []*deployKey) {
	i := slices.IndexFunc(keys, func(k *deployKey) bool {
		return !slices.ContainsFunc(stores, func(s observation) bool { return !s.updated.IsZero() && s.updated.Before(k.CreatedAt) })
	})
	if i < 0 {
		return keys, nil
	}
	return keys[:i], keys[i:]
}

// withHeld moves the keys that some store holds from unfinished to generations.
// Either a run died between two stores, or one of the stores is new to the
// manifest and came with an older secret. In both cases the key is in use until
// the next one is everywhere.
func withHeld(unfinished, generations []*deployKey, stores []observation) (_, _ []*deployKey) {
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

// heldBy reports whether some store may hold the key: whether one was written
// within the lease of its creation.
func (k *deployKey) heldBy(stores []observation) bool {
	return slices.ContainsFunc(stores, func(s observation) bool {
		age := s.updated.Sub(k.CreatedAt)
		return age >= 0 && age <= lease
	})
}

// decideKey decides whether a deploy key is replaced.
func decideKey(now time.Time, r rule, readOnly bool, keys []*deployKey, stores []observation) decision {
	unfinished, generations := split(keys, stores)
	missing := slices.IndexFunc(stores, func(s observation) bool { return s.updated.IsZero() })
	// None of our runs writes that late. Either a person did, or a person
	// removed the key that the store holds.
	foreign := slices.IndexFunc(stores, func(s observation) bool { return len(keys) > 0 && s.updated.Sub(keys[0].CreatedAt) > lease })
	var v decision
	if len(generations) > 0 && slices.ContainsFunc(stores, func(s observation) bool { return !s.updated.IsZero() }) {
		v.since = generations[0].CreatedAt
	}
	open := unfinished
	if missing >= 0 {
		open = keys
	}
	// It would be safe to race another run, and force is for that. It only
	// makes one key more than is needed.
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
		v.overwritten = store.name
		return v.rotate(fmt.Sprintf("%s was written by somebody else at %s", store.name, store.updated.UTC().Format(time.RFC3339)))
	case readOnly && !generations[0].ReadOnly:
		return v.rotate("the key can write, and should only read")
	case !readOnly && generations[0].ReadOnly:
		return v.rotate("the key can only read, and should write")
	case readOnly && slices.ContainsFunc(generations[1:], func(k *deployKey) bool { return !k.ReadOnly && k.heldBy(stores) }):
		// The run that should have removed the key died, and by their times a
		// store may still hold it. When all of them are written again, none
		// can.
		return v.rotate("an older key that can write may still be in a store")
	}
	return v.byAge(now, r)
}

// takenBy returns a store that another rotation wrote last, as far as the times
// tell, and the key of that rotation: none of our keys can be in the store, and
// one of the others can. If we wrote it, each rotation would undo the work of
// the other.
func takenBy(ours, others []*deployKey, stores []observation) (store string, by *deployKey) {
	for _, s := range stores {
		one := []observation{s}
		held := func(k *deployKey) bool { return !s.updated.IsZero() && k.heldBy(one) }
		if i := slices.IndexFunc(others, held); i >= 0 && !slices.ContainsFunc(ours, held) {
			return s.name, others[i]
		}
	}
	return "", nil
}

// unreached returns the first store that the last run did not reach, and one
// that it did; -1 and -1 when the stores are in order. They are listed in the
// order of writing, so a store that is older than an earlier one was not
// reached, however near the times are: a run begins to write only when the
// second of the last write is over.
func unreached(stores []observation) (late, early int) {
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

// decideValue decides whether a value that is the same in every store is
// replaced. It goes by the times of the stores alone, which are listed in the
// order of writing. behind names a variable that is missing or older than its
// secret.
func decideValue(now time.Time, r rule, stores []observation, behind string) decision {
	oldest, newest := slices.MinFunc(stores, byTime), slices.MaxFunc(stores, byTime)
	v := decision{since: oldest.updated}
	if oldest.updated.IsZero() {
		v.since = newest.updated // nothing else is known about its age
	}
	late, early := unreached(stores)
	reason := ""
	switch {
	case oldest.updated.IsZero():
		reason = oldest.name + " is missing"
	case late >= 0:
		reason = stores[late].name + " is older than " + stores[early].name + ": they don't hold the same value"
	case newest.updated.Sub(oldest.updated) > lease: // no run takes that long
		v.overwritten = newest.name
		reason = oldest.name + " is older than " + newest.name + ": they don't hold the same value"
	case behind != "":
		reason = behind + " is missing or older than its secret"
	}
	// Force does not override this: the value of one run in one store and of
	// another run in another store would look fine and not work.
	if reason != "" && r.exclusive && now.Sub(newest.updated) < lease {
		return v.leave(newest.updated, newest.name+" is new, and "+reason)
	}
	if reason != "" {
		return v.rotate(reason)
	}
	return v.byAge(now, r)
}

func (v decision) byAge(now time.Time, r rule) decision {
	age := max(0, now.Sub(v.since)) // clocks differ
	switch {
	case age >= r.every:
		return v.rotate("it is " + FormatAge(age) + " old")
	case r.forced:
		return v.rotate("it is forced")
	}
	v.reason = "it is " + FormatAge(age) + " old, and may be " + FormatAge(r.every)
	return v
}

func (v decision) rotate(reason string) decision {
	v.due, v.reason = true, reason
	return v
}

func (v decision) leave(from time.Time, reason string) decision {
	v.busy = from.Add(lease)
	v.reason = fmt.Sprintf("%s: another run may be working on it or has died; run again after %s", reason,
		v.busy.UTC().Format(time.RFC3339))
	return v
}

// FormatAge returns a duration in words, such as "30 days".
func FormatAge(d time.Duration) string {
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
