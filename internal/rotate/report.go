package rotate

import (
	"time"

	"github.com/valetkey/valetkey/internal/secret"
)

// Outcome is how a rotation ended.
type Outcome string

// The outcomes.
const (
	Rotated Outcome = "rotated"
	NotDue  Outcome = "not due"
	Due     Outcome = "due"                   // of a dry run
	Busy    Outcome = "in progress elsewhere" // another run may be between two of its steps
	Failed  Outcome = "failed"
)

// Report is what became of one rotation. Nothing in it is secret.
type Report struct {
	Name, Kind string
	Outcome    Outcome
	Reason     string        // why it was due, or was left
	Since      time.Time     // when what is in use was made; zero: nothing is, or nobody can tell
	Age        time.Duration // of that
	Before     time.Duration // age of what was in use when the run began; zero: nothing was
	Every      time.Duration // how old it may get
	Due        time.Time     // when to look again
	Overdue    bool          // Before is more than half as much again as Every
	Expired    bool          // it was a token, and Before is more than it lives
	Stores     []Stored
	Retired    int // deploy keys that were removed
	Kept       int // deploy keys of this rotation that are left, the one in use among them
	Others     []Other
	Exposed    bool   // it was said that somebody else has the old one
	Meddled    string // who else seems to write the same secret; empty: nobody
	// Err is not nil with Failed, and with Busy unless it is a dry run. With another
	// outcome it says that a key that should be gone is still there; the next run tries
	// again, unless Lingers says that it should have been gone by now.
	Err     error
	Lingers bool
}

// Other is a deploy key of valetkey's form that is not of this rotation.
type Other struct {
	ID       int64
	Rotation string // the id of the one that it belongs to
}

// Stored is one secret of a rotation.
type Stored struct {
	Place     secret.Place
	Secret    string
	UpdatedAt time.Time // as GitHub last told; zero: there is none
	Err       error
}

// NextDue is the earliest due date of all; zero without any.
func NextDue(reports []Report) time.Time {
	var next time.Time
	for i := range reports {
		if due := reports[i].Due; !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next
}

func (j *job) report(err error) Report {
	r := Report{
		Name: j.Name, Kind: j.kind(), Reason: j.verdict.reason, Since: j.verdict.since, Before: j.before, Every: j.Every,
		Retired: j.retired, Kept: j.kept, Others: j.others, Exposed: j.exposed(), Meddled: j.verdict.meddled, Err: err, Lingers: j.lingers,
	}
	r.Overdue = r.Before > j.Every*3/2
	r.Expired = j.InstallationToken != nil && r.Before > tokenLife
	switch {
	case j.done:
		r.Outcome = Rotated
	case err != nil && (j.verdict.due || j.verdict.reason == ""):
		r.Outcome = Failed
	case !j.verdict.busy.IsZero():
		r.Outcome, r.Due = Busy, j.verdict.busy
	case j.verdict.due:
		r.Outcome = Due
	default:
		r.Outcome = NotDue
	}
	if !r.Since.IsZero() && r.Due.IsZero() {
		r.Due = r.Since.Add(j.Every)
	}
	if r.Due.IsZero() || j.verdict.due && !j.done {
		r.Due = j.now
	}
	if !r.Since.IsZero() {
		r.Age = max(0, j.now.Sub(r.Since))
	}
	for _, t := range j.targets {
		r.Stores = append(r.Stores, Stored{t.place, t.store.Secret, t.updated, t.err})
	}
	return r
}

func (j *job) kind() string {
	switch {
	case j.DeployKey != nil:
		return "deploy-key"
	case j.InstallationToken != nil:
		return "installation-token"
	case j.Random != nil:
		return "random"
	}
	return "age"
}
