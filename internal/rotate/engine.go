// Package rotate replaces deploy keys, stored tokens and generated secrets before
// they grow old. A run that dies anywhere leaves something that works, and the next
// one completes it. Four rules make that so; whoever adds a step keeps them:
//
//   - Make before break, checked at the moment of the break. A value is made, stored
//     everywhere and seen there before anything of the old goes. Right before each
//     removal the keys are listed and every store is looked at once more: another
//     run may have come between. Nothing is removed after a step that failed.
//   - Absence in a list is not absence in the world. A list decides something only
//     when it came out even, and a 404 is "gone" only where a list that could be read
//     says the same: a repository that is out of reach answers 404 as well.
//   - An id is an identity, a name is not. A deploy key is ours when its title
//     carries the id of this rotation of this manifest, see [Origin]. What only
//     looks like it is somebody else's: it is named, and left alone. A variable is
//     ours when what it holds and when it was written fit what we would have left.
//   - A destructive step has a brake. What a person asked to be gone at once still
//     waits until no other run can be storing it.
//
// It keeps no state: when something is due is read from GitHub, and all times are
// GitHub's own.
//
// It makes no HTTP client, knows no age and reads no manifest; the composer gives
// it all of them. Start at [Engine].
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

// Engine is what rotating takes. Only Call must be set, Origin where there are deploy
// keys, and Mint and Identity where a rotation is of that kind. What Call returns for a
// refusal says which permission it takes.
//
// Who may write deploy keys can give one of his our id. He gains nothing: it makes us
// rotate once more, and goes with the keys that we replace. It can't make us remove the
// key in use, because no key goes that a store may hold by the times of both.
type Engine struct {
	Call     apicall.Func // for several goroutines at once
	Origin   Origin
	Mint     func(context.Context, manifest.Rotation) (Minted, error)      // an installation token
	Identity func() (identity redact.String, recipient string, err error)  // a new age identity
	Access   func(context.Context, manifest.Store) (*secret.Access, error) // who sees an organization's secret; nil keeps it
	Secret   func(redact.String)                                           // told each new secret before anything else is done with it
	Info     func(format string, args ...any)                              // told of each step
	Force    func(name string) bool                                        // rotate although it is not due
	Exposed  func(name string) bool                                        // rotate, since somebody else has it: keep nothing
	Points   int                                                           // of GitHub's that may be spent in a minute; 0: no limit
	Now      func() time.Time                                              // GitHub's clock, as its answers taught it; nil: the machine's
	DryRun   bool                                                          // decide, and change nothing
}

// Minted is a new installation token.
type Minted struct {
	Value  redact.String
	Revoke func(context.Context) error // for a token that went nowhere; nil: it expires by itself
}

// Run sees to one rotation after the other. None stops the next. What another run
// seemed to be at is looked at once more in the end.
func (e *Engine) Run(ctx context.Context, rotations []manifest.Rotation) []Report {
	reports, busy := make([]Report, len(rotations)), false
	promised := map[string]int{}
	for i := range rotations {
		reports[i] = e.see(ctx, &rotations[i], promised)
		busy = busy || reports[i].Outcome == Busy
	}
	if e.DryRun || !busy {
		return reports
	}
	waited := pause(ctx, secondLook)
	for i := range rotations {
		if reports[i].Outcome == Busy && waited {
			reports[i] = e.see(ctx, &rotations[i], promised)
		}
		if reports[i].Outcome == Busy {
			// It is due, and nobody knows whether somebody sees to it.
			reports[i].Err = errors.New("it was not done: " + reports[i].Reason)
		}
	}
	return reports
}

// secondLook is after what time a rotation that another run seemed to be at is looked
// at again. Most are over by then.
const secondLook = 30 * time.Second

// see sees to one rotation. promised counts what a dry run would have put into places
// that hold only so much.
func (e *Engine) see(ctx context.Context, r *manifest.Rotation, promised map[string]int) Report {
	j := e.job(r)
	j.promised = promised
	err := secret.NotTried(ctx)
	if err == nil {
		err = j.run(ctx)
	}
	return j.report(err)
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
	lingers bool // a key is still there that should be gone by now
	others  []Other
	foreign []*deployKey // the same
	byHand  []*deployKey // those that are not of our form
	told    time.Time    // GitHub's clock when the keys were listed; zero: it did not say

	id       string         // in the titles of its deploy keys
	median   time.Duration  // of how long a look at a store took
	promised map[string]int // see Engine.see
	counting sync.Mutex     // of promised
}

func (e *Engine) job(r *manifest.Rotation) *job {
	return &job{Engine: e, Rotation: r, now: e.clock(), targets: targetsOf(r.Store), id: e.Origin.id(r.Name), promised: map[string]int{}}
}

// clock is GitHub's, or what comes closest.
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
	if v.due && j.exposed() {
		v.reason = "it is compromised" // whatever else it is
	}
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

func (j *job) exposed() bool { return j.Engine.Exposed != nil && j.Engine.Exposed(j.Name) }

func (j *job) forced() bool { return j.Force != nil && j.Force(j.Name) || j.exposed() }

// abreast is how many requests go out at once where their order does not matter. It
// leaves room for others below GitHub's limit of 100.
const abreast = 8

// each calls do for 0 to n-1, some at once.
func each(n int, do func(i int)) { apicall.Each(n, abreast, do) }

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
