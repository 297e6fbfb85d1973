package secret

import (
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

func TestDecide(t *testing.T) {
	then := time.Date(2026, 11, 20, 1, 2, 3, 0, time.UTC)
	ours, other := fingerprint{1}, fingerprint{2}
	there := func(visibility string) *Entry { return &Entry{UpdatedAt: then, Visibility: visibility} }
	known := func(value fingerprint, after int64) *record {
		return &record{print: value, updated: then.Unix() + after}
	}
	answered := func(after int64) *record { return &record{print: ours, updated: then.Unix() + after, about: true} }
	to := func(visibility string, ids ...int64) *Access { return &Access{visibility, ids} }
	repository, organization := apiActions, acmeOrg
	for _, test := range []struct {
		name   string
		place  Place
		fresh  bool
		access *Access
		facts  facts
		action Action
		reason string
	}{
		{"not listed", repository, false, nil, facts{}, Write, "new to the state file"},
		{"not listed, fresh", repository, true, nil, facts{}, Write, "a new value each run"},
		{"new", repository, false, nil, facts{listed: true}, Create, "not there"},
		{"new, fresh", repository, true, nil, facts{listed: true}, Create, "not there"},
		{"gone", repository, false, nil, facts{listed: true, known: known(ours, 0)}, Create, "deleted at the target since the last run"},
		{"same", repository, false, nil, facts{listed: true, there: there(""), known: known(ours, 0)}, Keep, ""},
		{"fresh", repository, true, nil, facts{listed: true, there: there(""), known: known(ours, 0)}, Update, "a new value each run"},
		{"value", repository, false, nil, facts{listed: true, there: there(""), known: known(other, 0)}, Update, "the value changed"},
		{"foreign", repository, false, nil, facts{listed: true, there: there("")}, Update, "new to the state file"},
		{
			"drift", repository, false, nil,
			facts{listed: true, there: there(""), known: known(ours, -1)},
			Update,
			"changed by somebody else, or by a run that was cut off, at 2026-11-20T01:02:03Z",
		},
		{
			"drift back", repository, false, nil,
			facts{listed: true, there: there(""), known: known(other, 1)},
			Update,
			"changed by somebody else, or by a run that was cut off, at 2026-11-20T01:02:03Z",
		},
		{"answered at that time", repository, false, nil, facts{listed: true, there: there(""), known: answered(0)}, Keep, ""},
		{
			"answered as long after as a write takes", repository, false, nil,
			facts{listed: true, there: there(""), known: answered(writeTakes)},
			Keep, "",
		},
		{
			"answered longer after than a write takes", repository, false, nil,
			facts{listed: true, there: there(""), known: answered(writeTakes + 1)},
			Update,
			"changed by somebody else, or by a run that was cut off, at 2026-11-20T01:02:03Z",
		},
		{
			"answered before", repository, false, nil,
			facts{listed: true, there: there(""), known: answered(-1)},
			Update,
			"changed by somebody else, or by a run that was cut off, at 2026-11-20T01:02:03Z",
		},
		{
			"time not learnt", repository, false, nil,
			facts{listed: true, there: there(""), known: &record{print: ours}},
			Update,
			"GitHub did not say when the last run wrote it",
		},
		{
			"access means nothing in a repository", repository, false, to("all"),
			facts{listed: true, there: there(""), known: known(ours, 0)},
			Keep, "",
		},
		{"access kept", organization, false, nil, facts{listed: true, there: there("all"), known: known(ours, 0)}, Keep, ""},
		{"access the same", organization, false, to("all"), facts{listed: true, there: there("all"), known: known(ours, 0)}, Keep, ""},
		{
			"visibility", organization, false, to("private"),
			facts{listed: true, there: there("all"), known: known(ours, 0)},
			Update,
			"visibility all → private",
		},
		{
			"visibility and value", organization, false, to("private"),
			facts{listed: true, there: there("all"), known: known(other, 0)},
			Update, "the value changed, visibility all → private",
		},
		{
			"selected, not asked", organization, false, to("selected", 1),
			facts{listed: true, there: there("selected"), known: known(ours, 0)},
			Keep, "",
		},
		{
			"selected, same set", organization, false, to("selected", 1, 2, 1),
			facts{listed: true, there: there("selected"), known: known(ours, 0), selected: &[]int64{2, 1}},
			Keep, "",
		},
		{
			"selected, other set", organization, false, to("selected", 1),
			facts{listed: true, there: there("selected"), known: known(ours, 0), selected: &[]int64{2, 1}},
			Update,
			"the selected repositories differ",
		},
		{
			"selected, none now", organization, false, to("selected"),
			facts{listed: true, there: there("selected"), known: known(ours, 0), selected: &[]int64{2}},
			Update,
			"the selected repositories differ",
		},
	} {
		test.facts.print, test.facts.kept = ours, true
		f := &Wanted{Place: test.place, Name: "X", Value: redact.New("v"), Fresh: test.fresh, Access: test.access}
		if action, reason := decide(f, test.facts); action != test.action || reason != test.reason {
			t.Errorf("%s: %s, %s; want %s, %s", test.name, action, reason, test.action, test.reason)
		}
	}
}
