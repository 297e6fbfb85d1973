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
	Due     Outcome = "due"                   // only in a dry run
	Busy    Outcome = "in progress elsewhere" // another run may be between two of its steps
	Failed  Outcome = "failed"
)

// Report is the result of one rotation. It holds no secret.
type Report struct {
	Name, Kind  string
	Outcome     Outcome
	Reason      string        // why it was due, or was not done
	Since       time.Time     // when the credential in use was made; zero: there is none, or it is not known
	Age         time.Duration // of the credential in use
	Before      time.Duration // age of the credential in use when the run began; zero: there was none
	Every       time.Duration // how old a credential may get
	Due         time.Time     // when to check again
	Overdue     bool          // Before is more than 1.5 times Every
	Expired     bool          // it was a token, and Before is longer than a token lives
	Stores      []Stored
	Retired     int // number of deploy keys that were removed
	Kept        int // number of deploy keys of this rotation that remain, including the one in use
	Others      []Other
	Exposed     bool   // the caller said that somebody else has the old credential
	Overwritten string // the store that somebody else seems to have written; empty: none
	// Err is not nil with Failed, and with Busy unless it is a dry run. With
	// another outcome it means that a key still exists that should be removed.
	// The next run tries again, unless Lingers says that the key should have
	// been gone by now.
	Err     error
	Lingers bool
}

// Other is a deploy key whose title has valetkey's form and that belongs to
// another rotation.
type Other struct {
	ID       int64
	Rotation string // the id of that rotation
}

// Stored is one secret of a rotation.
type Stored struct {
	Place     secret.Place
	Secret    string
	UpdatedAt time.Time // as GitHub last reported it; zero: there is none
	Err       error
}

// NextDue returns the earliest due date of all reports; zero if there is none.
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
		Name: j.Name, Kind: j.kind(), Reason: j.decision.reason, Since: j.decision.since, Before: j.before, Every: j.Every,
		Retired: j.retired, Kept: j.kept, Others: j.others, Exposed: j.exposed(), Overwritten: j.decision.overwritten, Err: err,
		Lingers: j.lingers,
	}
	r.Overdue = r.Before > j.Every*3/2
	r.Expired = j.InstallationToken != nil && r.Before > tokenLife
	switch {
	case j.done:
		r.Outcome = Rotated
	case err != nil && (j.decision.due || j.decision.reason == ""):
		r.Outcome = Failed
	case !j.decision.busy.IsZero():
		r.Outcome, r.Due = Busy, j.decision.busy
	case j.decision.due:
		r.Outcome = Due
	default:
		r.Outcome = NotDue
	}
	if !r.Since.IsZero() && r.Due.IsZero() {
		r.Due = r.Since.Add(j.Every)
	}
	if r.Due.IsZero() || j.decision.due && !j.done {
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
