package rotate

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// ago returns observations of stores that were last written so long ago; one
// below zero means that there is no secret.
func ago(ages ...time.Duration) []observation {
	var list []observation
	for i, age := range ages {
		f := observation{name: string(rune('A' + i))}
		if age >= 0 {
			f.updated = noon.Add(-age)
		}
		list = append(list, f)
	}
	return list
}

func keysOf(ages ...time.Duration) []*deployKey {
	var list []*deployKey
	for i, age := range ages {
		list = append(list, &deployKey{ID: int64(100 - i), CreatedAt: noon.Add(-age), ReadOnly: true})
	}
	return list
}

const none = -1 // the age of a secret that does not exist

const notInEveryStore = "key 100 is new and not in every store yet: another run may be working on it or has died; " +
	"run again after 2026-11-21T"

var deployKeyCases = []struct {
	name   string
	keys   []*deployKey
	stores []observation
	forced bool
	write  bool
	due    bool
	busy   bool
	reason string
	since  time.Duration
}{
	{name: "the first", stores: ago(none, none), due: true, reason: "there is no key yet", since: none},
	{name: "a secret and no key", stores: ago(day), due: true, reason: "there is no key yet", since: none},
	{name: "young", keys: keysOf(day), stores: ago(day, day-time.Minute), reason: "it is 24 h old, and may be 30 days", since: day},
	{name: "old", keys: keysOf(30*day, 60*day), stores: ago(30 * day), due: true, reason: "it is 30 days old", since: 30 * day},
	{
		name: "a second too young", keys: keysOf(30*day - time.Second), stores: ago(30*day - time.Second),
		reason: "it is 29 days old, and may be 30 days", since: 30*day - time.Second,
	},
	{name: "forced", keys: keysOf(day), stores: ago(day), forced: true, due: true, reason: "it is forced", since: day},
	{name: "a store is new", keys: keysOf(day), stores: ago(day, none), due: true, reason: "B is missing", since: day},
	{
		name: "a store is new to a new key", keys: keysOf(time.Minute), stores: ago(0, none), busy: true,
		reason: notInEveryStore + "12:14:00Z", since: time.Minute,
	},
	{
		name: "the first of another run", keys: keysOf(time.Minute), stores: ago(none), busy: true,
		reason: notInEveryStore + "12:14:00Z", since: none,
	},
	{
		name: "on its way", keys: keysOf(lease-time.Second, 40*day), stores: ago(40*day, 0), busy: true,
		reason: notInEveryStore + "12:00:01Z", since: 40 * day,
	},
	{
		name: "on its way and forced", keys: keysOf(time.Minute, day), stores: ago(day), forced: true, due: true,
		reason: "a run ended before every store had key 100", since: day,
	},
	{
		name: "died between make and store", keys: keysOf(lease, day), stores: ago(day), due: true,
		reason: "a run ended before every store had key 100", since: day,
	},
	{
		name: "died between two stores", keys: keysOf(time.Hour, day), stores: ago(time.Hour, day), due: true,
		reason: "a run ended before every store had key 100", since: day,
	},
	{
		name: "stored before any key of ours", keys: keysOf(time.Hour), stores: ago(day), due: true,
		reason: "a run ended before every store had key 100", since: none,
	},
	{
		name: "the same second", keys: keysOf(time.Hour), stores: ago(time.Hour), reason: "it is 60 min old, and may be 30 days",
		since: time.Hour,
	},
	{
		name: "written at the end of the lease", keys: keysOf(day), stores: ago(day, day-lease),
		reason: "it is 24 h old, and may be 30 days", since: day,
	},
	{
		name: "written by a person", keys: keysOf(day, 40*day), stores: ago(day, day-lease-time.Second), due: true,
		reason: "B was written by somebody else at 2026-11-20T12:15:01Z", since: day,
	},
	{
		name: "written by a person a second ago", keys: keysOf(day), stores: ago(time.Second), due: true,
		reason: "A was written by somebody else at 2026-11-21T11:59:59Z", since: day,
	},
	{
		name: "the newest was removed", keys: keysOf(40 * day), stores: ago(day, day), due: true,
		reason: "A was written by somebody else at 2026-11-20T12:00:00Z", since: 40 * day,
	},
	{
		name: "an old secret is new to the manifest", keys: keysOf(day), stores: ago(day, 100*day), due: true,
		reason: "a run ended before every store had key 100", since: none,
	},
	{
		name: "from the future", keys: keysOf(-time.Hour), stores: []observation{{"A", noon.Add(time.Hour)}},
		reason: "it is 0 s old, and may be 30 days", since: -time.Hour,
	},
	{
		name: "should write now", keys: keysOf(day), stores: ago(day), write: true, due: true,
		reason: "the key can only read, and should write", since: day,
	},
}

