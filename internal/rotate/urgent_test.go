package rotate

import (
	"slices"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/manifest"
)

// An urgent key waits while a store may hold it, and does not count among the
// keys that stay.
func TestWhatIsUrgentAndWhatStays(t *testing.T) {
	urgent := func(ids ...int64) func(*deployKey) bool {
		return func(k *deployKey) bool { return slices.Contains(ids, k.ID) }
	}
	for _, test := range []struct {
		name          string
		ages          []time.Duration // of keys 100, 99, 98
		urgent        func(*deployKey) bool
		stores        []observation
		free, waiting []int64
	}{
		{"none", []time.Duration{day, 2 * day, 3 * day}, nil, ago(0), []int64{98, 99}, nil},
		{"all", []time.Duration{day, 2 * day, 3 * day}, urgent(98, 99, 100), ago(0), []int64{98, 99, 100}, nil},
		{"one", []time.Duration{day, 2 * day, 3 * day}, urgent(100), ago(0), []int64{98, 100}, nil},
		{"a store may hold it", []time.Duration{day, 2 * day, 3 * day}, urgent(99), ago(0, 2*day), []int64{98}, []int64{99}},
		{"on its way", []time.Duration{time.Minute, 2 * day, 3 * day}, urgent(100), ago(0), []int64{98}, []int64{100}},
	} {
		r := retirement{ref: noon, keep: 1, urgent: test.urgent, stores: test.stores}
		free, waiting := r.surplus(keysOf(test.ages...))
		ids := func(keys []*deployKey) (list []int64) {
			for _, k := range keys {
				list = append(list, k.ID)
			}
			slices.Sort(list)
			return list
		}
		if !slices.Equal(ids(free), test.free) || !slices.Equal(ids(waiting), test.waiting) {
			t.Errorf("%s: %v are free, %v wait", test.name, ids(free), ids(waiting))
		}
	}
}

func TestSinceWhenAKeyIsReplaced(t *testing.T) {
	keys := keysOf(time.Hour, day, 2*day)
	keys[2].replaced = noon.Add(-30 * time.Hour)
	stores := ago(time.Minute, day-time.Minute)
	replacedAt(keys, stores)
	for i, want := range []time.Time{noon.Add(-time.Minute), {}, noon.Add(-30 * time.Hour)} { // a store may hold the second
		if !keys[i].replaced.Equal(want) {
			t.Errorf("key %d: %s, want %s", i, keys[i].replaced, want)
		}
	}
}

func TestOnlyWhatIsOlderThanTheNewKeyIsUrgent(t *testing.T) {
	keys := keysOf(0, time.Minute, time.Hour)
	keys[2].ReadOnly = false
	for name, test := range map[string]struct {
		exposed, readOnly bool
		want              []bool
	}{
		"compromised": {true, false, []bool{false, true, true}},
		"read-only":   {false, true, []bool{false, false, true}},
		"neither":     {false, false, []bool{false, false, false}},
	} {
		e := &Engine{Exposed: func(string) bool { return test.exposed }}
		j := e.job(&manifest.Rotation{DeployKey: &manifest.DeployKey{ReadOnly: test.readOnly}})
		for i, k := range keys {
			if got := j.urgent(keys[1])(k); got != test.want[i] {
				t.Errorf("%s: key %d: %t", name, i, got)
			}
		}
	}
}
