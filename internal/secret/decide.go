package secret

import (
	"strings"
	"time"
)

// facts are what a decision rests on.
type facts struct {
	listed   bool        // the place was asked what it has
	kept     bool        // there is a state file
	there    *Entry      // what GitHub says of the secret; nil: it is not there
	known    *record     // what the state says; nil: nothing
	print    fingerprint // of the value that is wanted
	selected *[]int64    // who sees it now; nil: not asked
}

// decide tells what is to be done about a secret that is wanted, and why.
func decide(w *Wanted, f facts) (Action, string) {
	switch {
	case !f.listed && w.Fresh:
		return Write, reasonFresh
	case !f.listed:
		return Write, f.unknown()
	case f.there == nil && f.known == nil:
		return Create, "not there"
	case f.there == nil:
		return Create, "deleted at the target since the last run"
	}
	var why []string
	switch {
	case w.Fresh:
		why = append(why, reasonFresh)
	case f.known == nil:
		why = append(why, f.unknown())
	case f.known.updated == 0:
		why = append(why, "GitHub did not say when the last run wrote it")
	case !f.known.wrote(f.there.UpdatedAt.Unix()):
		why = append(why, "changed by somebody else, or by a run that was cut off, at "+moment(f.there.UpdatedAt))
	case f.known.print != f.print:
		why = append(why, "the value changed")
	}
	if access := w.Access; access != nil && w.IsOrganization() {
		switch {
		case access.Visibility != f.there.Visibility:
			why = append(why, "visibility "+f.there.Visibility+" → "+access.Visibility)
		case access.Visibility == "selected" && f.selected != nil && !sameSet(access.Repositories, *f.selected):
			why = append(why, "the selected repositories differ")
		}
	}
	if why == nil {
		return Keep, ""
	}
	return Update, strings.Join(why, ", ")
}

const reasonFresh = "a new value each run"

// unknown is why a secret is written of which it can't be told whether it is right.
func (f facts) unknown() string {
	if f.kept {
		return "new to the state file"
	}
	return "without a state file nothing tells whether it changed"
}

// decideLeft decides about a secret that the state knows and nobody wants any more.
// Only what is certainly still ours is deleted.
func decideLeft(known record, there *Entry) (action Action, reason string, forget bool) {
	switch {
	case there == nil:
		return Keep, notWanted + ", and gone already", true
	case known.updated == 0:
		return Keep, notWanted + ", but left: GitHub did not say when it was written, so it may be somebody else's by now", false
	case !known.wrote(there.UpdatedAt.Unix()):
		return Keep, notWanted + ", but left: somebody else changed it at " + moment(there.UpdatedAt), false
	}
	return Delete, notWanted, true
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }
