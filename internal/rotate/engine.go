// Package rotate replaces deploy keys, stored tokens and generated secrets before
// they grow old. It always makes, stores, verifies and only then retires, so that
// a run that dies anywhere leaves something that works, and that the next run
// completes.
//
// It keeps no state: when something is due is read from GitHub. A deploy key is
// told by its title, so when a rotation gets another title, keys of the old one
// are left alone; a person removes them.
//
// It makes no HTTP client, knows no age and reads no manifest; the composer gives
// it all of them. Start at [Engine].
package rotate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// Engine is what rotating takes. Only Call must be set, and Mint and Identity
// where a rotation is of that kind. What Call returns for a refusal says which
// permission it takes.
type Engine struct {
	Call     apicall.Func
	Mint     func(context.Context, manifest.Rotation) (Minted, error)      // an installation token
	Identity func() (identity redact.String, recipient string, err error)  // a new age identity
	Access   func(context.Context, manifest.Store) (*secret.Access, error) // who sees an organization's secret; nil keeps it
	Secret   func(redact.String)                                           // told each new secret before anything else is done with it
	Info     func(format string, args ...any)                              // told of each step
	Force    func(name string) bool                                        // rotate although it is not due
	Now      func() time.Time                                              // GitHub's clock, as far as its answers taught it; nil: the machine's
	DryRun   bool                                                          // decide, and change nothing
}

// Minted is a new installation token.
type Minted struct {
	Value  redact.String
	Revoke func(context.Context) error // for a token that went nowhere; nil: it expires by itself
}

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
	// Err is not nil with Failed. With another outcome it says that a key that
	// should be gone is still there; the next run tries again.
	Err error
}

// Stored is one secret of a rotation.
type Stored struct {
	Place     secret.Place
	Secret    string
	UpdatedAt time.Time // as GitHub last told; zero: there is none
	Err       error
}

// Run sees to one rotation after the other. None stops the next.
func (e *Engine) Run(ctx context.Context, rotations []manifest.Rotation) []Report {
	reports := make([]Report, len(rotations))
	titles := map[string]bool{}
	for i := range rotations {
		j := e.job(&rotations[i])
		err := secret.NotTried(ctx)
		if key := j.DeployKey; key != nil && err == nil {
			// They would take each other's keys for old generations of their own.
			id := strings.ToLower(key.Owner+"/"+key.Repository) + " " + key.Title
			if titles[id] {
				err = &fault{problem: fmt.Sprintf("another rotation has the title %q at %s/%s", key.Title, key.Owner, key.Repository), cure: "give each its own title"}
			}
			titles[id] = true
		}
		if err == nil {
			err = j.run(ctx)
		}
		reports[i] = j.report(err)
	}
	return reports
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

const tokenLife = time.Hour // of an installation token

// job is one rotation of one run.
type job struct {
	*Engine
	*manifest.Rotation
	now     time.Time // by GitHub's clock
	begun   time.Time // when the making began, by the machine's
	before  time.Duration
	targets []*target
	verdict verdict
	done    bool // the new one is everywhere
	retired int
	kept    int
}

func (e *Engine) job(r *manifest.Rotation) *job {
	return &job{Engine: e, Rotation: r, now: e.clock(), targets: targetsOf(r.Store)}
}

// clock is GitHub's, or what comes closest.
func (e *Engine) clock() time.Time {
	if e.Now == nil {
		return time.Now()
	}
	return e.Now()
}

func (j *job) run(ctx context.Context) error {
	err := j.look(ctx)
	j.now = j.clock() // the first answers teach it
	if err != nil {
		return err
	}
	if j.DeployKey != nil {
		return j.rotateKey(ctx)
	}
	return j.rotateValue(ctx)
}

// decide notes a verdict, and how old what it is about was.
func (j *job) decide(v verdict) {
	j.verdict = v
	if !v.since.IsZero() {
		j.before = max(0, j.now.Sub(v.since)) // clocks differ
	}
}

// inTime is for making and storing, which are over before a lease is.
func (j *job) inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	j.begun = time.Now().Round(0)
	return context.WithTimeout(ctx, window)
}

func (j *job) report(err error) Report {
	r := Report{
		Name: j.Name, Kind: j.kind(), Reason: j.verdict.reason, Since: j.verdict.since, Before: j.before, Every: j.Every,
		Retired: j.retired, Kept: j.kept, Err: err,
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

func (j *job) forced() bool { return j.Force != nil && j.Force(j.Name) }

func (j *job) info(format string, args ...any) {
	if j.Info != nil {
		j.Info(j.Name+": "+format, args...)
	}
}

// mask tells of a new secret.
func (j *job) mask(value redact.String) redact.String {
	if j.Secret != nil {
		j.Secret(value)
	}
	return value
}

// afterwards is for what has to be undone when the run was cancelled meanwhile. A
// runner waits some seconds before it kills.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// pause waits, and tells whether it did so to the end.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
