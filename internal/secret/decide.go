package secret

import (
	"strings"
	"time"
)

// facts are what a decision rests on.
type facts struct {
	listed   bool        // the place was asked what it has
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
		return Write, "nothing is known of it"
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
		why = append(why, "not written by valetkey before, as far as the state knows")
	case f.known.updated == 0:
		why = append(why, "written by the last run, which did not learn when")
	case f.known.updated != f.there.UpdatedAt.Unix():
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

// decideLeft does so for a secret that the state knows and nobody wants any more.
// Only what is certainly still ours is deleted.
func decideLeft(known record, there *Entry) (action Action, reason string, forget bool) {
	switch {
	case there == nil:
		return Keep, "no longer in the manifest, and gone already", true
	case known.updated == 0:
		return Keep, "no longer in the manifest, but left: the run that wrote it did not learn when, so it may be somebody else's by now", false
	case known.updated != there.UpdatedAt.Unix():
		return Keep, "no longer in the manifest, but left: somebody else changed it at " + moment(there.UpdatedAt), false
	}
	return Delete, "no longer in the manifest", true
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }
