package rotate

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/manifest"
)

// fate is what happens to a run at one of its requests.
type fate int

const (
	killedBefore    fate = iota // the machine dies before the request is sent
	killedAfter                 // the request took effect, and the machine dies
	cancelledBefore             // somebody cancels the run
	cancelledAfter
	lost          // the request took effect, and its answer is lost
	serverError   // 500, and no effect
	serverTrouble // 502, and the request took effect
	notFound
	refused // 422
	fates
)

var fateNames = [...]string{
	"killed before", "killed after", "cancelled before", "cancelled after", "lost", "500", "502 after", "404", "422",
}

var errLost = errors.New("connection reset by peer")

// strike applies a fate to a request. It calls die for a run that died:
// whatever that run still does, none of its requests may be sent any more.
func (how fate) strike(ctx context.Context, call apicall.Func, r apicall.Request, cancel, die func()) (apicall.Answer, error) {
	refusal := func(code int) (apicall.Answer, error) {
		return status(code), fmt.Errorf("%s: GitHub answered %d: no", r.Op, code)
	}
	switch how {
	case killedBefore:
		die()
		return apicall.Answer{}, errLost
	case cancelledBefore:
		cancel()
		return call(ctx, r)
	case serverError:
		return refusal(500)
	case notFound:
		return refusal(404)
	case refused:
		return refusal(422)
	}
	r.Result = nil // nobody reads it
	_, _ = call(ctx, r)
	switch how {
	case killedAfter:
		die()
	case cancelledAfter:
		cancel()
		return apicall.Answer{}, context.Canceled
	case serverTrouble:
		return refusal(502)
	}
	return apicall.Answer{}, errLost
}

// strikeAt applies a fate to the n-th request, and reads every store after
// each.
func (f *fixture) strikeAt(n int, how fate, r manifest.Rotation) (reports []Report, struck bool) {
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	count, dead := 0, false
	e := f.engine(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
		if dead {
			return apicall.Answer{}, errLost
		}
		defer f.watch(req, r)
		if count++; count == n {
			struck = true
			return how.strike(ctx, f.call, req, cancel, func() { dead = true })
		}
		return f.call(ctx, req)
	})
	return f.runIn(ctx, e, r), struck
}

func TestARunThatDiesAnywhereLeavesWorkingKeysAndIsCompletedByTheNext(t *testing.T) {
	for _, keep := range []int{0, 1} {
		for how := killedAfter; how < fates; how++ { // dying before a request is the same as dying after the previous one
			for _, before := range []int{0, keep + 1} { // rotations that went well
				if before == 0 && keep > 0 {
					continue // there is no generation to keep
				}
				t.Run(fmt.Sprintf("keep %d, %s, %d before", keep, fateNames[how], before), func(t *testing.T) {
					t.Parallel()
					for n := 1; ; n++ {
						if !dies(t, n, how, keep, before) {
							if n < 20 && how == lost {
								t.Errorf("only %d requests", n)
							}
							break
						}
					}
				})
			}
		}
	}
}

func dies(t *testing.T, n int, how fate, keep, before int) (struck bool) {
	synctest.Test(t, func(t *testing.T) {
		f, r := newFixture(t), keyRotation(keep)
		f.addByHand()
		for range before {
			time.Sleep(30 * day)
			if got := f.run(f.engine(nil), r)[0]; got.Outcome != Rotated || got.Err != nil {
				t.Fatalf("%+v", got)
			}
		}
		time.Sleep(30 * day)
		_, struck = f.strikeAt(n, how, r)
		f.held(r)
		time.Sleep(lease + time.Minute)
		var last Report
		for range 2 {
			last, _ = first(f.strikeAt(0, 0, r))
			time.Sleep(time.Hour)
		}
		if last.Outcome != NotDue || last.Err != nil {
			t.Fatalf("request %d: %+v", n, last)
		}
		want := keep + 1
		if before == 0 {
			want = min(want, len(f.ours())) // there may have been no generation to keep
		}
		f.checkSettled(r, want)
		for range keep + 1 { // by then, there are all generations
			time.Sleep(30 * day)
			f.run(f.engine(nil), r)
		}
		f.checkSettled(r, keep+1)
		if n := len(f.keys()) - keep - 1; n != 3 {
			t.Fatalf("%d keys that others made, want 3", n)
		}
		f.checkNoSecretShown()
	})
	return struck
}

func first(reports []Report, struck bool) (Report, bool) { return reports[0], struck }
