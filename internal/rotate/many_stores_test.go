package rotate

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/manifest"
)

// limits delays calls as GitHub and the action's own rate limiter would: each
// takes its time, and no minute has more points than allowed.
type limits struct {
	call   apicall.Func
	takes  time.Duration
	points int

	mu    sync.Mutex
	spent []time.Time // one for each point
	most  int         // calls at once
	now   int
}

func (l *limits) do(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
	cost := 1
	if r.Method != http.MethodGet {
		cost = writePoints
	}
	for !l.begin(cost) {
		if !pause(ctx, 100*time.Millisecond) {
			return apicall.Answer{}, ctx.Err()
		}
	}
	defer func() {
		l.mu.Lock()
		l.now--
		l.mu.Unlock()
	}()
	if !pause(ctx, l.takes) {
		return apicall.Answer{}, ctx.Err()
	}
	return l.call(ctx, r)
}

func (l *limits) begin(cost int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.spent) > 0 && time.Since(l.spent[0]) > time.Minute {
		l.spent = l.spent[1:]
	}
	if l.points > 0 && len(l.spent)+cost > l.points {
		return false
	}
	for range cost {
		l.spent = append(l.spent, time.Now())
	}
	l.now++
	l.most = max(l.most, l.now)
	return true
}

// many adds n repositories and returns stores in all of them.
func (f *fixture) many(n int) []manifest.Store {
	var list []manifest.Store
	for i := range n {
		name := fmt.Sprint("r", i)
		f.AddRepository(fakegithub.Repository{Owner: "acme", Name: name, Private: true})
		list = append(list, manifest.Store{Owner: "acme", Repository: name, Secret: "SHARED", Apps: []string{"actions"}})
	}
	return list
}

// A fleet of stores is written in one run, at the speed of the real GitHub and
// within its limits, or refused before anything is made.
func TestManyStoresAreDoneInOneRun(t *testing.T) {
	for _, test := range []struct {
		kind, stores int
		takes        time.Duration
		points       int
		fails        string
		within       time.Duration
	}{
		{0, 320, 650 * time.Millisecond, 900, "", 7 * time.Minute},
		{2, 320, 650 * time.Millisecond, 900, "", 8 * time.Minute},
		{1, 320, 650 * time.Millisecond, 900, "", 8 * time.Minute},
		{0, 1500, 200 * time.Millisecond, 900, "", 20 * time.Minute},
		{2, 320, 2 * time.Second, 900, "writing 320 stores would take about 22 min, and a run has 10 min for it", 5 * time.Minute},
		{0, 320, 2 * time.Second, 900, "", 10 * time.Minute},
		{0, 320, 50 * time.Millisecond, 100, "writing 320 stores would take about 17 min, and a run has 10 min for it", 8 * time.Minute},
		{2, 2100, 0, 0, "writing 2100 stores would take about 11 min, and a run has 10 min for it", time.Minute},
		{2, 3, 10 * time.Millisecond, 5, "", time.Hour},
	} {
		inBubble(t, fmt.Sprintf("kind %d, %d stores, %s, %d points", test.kind, test.stores, test.takes, test.points),
			func(t *testing.T, f *fixture) {
				r := allKinds(0)[test.kind]
				r.Store = f.many(test.stores)
				for _, dry := range []bool{true, false} {
					l := &limits{call: f.call, takes: test.takes, points: test.points}
					e := f.knowing(nil)
					e.Call, e.Points, e.DryRun = l.do, test.points, dry
					begun := time.Now()
					got := f.run(e, r)[0]
					took := time.Since(begun)
					switch {
					case test.fails != "":
						if got.Outcome != Failed || got.Err.Error() != test.fails || hint(got.Err) == "" {
							t.Errorf("dry %t: %v", dry, got.Err)
						}
					case dry && got.Outcome != Due, !dry && got.Outcome != Rotated, got.Err != nil:
						t.Fatalf("dry %t: %s, %v", dry, got.Outcome, got.Err)
					}
					if took > test.within || l.most > concurrency+2 {
						t.Errorf("dry %t: it took %s, with %d requests at once", dry, took, l.most)
					}
					if dry || test.fails == "" {
						continue
					}
					for _, s := range r.Store {
						if _, there := f.SecretValue(fakegithub.Place{Owner: s.Owner, Repository: s.Repository}, "SHARED"); there {
							t.Fatal("something was stored")
						}
					}
				}
				if test.fails == "" && test.stores < 500 {
					if got := f.run(f.knowing(nil), r)[0]; got.Outcome != NotDue {
						t.Errorf("%+v", got)
					}
				}
			})
	}
}

// The second half of a rotation, with a key to retire, stays within the limits
// as well.
func TestManyStoresAreRotatedAgain(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		r := keyRotation(0)
		r.Store = f.many(320)
		for i := range 2 {
			l := &limits{call: f.call, takes: 650 * time.Millisecond, points: 900}
			e := f.knowing(nil)
			e.Call, e.Points = l.do, 900
			begun := time.Now()
			if got := f.run(e, r)[0]; got.Outcome != Rotated || got.Retired != i || got.Err != nil || time.Since(begun) > 8*time.Minute {
				t.Errorf("after %s: %s, %d retired, %v", time.Since(begun), got.Outcome, got.Retired, got.Err)
			}
			time.Sleep(30 * day)
		}
		for _, k := range f.held(r) {
			if k == nil || k.ID != f.ours()[0].ID {
				t.Fatalf("%+v", k)
			}
		}
	})
}
