//go:build !race

package cli

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patRun is one run of the action.
type patRun struct {
	*step
	y      *patYear
	policy patPolicy // when it began
	inputs map[string]string
	calm   bool   // nothing goes wrong
	acts   bool   // it may change something
	owner  string // whose tokens it is to end, whatever they are

	storm    float64 // share of the attempts that fail
	blind    bool    // the App does not see members
	act      int     // requests until people do something; 0: they don't
	left     int     // requests until it is killed; 0: it is not
	cancel   context.CancelFunc
	over     bool // it was killed, so that nothing may be changed any more
	started  time.Time
	grants   int             // how many there were when it began
	lookedAt time.Time       // when it read again what it is about to change
	did      map[string]int  // what GitHub did for it, by action
	knows    map[string]bool // the changes that GitHub told it were made
	minted   []string
}

// placeOf returns an environment whose files are its own.
func placeOf(t *testing.T, env map[string]string) map[string]string {
	env = maps.Clone(env)
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "INPUT_REPORT-FILE"} {
		env[name] = filepath.Join(t.TempDir(), name)
	}
	return env
}

func (y *patYear) workflow(inputs map[string]string) *patRun {
	return &patRun{y: y, inputs: inputs, acts: true}
}

func (y *patYear) ofRequests() *patRun {
	return y.workflow(map[string]string{"INPUT_ONLY": "requests"})
}

func (y *patYear) nightly() *patRun {
	r := y.workflow(map[string]string{"INPUT_ONLY": "grants, sso, leaks"})
	if y.stopped && y.policy.idleNotice > 0 && y.often(0.7) { // somebody looked, and it is right
		r.inputs["INPUT_CONFIRM"] = "fleet"
		y.policy.limit = 1000
		y.publish()
		y.count["confirmed"]++
	}
	return r
}

// special runs what people start by hand now and then.
func (y *patYear) special() {
	switch {
	case y.often(0.05): // somebody wants to change the policy
		r := y.workflow(map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"})
		if y.often(0.5) {
			r.inputs["INPUT_DRY-RUN"] = "true"
		}
		r.acts = false
		y.together(r)
		y.count["pull requests"]++
	case y.often(0.05): // a laptop is lost
		who := y.somebody()
		r := y.workflow(map[string]string{
			"INPUT_REVOKE-OWNER": who.login, "INPUT_CONFIRM": who.login, "GITHUB_EVENT_NAME": "workflow_dispatch",
		})
		r.owner = who.login
		y.together(r)
		y.count["laptops"]++
	}
}

// together starts runs at once, and waits for all of them.
func (y *patYear) together(runs ...*patRun) {
	var all sync.WaitGroup
	for i, r := range runs {
		r.prepare(y.places[i])
	}
	y.running = runs
	for _, r := range runs {
		all.Go(r.perform)
	}
	all.Wait()
	y.running = nil
	for _, r := range runs {
		r.judgeRun()
	}
	y.ResetRequests()
}

// prepare sets what will happen to a run.
func (r *patRun) prepare(place map[string]string) {
	y := r.y
	r.policy, r.grants, r.started = y.policy, len(y.Grants("fleet")), y.now()
	r.did, r.knows = map[string]int{}, map[string]bool{}
	r.step = &step{GitHub: y.GitHub, env: maps.Clone(place)}
	for _, name := range []string{"INPUT_ONLY", "INPUT_DRY-RUN", "INPUT_REVOKE-OWNER", "INPUT_CONFIRM"} {
		r.env[name] = ""
	}
	maps.Copy(r.env, r.inputs)
	r.next(y.t, nil)
	_ = os.Remove(r.env["INPUT_REPORT-FILE"])
	r.acts = r.acts && (r.policy.enforce || r.owner != "")
	if r.calm {
		return
	}
	if y.often(0.3) {
		r.storm = 0.2 * y.chance.Float64()
	}
	if r.owner == "" && y.often(y.busy) {
		r.act = 1 + y.chance.IntN(30)
	}
	if y.often(0.06) {
		r.left = 1 + y.chance.IntN(30)
	}
	r.blind = y.often(0.03)
}

func (r *patRun) perform() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r.cancel = cancel
	p := r.process(r.y.t)
	p.Transport = patWeather{r, p.Transport}
	r.exit = run(ctx, p, "pats")
}

// logged returns the log without the masks.
func (r *patRun) logged() string { return strings.TrimSpace(withoutMasks(r.log.String())) }
