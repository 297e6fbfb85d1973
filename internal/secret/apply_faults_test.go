package secret

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

// Whatever fails, exactly that is reported and everything else is right. A run
// without faults repairs it.
func TestFaults(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			fakegithubtest.Key()
			synctest.Test(t, func(t *testing.T) { faults(t, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

func faults(t *testing.T, random *rand.Rand) {
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("r%02d", i))
	}
	f := newFixture(t, names...)
	var wanted []Wanted
	for _, name := range names {
		for i := range 3 {
			wanted = append(wanted, wants(Place{Owner: "acme", Repository: name, App: Apps()[i]}, fmt.Sprintf("SECRET_%d", i),
				name+" gets "+fmt.Sprint(i)))
		}
	}
	broken := f.breakSome(names, random)
	seen := 0
	s := f.sync(func(s *Sync) { s.Done = func(Result) { seen++ } })
	results, err := s.Apply(t.Context(), s.Plan(t.Context(), wanted, nil))
	if err != nil || len(results) != len(wanted) || seen != len(wanted) {
		t.Fatalf("%d results, %d seen: %v", len(results), seen, err)
	}
	for _, r := range results {
		if failed := r.Outcome == Failed; failed != broken[r.Place.Repository] || failed != (r.Err != nil) {
			t.Errorf("%s of %s: %s: %v", r.Name, r.Place, r.Outcome, r.Err)
		}
	}
	var right, there []Wanted
	for _, x := range wanted {
		if !broken[x.Repository] {
			right = append(right, x)
		}
		if x.Repository != names[0] && x.Repository != names[6] { // not deleted
			there = append(there, x)
		}
	}
	f.checkSeen(right)
	f.requests()
	for i, line := range f.run(there) {
		if strings.Contains(line, "unchanged") == broken[there[i].Repository] || strings.Contains(line, "failed") {
			t.Error(line)
		}
	}
	writes := 0
	for _, r := range f.requests() {
		if strings.HasPrefix(r, "PUT") {
			writes++
		}
	}
	if writes != len(there)-len(right) {
		t.Errorf("%d writes of the second run", writes)
	}
	f.checkSeen(there)
}

// breakSome breaks the first twelve repositories, and returns them.
func (f *fixture) breakSome(names []string, random *rand.Rand) map[string]bool {
	broken := map[string]bool{}
	for i, name := range names[:12] {
		broken[name] = true
		path := "/repos/acme/" + name
		switch i % 6 {
		case 0:
			f.DeleteRepository("acme", name)
		case 1:
			f.Inject(fakegithub.Fault{Path: path, Times: 3, Status: 403, Body: forbidden})
		case 2:
			f.Inject(fakegithub.Fault{Method: "PUT", Path: path, Times: 3, Status: 500 + random.IntN(4)})
		case 3:
			f.Inject(fakegithub.Fault{Method: "PUT", Path: path, Times: 3, Drop: true, After: random.IntN(2) == 0})
		case 4:
			f.Inject(fakegithub.Fault{Path: path, Times: 3, Status: 429, Body: `{"message": "slow down"}`})
		case 5:
			f.Inject(fakegithub.Fault{Path: path, Times: 3, Truncate: true})
		}
	}
	return broken
}

func TestCancelled(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		ctx, cancel := context.WithCancel(t.Context())
		wanted := []Wanted{wants(apiActions, "A", "a"), wants(apiActions, "B", "b"), wants(webActions, "C", "c")}
		s := f.sync(func(s *Sync) {
			s.Concurrency = 1
			s.Call = func(c context.Context, r apicall.Request) (apicall.Answer, error) {
				defer func() {
					if r.Method == "PUT" {
						cancel()
					}
				}()
				return f.call(context.WithoutCancel(c), r)
			}
		})
		results, err := s.Apply(ctx, s.Plan(ctx, wanted, nil))
		f.want("results", lines(results), []string{
			"A of acme/api: created, new to the state file",
			"B of acme/api: failed, new to the state file: not tried: cancelled",
			"C of acme/web: failed, new to the state file: not tried: cancelled",
		})
		if err != nil {
			t.Error(err)
		}
		f.want("next", f.run(wanted), []string{
			"A of acme/api: unchanged",
			"B of acme/api: created, not there",
			"C of acme/web: created, new to the state file",
		})
		late, cancel := context.WithTimeout(t.Context(), -1)
		defer cancel()
		if got := lines(f.sync().Plan(late, wanted[:1], nil).results()); !strings.HasSuffix(got[0], "not tried: the time was up") {
			t.Error(got)
		}
	})
}

func (p Plan) results() (list []Result) {
	for _, c := range p.Changes {
		list = append(list, Result{Place: c.Place, Name: c.Name, Outcome: Outcome(c.Action), Reason: c.Reason, Err: c.Err})
	}
	return list
}

// A killed run leaves the file as it was at some time. The next run continues
// from there: it writes nothing that the file knows, and all is right in the
// end.
func TestKilled(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		for i := range 50 {
			f.AddRepository(fakegithub.Repository{Owner: "acme", Name: fmt.Sprintf("r%d", i)})
		}
		for round := range 50 {
			var wanted []Wanted
			for i := range 50 {
				wanted = append(wanted, wants(Place{Owner: "acme", Repository: fmt.Sprintf("r%d", i), App: "actions"}, "S",
					fmt.Sprint(round)))
			}
			ctx, kill := context.WithCancel(t.Context())
			var left []byte
			var calls atomic.Int64
			when := 1 + rand.Int64N(149)
			s := f.sync(func(s *Sync) {
				s.Concurrency = 3
				s.Call = func(c context.Context, r apicall.Request) (apicall.Answer, error) {
					time.Sleep(20 * time.Millisecond)
					if calls.Add(1) == when {
						left, _ = os.ReadFile(f.statePath)
						kill()
					}
					return f.call(c, r)
				}
			})
			_, _ = s.Apply(ctx, s.Plan(ctx, wanted, nil))
			kill()
			if left == nil {
				_ = os.Remove(f.statePath)
			} else if err := os.WriteFile(f.statePath, left, 0o600); err != nil {
				t.Fatal(err)
			}
			_ = os.WriteFile(f.statePath+".tmp-123", left[:len(left)/2], 0o600)
			knows := 0
			time.Sleep(2 * time.Second)
			next := f.sync()
			for _, x := range wanted {
				if known := next.State.records(x.Key()); len(known) == 1 && known[0].updated != 0 &&
					known[0].print == next.State.fingerprint(x.Key(), x.Name, x.Value) {
					knows++
				}
			}
			f.requests()
			results, err := next.Apply(t.Context(), next.Plan(t.Context(), wanted, nil))
			if err != nil {
				t.Fatal(err)
			}
			if writes := strings.Count(strings.Join(f.requests(), "\n"), "PUT "); writes != len(wanted)-knows {
				t.Errorf("killed at call %d: %d written, %d known, %d wanted:\n%s", when, writes, knows, len(wanted),
					strings.Join(lines(results), "\n"))
			}
			f.checkSeen(wanted)
			time.Sleep(2 * time.Second)
		}
	})
}