func TestWhenADeployKeyIsDue(t *testing.T) {
	for _, test := range deployKeyCases {
		got := decideKey(noon, rule{every: 30 * day, forced: test.forced}, !test.write, test.keys, test.stores)
		since := noon.Sub(got.since)
		if got.since.IsZero() {
			since = none
		}
		if got.due != test.due || got.busy.IsZero() == test.busy || got.reason != test.reason || since != test.since {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
	keys := keysOf(day)
	keys[0].ReadOnly = false
	if got := decideKey(noon, rule{every: 30 * day}, true, keys, ago(day)); !got.due ||
		got.reason != "the key can write, and should only read" {
		t.Errorf("%+v", got)
	}
}

func TestWhenAValueIsDue(t *testing.T) {
	const leave = ": another run may be working on it or has died; run again after 2026-11-21T12:14:00Z"
	for _, test := range []struct {
		name              string
		stores            []observation
		forced, exclusive bool
		behind            string
		due, busy         bool
		reason            string
	}{
		{name: "the first", stores: ago(none, none), exclusive: true, due: true, reason: "A is missing"},
		{name: "young", stores: ago(day+time.Minute, day), exclusive: true, reason: "it is 24 h old, and may be 30 days"},
		{name: "the oldest counts", stores: ago(30*day, 30*day-time.Minute), due: true, reason: "it is 30 days old"},
		{name: "forced", stores: ago(time.Minute), exclusive: true, forced: true, due: true, reason: "it is forced"},
		{name: "a store is new", stores: ago(day, none), exclusive: true, due: true, reason: "B is missing"},
		{
			name: "died between two", stores: ago(day, time.Hour), exclusive: true, due: true,
			reason: "A is older than B: they don't hold the same value",
		},
		{
			name: "between two", stores: ago(day, time.Minute), exclusive: true, busy: true,
			reason: "B is new, and A is older than B: they don't hold the same value" + leave,
		},
		{
			name: "between two and forced", stores: ago(day, time.Minute), exclusive: true, forced: true, busy: true,
			reason: "B is new, and A is older than B: they don't hold the same value" + leave,
		},
		{name: "between two tokens", stores: ago(day, time.Minute), due: true, reason: "A is older than B: they don't hold the same value"},
		{
			name: "between secret and variable", stores: ago(time.Minute), exclusive: true, behind: "V", busy: true,
			reason: "A is new, and V is missing or older than its secret" + leave,
		},
		{
			name: "died between secret and variable", stores: ago(day), exclusive: true, behind: "V", due: true,
			reason: "V is missing or older than its secret",
		},
		{
			name: "not reached by a second", stores: ago(day, day+time.Second), exclusive: true, due: true,
			reason: "B is older than A: they don't hold the same value",
		},
		{
			name: "not reached, a run ago", stores: ago(2*time.Minute, 2*time.Minute, 3*time.Minute, 0), due: true,
			reason: "C is older than A: they don't hold the same value",
		},
		{
			name: "not reached, and then no more", stores: ago(3*time.Hour, 2*time.Hour+59*time.Minute, 3*time.Hour), due: true,
			reason: "C is older than B: they don't hold the same value",
		},
		{name: "in the same second", stores: ago(day, day, day), exclusive: true, reason: "it is 24 h old, and may be 30 days"},
		{name: "the spread of one run", stores: ago(day, day-lease), exclusive: true, reason: "it is 24 h old, and may be 30 days"},
	} {
		got := decideValue(noon, rule{every: 30 * day, forced: test.forced, exclusive: test.exclusive}, test.stores, test.behind)
		if got.due != test.due || got.busy.IsZero() == test.busy || got.reason != test.reason {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

func TestWhatAStoreHoldsIsAGeneration(t *testing.T) {
	for _, test := range []struct {
		name   string
		ages   []time.Duration
		stores []observation
		want   int // generations
	}{
		{"in every store", []time.Duration{day, 31 * day}, ago(day, day), 2},
		{"a store with an older secret is new", []time.Duration{day, 31 * day}, ago(day, 100*day), 1},
		{"died between two stores", []time.Duration{day, 31 * day}, ago(day, 31*day), 2},
		{"died between make and store", []time.Duration{day, 31 * day}, ago(31 * day), 1},
		{"written at the end of the lease", []time.Duration{day}, ago(day-lease, 100*day), 1},
		{"written after it", []time.Duration{day}, ago(day-lease-time.Second, 100*day), 0},
		{"written before", []time.Duration{day}, ago(day+time.Second, -1), 0},
	} {
		keys := keysOf(test.ages...)
		unfinished, generations := split(keys, test.stores)
		unfinished, generations = withHeld(unfinished, generations, test.stores)
		if len(generations) != test.want || len(unfinished)+len(generations) != len(keys) {
			t.Errorf("%s: %d unfinished, %d generations", test.name, len(unfinished), len(generations))
		}
	}
}

func TestOnlyKeysThatNobodyHoldsAreSurplus(t *testing.T) {
	h := time.Hour
	for _, test := range []struct {
		name                    string
		unfinished, generations []*deployKey
		ref                     time.Duration
		keep                    int
		stores                  []observation
		want                    int // how many of all
	}{
		{"beyond keep", nil, keysOf(24*h, 48*h, 72*h), 0, 1, ago(0, 0), 2},
		{"keep none", nil, keysOf(24 * h), 0, 0, ago(0), 1},
		{"a store still holds it", nil, keysOf(24 * h), 0, 0, ago(0, 24*h-time.Minute), 0},
		{"the store was written at the end of the lease", nil, keysOf(24 * h), 0, 0, ago(24*h - lease), 0},
		{"the store was written by another run", nil, keysOf(24 * h), 0, 0, ago(23 * h), 1},
		{"a race", nil, keysOf(lease, lease+time.Second, 48*h), 0, 0, ago(0), 2},
		{"a race takes no place of a generation", nil, keysOf(time.Minute, 24*h, 48*h), 0, 1, ago(0), 1},
		{"never stored", keysOf(24 * h), nil, 0, 5, ago(48*h, -1), 1},
		{"stored somewhere", keysOf(24 * h), nil, 0, 5, ago(48*h, 24*h), 0},
		{"on its way", keysOf(time.Minute), nil, 0, 0, ago(48 * h), 0},
		{"newer than the one in use", keysOf(-h), nil, 0, 0, ago(48 * h), 0},
	} {
		ref := noon.Add(-test.ref)
		free, _ := retirement{ref: ref, keep: test.keep, stores: test.stores}.surplus(test.generations)
		if got := len(free) + len(abandoned(test.unfinished, ref, test.stores)); got != test.want {
			t.Errorf("%s: %d are surplus, want %d", test.name, got, test.want)
		}
	}
}

func TestTheKeyIsOneThatSSHReads(t *testing.T) {
	var told []redact.String
	j := (&Engine{Secret: func(s redact.String) { told = append(told, s) }}).job(&manifest.Rotation{})
	private, public, err := j.newKey("ci (valetkey 2026-11-21T03:49:05Z 7f3a2c)")
	if err != nil || len(told) != 1 || told[0].Reveal() != private.Reveal() {
		t.Fatalf("%v, told %d secrets", err, len(told))
	}
	signer, err := ssh.ParsePrivateKey([]byte(private.Reveal()))
	if err != nil || !samePublic(string(ssh.MarshalAuthorizedKey(signer.PublicKey())), public) ||
		!strings.HasPrefix(public, "ssh-ed25519 ") {
		t.Fatalf("%v: %s", err, public)
	}
	tool, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not on this machine")
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(private.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-y", "-f", path).CombinedOutput()
	if want := public + " ci (valetkey 2026-11-21T03:49:05Z 7f3a2c)\n"; err != nil || string(out) != want {
		t.Errorf("ssh-keygen: %v: %s", err, out)
	}
}
