//go:build !race

package cli

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// How many tokens the organization sees in the year below, and has at once in
// the other test. The year takes ten seconds for each thousand, and minutes under
// the race detector, which the weather of package pat is run with.
const (
	patsOfAYear = 1500
	patsAtOnce  = 5000
)

// For a year, the workflows of docs/personal-tokens.md govern the tokens of an
// organization. People come and go, ask, ask again and change what they asked
// for; administrators review at the same time; others edit the notices; GitHub
// fails, and runs are killed. A model of the policy judges each request that
// GitHub gets.
func TestPATsYear(t *testing.T) {
	testKey()
	const standing, days = patsOfAYear / 30, 365
	seeds, pass := uint64(1), days
	if testing.Short() {
		pass = 60
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				y := newPATYear(t, seed, standing)
				y.asks = (patsOfAYear - standing) / days
				y.pass(pass)
				if pass == days {
					y.checkCounts()
				}
			})
		})
	}
}

// As many tokens are there at once, in lists of many pages, which people change
// while they are read.
func TestPATsYearOfPages(t *testing.T) {
	t.Parallel()
	testKey()
	tokens, days := patsAtOnce, 24
	if testing.Short() {
		tokens = patsAtOnce / 8
	}
	synctest.Test(t, func(t *testing.T) {
		y := newPATYear(t, 77, tokens)
		y.asks, y.busy, y.nights, y.alone = 10, 1, 8, true
		y.env["INPUT_POINTS-PER-MINUTE"] = "900"
		y.pass(days)
	})
}

// patYear is a GitHub with the organization fleet, and what a model of the
// policy has to remember of it.
type patYear struct {
	*step
	t *testing.T

	chance  *rand.Rand
	one     chan struct{}       // request at a time, and with it all of this
	places  []map[string]string // the files of two steps that run at once
	running []*patRun
	policy  patPolicy
	limit   int           // of what one run ends, as a rule
	skew    time.Duration // of GitHub's clock against the machine's
	asks    int           // new tokens of a day
	busy    float64       // how likely people do something during a run
	nights  int           // most of them from one nightly run to the next
	alone   bool          // no two runs are at once

	staff    map[string]*employee // by login
	former   map[string]*employee // by logins that they had
	gone     []*employee          // who may come back
	tokens   map[string]*handmade // by name; each has its own
	leaked   map[string]bool      // values that secret scanning found
	ended    map[string]bool      // of those, the ones that a run ended
	lost     map[string]time.Time // when access ended, by name
	told     map[notice]*promise
	serial   int
	tampered map[int]bool      // issues that people edited
	closed   map[int]time.Time // issues that people closed or deleted
	stopped  bool              // the last run did nothing because of its limits
	count    map[string]int
}

// handmade is a token or another credential that a person made.
type handmade struct {
	id        int64 // of the token itself
	owner     *employee
	value     string
	habit     float64 // how likely its owner uses it on a day
	protected bool
}

// employee is somebody who belongs to the organization, or did.
type employee struct {
	login            string
	member, invited  bool
	platform, exempt bool // exempt: no rule touches the tokens
}

func newPATYear(t *testing.T, seed uint64, standing int) *patYear {
	y := &patYear{
		t: t, step: newPATStep(t, "", map[string]string{"INPUT_POINTS-PER-MINUTE": "400"}), one: make(chan struct{}, 1),
		chance: rand.New(rand.NewPCG(seed, 16)), busy: 0.4, nights: 3,
		limit: 20 + standing/100, staff: map[string]*employee{}, former: map[string]*employee{}, tokens: map[string]*handmade{},
		leaked: map[string]bool{}, ended: map[string]bool{}, told: map[notice]*promise{}, lost: map[string]time.Time{},
		tampered: map[int]bool{}, closed: map[int]time.Time{}, count: map[string]int{},
	}
	y.SkipOpenAPI = true
	y.SetRequestsPerHour(1 << 30)
	y.SetConcurrency(100)
	y.SetPointsPerMinute(900)
	y.SetLatency(time.Second / 20)
	y.skew = []time.Duration{-25 * time.Hour, 0, time.Hour, 25 * time.Hour}[y.chance.IntN(4)]
	y.SetClockSkew(y.skew)
	y.places = []map[string]string{y.env, placeOf(t, y.env)}
	for _, name := range []string{"ci-1", "ci-2", "ci-3", "web", "infra"} {
		y.AddRepository(fakegithub.Repository{Owner: "fleet", Name: name, Private: true})
	}
	for _, login := range []string{"olga", "release-bot"} {
		y.hire(login).exempt = true
	}
	for range 30 + standing/20 {
		y.hire("")
	}
	for range standing {
		y.grant()
	}
	for range 20 + standing/20 {
		y.authorize(time.Duration(y.chance.IntN(200)) * day)
	}
	y.protect()
	return y
}

const day = 24 * time.Hour

// now is GitHub's clock.
func (y *patYear) now() time.Time { return time.Now().Add(y.skew) }

// often is true with a probability.
func (y *patYear) often(share float64) bool { return y.chance.Float64() < share }

func pick[T any](y *patYear, list ...T) T { return list[y.chance.IntN(len(list))] }

// pass lets time go by, and checks what is left at the end. GitHub leaves out
// some nights of a schedule.
func (y *patYear) pass(days int) {
	for d := 0; d < days; {
		slept := 1 + y.chance.IntN(y.nights)
		y.office(d)
		for range 2 + y.chance.IntN(8*slept) {
			y.happen()
		}
		for range y.asks * slept {
			y.ask()
		}
		y.work()
		for range 1 + d%4/3 {
			time.Sleep(time.Duration(5+y.chance.IntN(4)) * time.Hour)
			y.together(y.ofRequests())
		}
		y.special()
		time.Sleep(time.Duration(1+y.chance.IntN(3)) * time.Hour)
		nightly := []*patRun{y.nightly()}
		switch {
		case y.alone:
		case y.often(0.05):
			nightly = append(nightly, y.nightly())
		case y.often(0.1):
			nightly = append(nightly, y.ofRequests())
		}
		y.together(nightly...)
		time.Sleep(time.Duration(slept)*day - 20*time.Hour)
		d += slept
	}
	y.settle()
	y.t.Logf("%v", y.count)
}

// office is what becomes of the policy on a day. In some months it is only tried
// out, its limits and notices change, and now and then somebody gets it wrong.
func (y *patYear) office(d int) {
	y.policy = patPolicy{enforce: d/30%5 != 3, idle: 60 * day, idleNotice: 14 * day, limit: y.limit, share: 6}
	if d/60%2 == 1 {
		y.policy.idleNotice = 21 * day
		y.policy.limit, y.policy.share = y.limit/4, 50
	}
	if d%50 > 47 {
		y.policy.idle, y.policy.idleNotice = 7*day, 0
		y.count["policies gone wrong"]++
	}
	y.publish()
}

func (y *patYear) publish() { y.write(y.t, y.policy.manifest()) }
