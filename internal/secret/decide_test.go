package secret

import (
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

const drift = "changed by somebody else, or by a run that was cut off, at 2026-11-20T01:02:03Z"

var writtenAt = time.Date(2026, 11, 20, 1, 2, 3, 0, time.UTC)

func entryOf(visibility string) *Entry { return &Entry{UpdatedAt: writtenAt, Visibility: visibility} }

func seen(visibility string, r *record) observed {
	return observed{listed: true, there: entryOf(visibility), known: r}
}

func accessTo(visibility string, ids ...int64) *Access { return &Access{visibility, ids} }

func TestDecide(t *testing.T) {
	ours, other := fingerprint{1}, fingerprint{2}
	known := func(value fingerprint, after int64) *record {
		return &record{print: value, updated: writtenAt.Unix() + after}
	}
	answered := func(after int64) *record {
		return &record{print: ours, updated: writtenAt.Unix() + after, answered: true}
	}
	selected := func(ids ...int64) observed {
		return observed{listed: true, there: entryOf("selected"), known: known(ours, 0), selected: &ids}
	}
	for _, test := range []struct {
		name     string
		place    Place
		fresh    bool
		access   *Access
		observed observed
		action   Action
		reason   string
	}{
		{"not listed", apiActions, false, nil, observed{}, Write, "new to the state file"},
		{"not listed, fresh", apiActions, true, nil, observed{}, Write, "a new value each run"},
		{"new", apiActions, false, nil, observed{listed: true}, Create, "not there"},
		{"new, fresh", apiActions, true, nil, observed{listed: true}, Create, "not there"},
		{"gone", apiActions, false, nil, observed{listed: true, known: known(ours, 0)}, Create, "deleted at the target since the last run"},
		{"same", apiActions, false, nil, seen("", known(ours, 0)), Keep, ""},
		{"fresh", apiActions, true, nil, seen("", known(ours, 0)), Update, "a new value each run"},
		{"value", apiActions, false, nil, seen("", known(other, 0)), Update, "the value changed"},
		{"foreign", apiActions, false, nil, observed{listed: true, there: entryOf("")}, Update, "new to the state file"},
		{"drift", apiActions, false, nil, seen("", known(ours, -1)), Update, drift},
		{"drift back", apiActions, false, nil, seen("", known(other, 1)), Update, drift},
		{"answered at that time", apiActions, false, nil, seen("", answered(0)), Keep, ""},
		{"answered as long after as a write takes", apiActions, false, nil, seen("", answered(writeTakes)), Keep, ""},
		{"answered longer after than a write takes", apiActions, false, nil, seen("", answered(writeTakes+1)), Update, drift},
		{"answered before", apiActions, false, nil, seen("", answered(-1)), Update, drift},
		{
			"time not learnt", apiActions, false, nil, seen("", &record{print: ours}), Update,
			"GitHub did not say when the last run wrote it",
		},
		{"access means nothing in a repository", apiActions, false, accessTo("all"), seen("", known(ours, 0)), Keep, ""},
		{"access kept", acmeOrg, false, nil, seen("all", known(ours, 0)), Keep, ""},
		{"access the same", acmeOrg, false, accessTo("all"), seen("all", known(ours, 0)), Keep, ""},
		{"visibility", acmeOrg, false, accessTo("private"), seen("all", known(ours, 0)), Update, "visibility all → private"},
		{
			"visibility and value", acmeOrg, false, accessTo("private"), seen("all", known(other, 0)),
			Update, "the value changed, visibility all → private",
		},
		{"selected, not asked", acmeOrg, false, accessTo("selected", 1), seen("selected", known(ours, 0)), Keep, ""},
		{"selected, same set", acmeOrg, false, accessTo("selected", 1, 2, 1), selected(2, 1), Keep, ""},
		{"selected, other set", acmeOrg, false, accessTo("selected", 1), selected(2, 1), Update, "the selected repositories differ"},
		{"selected, none now", acmeOrg, false, accessTo("selected"), selected(2), Update, "the selected repositories differ"},
	} {
		test.observed.print, test.observed.kept = ours, true
		f := &Wanted{Place: test.place, Name: "X", Value: redact.New("v"), Fresh: test.fresh, Access: test.access}
		if action, reason := decide(f, test.observed); action != test.action || reason != test.reason {
			t.Errorf("%s: %s, %s; want %s, %s", test.name, action, reason, test.action, test.reason)
		}
	}
}
