package rotate

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/manifest"
)

// runner is a run that makes a request only when the test lets it.
type runner struct {
	ask, served chan struct{}
	over        chan struct{}
	report      Report
	fate        fate
	fatal       bool // the next request meets its fate
	dead        bool // no request is sent any more
}

// start begins a run that waits before its first request.
func (f *fixture) start(r manifest.Rotation, force bool) *runner {
	x := &runner{ask: make(chan struct{}), served: make(chan struct{}), over: make(chan struct{})}
	e := f.engine(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
		if x.dead {
			return apicall.Answer{}, errLost
		}
		<-x.ask
		defer func() { x.served <- struct{}{} }()
		defer f.watch(req, r)
		if x.fatal {
			x.fatal = false
			return x.fate.strike(ctx, f.call, req, func() {}, func() { x.dead = true })
		}
		return f.call(ctx, req)
	})
	e.Force = func(string) bool { return force }
	go func() {
		defer close(x.over)
		x.report = f.runIn(context.Background(), e, r)[0]
	}()
	return x
}

// step lets a run make one request. While the run only waits, time passes.
func (x *runner) step() {
	select {
	case x.ask <- struct{}{}:
		<-x.served
	case <-x.over:
	}
}

// race runs two rotations at once, in the order that turn returns, and then as
// scheduled. GitHub's clock is ahead of the machine's by skew.
func race(t *testing.T, keep int, skew time.Duration, force [2]bool, turn func(i int, x [2]*runner) *runner) {
	synctest.Test(t, func(t *testing.T) {
		f, r := newFixture(t), keyRotation(keep)
		f.skew = skew
		f.SetClockSkew(skew)
		f.addByHand()
		for range keep + 1 {
			time.Sleep(31 * day)
			f.run(f.engine(nil), r)
		}
		f.checkSettled(r, keep+1)
		if time.Sleep(time.Hour); !force[0] || !force[1] {
			time.Sleep(31 * day)
		}
		x := [2]*runner{f.start(r, force[0]), f.start(r, force[1])}
		for i := 0; ; i++ {
			one := turn(i, x)
			if one == nil {
				break
			}
			one.step()
		}
		for _, one := range x {
			<-one.over
			// If the clocks differ, two writes in one second may look like one.
			// That failure costs nothing.
			if one.report.Outcome == Failed && one.fate == 0 && skew == 0 {
				t.Fatalf("%+v", one.report)
			}
		}
		// A race leaves at most one extra key for each of the two runs.
		if n := len(f.ours()); n > keep+1+2 {
			t.Fatalf("%d keys right after the race", n)
		}
		for range 2 {
			time.Sleep(31 * day)
			if got, _ := first(f.strikeAt(0, 0, r)); got.Outcome != Rotated || got.Err != nil {
				t.Fatalf("%+v", got)
			}
			f.checkSettled(r, keep+1)
		}
		f.checkNoSecretShown()
	})
}

// skews are clock differences that would make a run at work look like one that
// died, or the other way round. No key may be lost because of them.
var skews = []time.Duration{0, 0, lease + time.Minute, -lease - time.Minute, 3 * time.Second}

// rest returns the first run that is not over, so that the rest of each run
// follows the other.
func rest(x ...*runner) *runner {
	for _, one := range x {
		select {
		case <-one.over:
		default:
			return one
		}
	}
	return nil
}

func TestTwoRunsAtOnceNeverRetireEachOthersKeys(t *testing.T) {
	t.Run("one within the other", func(t *testing.T) {
		t.Parallel()
		for _, force := range [][2]bool{{}, {true, true}} {
			for keep := range 2 {
				const requests = 39
				for n := range requests {
					for m := 1 + n%29; m < requests; m += 29 { // steps of 1 pass as well, and take minutes
						race(t, keep, skews[(n+m)%5], force, func(i int, x [2]*runner) *runner {
							switch { // n of the first, m of the second, and the rest of both
							case i < n:
								return x[0]
							case i < n+m:
								return x[1]
							}
							return rest(x[0], x[1])
						})
					}
				}
			}
		}
	})
	t.Run("in any order", func(t *testing.T) {
		t.Parallel()
		for seed := range uint64(40) {
			random := rand.New(rand.NewPCG(seed, 1))
			race(t, int(seed%2), skews[seed%5], [2]bool{seed%3 == 1, seed%3 != 0}, func(_ int, x [2]*runner) *runner {
				if random.IntN(2) == 0 {
					return rest(x[0], x[1])
				}
				return rest(x[1], x[0])
			})
		}
	})
	t.Run("while one of them dies", func(t *testing.T) {
		t.Parallel()
		for seed := range uint64(40) {
			random := rand.New(rand.NewPCG(seed, 2))
			when, how := random.IntN(60), fate(random.IntN(int(fates)))
			race(t, int(seed%2), skews[seed%5], [2]bool{seed%3 == 1, seed%3 != 0}, func(i int, x [2]*runner) *runner {
				one := rest(x[random.IntN(2)], x[0], x[1])
				if i == when && one != nil {
					one.fate, one.fatal = max(how, killedAfter), true
				}
				return one
			})
		}
	})
}
