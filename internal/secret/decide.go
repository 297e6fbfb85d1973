package secret

import (
	"strings"
	"time"
)

// observed is what a decision is based on.
type observed struct {
	listed   bool        // the secrets of the place were listed
	kept     bool        // there is a state file
	there    *Entry      // what GitHub reports about the secret; nil: it does not exist
	known    *record     // what the state knows about it; nil: nothing
	print    fingerprint // of the wanted value
	selected *[]int64    // the repositories that see it now; nil: not asked
}

// decide returns the action for a wanted secret, and the reason.
func decide(w *Wanted, f observed) (Action, string) {
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
		why = append(why, "changed by somebody else, or by a run that was cut off, at "+formatTime(f.there.UpdatedAt))
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

// unknown returns the reason to write a secret that may or may not be right
// already.
func (f observed) unknown() string {
	if f.kept {
		return "new to the state file"
	}
	return "without a state file, it is not known whether it changed"
}

// decideStale returns the action for a secret that the state knows and nobody
// wants any more. It deletes only a secret that is certainly still ours.
func decideStale(known record, there *Entry) (action Action, reason string, forget bool) {
	switch {
	case there == nil:
		return Keep, notWanted + ", and gone already", true
	case known.updated == 0:
		return Keep, notWanted + ", but left: GitHub did not say when it was written, so it may be somebody else's by now", false
	case !known.wrote(there.UpdatedAt.Unix()):
		return Keep, notWanted + ", but left: somebody else changed it at " + formatTime(there.UpdatedAt), false
	}
	return Delete, notWanted, true
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
