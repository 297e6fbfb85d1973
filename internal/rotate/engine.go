// Package rotate replaces deploy keys, stored tokens and generated secrets
// before they grow old. A run that dies at any point leaves credentials that
// work, and the next run completes it. Four rules make that so; every new step
// has to keep them:
//
//   - Make before break, checked at the moment of the break. A value is made,
//     stored everywhere and seen there before anything old is removed. Right
//     before each removal the keys are listed and every store is read once
//     more, because another run may have come in between. Nothing is removed
//     after a step that failed.
//   - Absence in a list is not absence in the world. A list decides something
//     only when it is complete, and a 404 means "gone" only when a list that
//     could be read says the same: a repository out of reach answers 404 as
//     well.
//   - An id is an identity, a name is not. A deploy key is ours when its title
//     carries the id of this rotation of this manifest, see [Origin]. A key
//     that only looks like ours belongs to somebody else: it is reported and
//     left alone. A variable is ours when its value and the time of its last
//     write fit what we would have left.
//   - A destructive step has a brake. Even a key that a person wants gone at
//     once waits until no other run can be storing it.
//
// The package keeps no state. It reads from GitHub when something is due, and
// all times are GitHub's own.
//
// It makes no HTTP client, does not use age and reads no manifest; its caller
// provides all of them. Start at [Engine].
package rotate

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/secret"
)

// Engine holds everything that a rotation needs. Call must be set; Origin where
// there are deploy keys; Mint and Identity where a rotation is of that kind. An
// error that Call returns for a refusal names the missing permission.
//
// Somebody who may write deploy keys can give a key our id. They gain nothing
// by it: it makes us rotate once more, and the key is removed with the ones
// that we replace. It can't make us remove the key in use, because we remove no
// key that, by the times, a store may hold.
type Engine struct {
	Call     apicall.Func // for several goroutines at once
	Origin   Origin
	Mint     func(context.Context, manifest.Rotation) (Minted, error)      // an installation token
	Identity func() (identity redact.String, recipient string, err error)  // a new age identity
	Access   func(context.Context, manifest.Store) (*secret.Access, error) // who sees an organization's secret; nil keeps it
	Secret   func(redact.String)                                           // called with each new secret before its first use
	Info     func(format string, args ...any)                              // logs each step
	Force    func(name string) bool                                        // rotate although it is not due
	Exposed  func(name string) bool                                        // rotate, because it is compromised: keep no old key
	Points   int                                                           // of GitHub's limit, to spend in a minute; 0: no limit
	Now      func() time.Time                                              // GitHub's time, learned from its answers; nil: the machine's
	DryRun   bool                                                          // decide, and change nothing
}

// Minted is a new installation token.
type Minted struct {
	Value  redact.String
	Revoke func(context.Context) error // for a token that no store took; nil: it expires by itself
}

// Run performs one rotation after the other. A failure of one does not stop the
// next. A rotation that another run seemed to be working on is checked once
// more at the end.
func (e *Engine) Run(ctx context.Context, rotations []manifest.Rotation) []Report {
	reports, busy := make([]Report, len(rotations)), false
	promised := map[string]int{}
	for i := range rotations {
		reports[i] = e.rotate(ctx, &rotations[i], promised)
		busy = busy || reports[i].Outcome == Busy
	}
	if e.DryRun || !busy {
		return reports
	}
	waited := pause(ctx, secondLook)
	for i := range rotations {
		if reports[i].Outcome == Busy && waited {
			reports[i] = e.rotate(ctx, &rotations[i], promised)
		}
		if reports[i].Outcome == Busy {
			// The rotation is due, and nobody knows whether another run
			// completes it.
			reports[i].Err = errors.New("it was not done: " + reports[i].Reason)
		}
	}
	return reports
}

// secondLook is how long Run waits before it checks again a rotation that
// another run seemed to be working on. Most are over by then.
const secondLook = 30 * time.Second

// rotate performs one rotation. promised counts the secrets and variables that
// a dry run would have put into places that hold only so many.
func (e *Engine) rotate(ctx context.Context, r *manifest.Rotation, promised map[string]int) Report {
	j := e.job(r)
	j.promised = promised
	err := secret.NotTried(ctx)
	if err == nil {
		err = j.run(ctx)
	}
	return j.report(err)
}

const tokenLife = time.Hour // how long an installation token lives

// job is one rotation in one run.
type job struct {
	*Engine
	*manifest.Rotation
	now      time.Time // by GitHub's clock
	begun    time.Time // when making the value began, by the machine's
	before   time.Duration
	targets  []*target
	decision decision
	done     bool // the new credential is in every store
	retired  int
	kept     int
	lingers  bool         // a key exists that should have been removed by now
	others   []Other      // deploy keys of other rotations
	foreign  []*deployKey // the same keys, as GitHub reports them
	byHand   []*deployKey // deploy keys whose titles are not of our form
	listedAt time.Time    // GitHub's clock when the keys were listed; zero: it did not say

	id       string         // carried by the titles of its deploy keys
	median   time.Duration  // of the times that reading a store took
	promised map[string]int // see Engine.rotate
	counting sync.Mutex     // guards promised
}

func (e *Engine) job(r *manifest.Rotation) *job {
	return &job{Engine: e, Rotation: r, now: e.clock(), targets: targetsOf(r.Store), id: e.Origin.id(r.Name), promised: map[string]int{}}
}

// clock returns GitHub's time; without Engine.Now, the machine's.
func (e *Engine) clock() time.Time {
	if e.Now == nil {
		return time.Now()
	}
	return e.Now()
}

func (j *job) run(ctx context.Context) error {
	if j.DeployKey != nil && j.id == "" {
		return errOrigin
	}
	err := j.look(ctx)
	j.now = j.clock() // known from the first answers on
	if err != nil {
		return err
	}
	if j.DeployKey != nil {
		return j.rotateKey(ctx)
	}
	return j.rotateValue(ctx)
}

// setDecision stores the decision, and the age of the credential in use.
func (j *job) setDecision(v decision) {
	if v.due && j.exposed() {
		v.reason = "it is compromised" // whatever else it is
	}
	j.decision = v
	if !v.since.IsZero() {
		j.before = max(0, j.now.Sub(v.since)) // clocks differ
	}
}

// inTime returns the context for making and storing, which have to be over
// before a lease is.
func (j *job) inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	j.begun = time.Now().Round(0)
	return context.WithTimeout(ctx, window)
}

func (j *job) exposed() bool { return j.Engine.Exposed != nil && j.Engine.Exposed(j.Name) }

func (j *job) forced() bool { return j.Force != nil && j.Force(j.Name) || j.exposed() }

// concurrency is how many requests are sent at once where their order does not
// matter. It leaves room for other programs below GitHub's limit of 100.
const concurrency = 8

// each calls do for 0 to n-1, several at once.
func each(n int, do func(i int)) { apicall.Each(n, concurrency, do) }

func (j *job) info(format string, args ...any) {
	if j.Info != nil {
		j.Info(j.Name+": "+format, args...)
	}
}

// mask passes a new secret to Engine.Secret, and returns it.
func (j *job) mask(value redact.String) redact.String {
	if j.Secret != nil {
		j.Secret(value)
	}
	return value
}

// cleanupContext returns a context for undoing a step after the run was
// cancelled. A runner waits some seconds before it kills the process.
func cleanupContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// pause waits, and reports whether it did so to the end.
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
