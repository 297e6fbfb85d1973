package rotate

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/manifest"
)

// A dry run tells what a run would fail of, in words, and neither makes anything.
func TestADryRunTellsWhatARunWouldDo(t *testing.T) {
	fill := func(f *fixture, at fakegithub.Place, n int) {
		for i := range n {
			f.SetSecret(at, fakegithub.Secret{Name: fmt.Sprint("S", i), Value: "x"})
		}
	}
	app := fakegithub.Place{Owner: "acme", Repository: "app"}
	disabled := func(repo string) func(*fixture, apicall.Request) {
		return func(_ *fixture, req apicall.Request) {
			if r, ok := req.Result.(*repository); ok && req.Repository == repo {
				r.Disabled = true
			}
		}
	}
	archived := func(_ *fixture, req apicall.Request) {
		if r, ok := req.Result.(*repository); ok && req.Repository == "infra" {
			r.Archived = true
		}
	}
	variables := func(f *fixture) {
		for i := range maxVariables {
			f.must(http.MethodPost, "repos/acme/app/actions/variables", map[string]any{"name": fmt.Sprint("V", i), "value": "x"}, nil)
		}
	}
	renamed := func(name string) func(*fixture) {
		return func(f *fixture) {
			f.RenameRepository("acme", name, "new")
			f.SkipOpenAPI = true // no answer 301 is described
		}
	}
	const first = "could not renew INFRA_KEY of acme/app: "
	for _, test := range []struct {
		name       string
		kind       int // of allKinds
		made       func(*fixture)
		answer     func(*fixture, apicall.Request)
		want, hint string
	}{
		{
			"full", 0, func(f *fixture) { fill(f, app, 100) }, nil, first + "acme/app has 100 secrets, and GitHub takes 100 there",
			"delete some that nothing reads any more, or keep it elsewhere",
		},
		{"almost full", 0, func(f *fixture) { fill(f, app, 99) }, nil, "", ""},
		{
			"a full environment", 0, func(f *fixture) {
				fill(f, fakegithub.Place{Owner: "acme", Repository: "app", Environment: "production"}, 100)
			}, nil,
			"could not renew INFRA_KEY of acme/app, environment production: " +
				"acme/app, environment production has 100 secrets, and GitHub takes 100 there", "delete some",
		},
		{
			"a full organization", 0, func(f *fixture) { fill(f, fakegithub.Place{Owner: "acme"}, 1000) }, nil,
			"could not renew INFRA_KEY of organization acme: " +
				"organization acme has 1000 secrets, and GitHub takes 1000 there", "delete some",
		},
		{"no room for a variable", 3, variables, nil, "acme/app has 500 variables, and GitHub takes 500 there", "delete some"},
		{
			"a store was renamed", 0, renamed("app"), nil,
			first + "acme/app was renamed to acme/new", "write the new name into the manifest",
		},
		{
			"the key's repository was renamed", 0, renamed("infra"), nil,
			"acme/infra was renamed to acme/new", "write the new name into the manifest",
		},
		{"the key's repository is archived", 0, nil, archived, "acme/infra is archived", "unarchive it, or take it out of the manifest"},
		{
			"the key's repository is disabled", 0, nil, disabled("infra"), "acme/infra is disabled by GitHub",
			"see its page at GitHub, or take it out of the manifest",
		},
		{
			"a store is disabled", 0, nil, disabled("app"), first + "acme/app is disabled by GitHub",
			"see its page at GitHub, or take it out of store",
		},
		{
			"the key's repository is out of reach", 0, func(f *fixture) { f.DeleteRepository("acme", "infra") }, nil,
			"list the deploy keys of acme/infra: GitHub answered 404: Not Found", "",
		},
		{
			"a store is out of reach", 0, func(f *fixture) { f.DeleteRepository("acme", "app") }, nil,
			first + "look at acme/app: GitHub answered 404: Not Found", "",
		},
	} {
		inBubble(t, test.name, func(t *testing.T, f *fixture) {
			if test.made != nil {
				test.made(f)
			}
			r := allKinds(1)[test.kind]
			for _, dry := range []bool{true, false} {
				e := f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
					if req.Method != http.MethodGet && test.want != "" {
						t.Error(req.Op)
					}
					answer, err := f.call(ctx, req)
					if test.answer != nil {
						test.answer(f, req)
					}
					return answer, err
				})
				e.DryRun = dry
				got := f.run(e, r)[0]
				if test.want == "" {
					if want := map[bool]Outcome{true: Due, false: Rotated}[dry]; got.Outcome != want || got.Err != nil {
						t.Errorf("%+v", got)
					}
					continue
				}
				if line, _, _ := strings.Cut(fmt.Sprint(got.Err), "\n"); got.Outcome != Failed || line != test.want ||
					!strings.HasPrefix(hint(got.Err), test.hint) {
					t.Errorf("dry %t: %v\nhint: %s", dry, got.Err, hint(got.Err))
				}
			}
		})
	}
	inBubble(t, "a full organization's codespaces", func(t *testing.T, f *fixture) {
		at := fakegithub.Place{Owner: "acme", App: "codespaces"}
		fill(f, at, 99)
		for _, want := range []string{"", "organization acme (codespaces) has 100 secrets, and GitHub takes 100 there"} {
			r := allKinds(0)[2]
			r.Store = []manifest.Store{{Organization: "acme", Secret: fmt.Sprint("A", len(want)), Apps: []string{"codespaces"}}}
			if got := f.run(f.knowing(nil), r)[0]; (got.Err == nil) != (want == "") || got.Err != nil && !strings.HasSuffix(got.Err.Error(), want) {
				t.Errorf("%v", got.Err)
			}
		}
	})
	inBubble(t, "an answer without a count", func(t *testing.T, f *fixture) {
		e := f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
			if strings.HasPrefix(req.Op, "count ") {
				return status(200), nil
			}
			return f.call(ctx, req)
		})
		got := f.run(e, allKinds(0)[2])[0]
		if got.Outcome != Failed || !strings.HasSuffix(got.Err.Error(),
			"count the secrets of acme/app, environment production: the answer has no count") {
			t.Errorf("%+v", got)
		}
	})
	// What one rotation will put there, the next one finds there.
	inBubble(t, "the last room", func(t *testing.T, f *fixture) {
		fill(f, app, 99)
		one, two := allKinds(0)[2], allKinds(0)[2]
		one.Store = []manifest.Store{{Owner: "acme", Repository: "app", Secret: "ONE", Apps: []string{"actions"}}}
		two.Name, two.Store = "two", []manifest.Store{{Owner: "acme", Repository: "app", Secret: "TWO", Apps: []string{"actions"}}}
		for _, dry := range []bool{true, false} {
			e := f.knowing(nil)
			e.DryRun = dry
			got := f.run(e, one, two)
			if got[0].Err != nil || got[1].Outcome != Failed ||
				got[1].Err.Error() != "could not renew TWO of acme/app: acme/app has 100 secrets, and GitHub takes 100 there" {
				t.Errorf("dry %t: %v, %v", dry, got[0].Err, got[1].Err)
			}
		}
	})
}

// limits hold calls back as GitHub and the action's own pace would: each takes its time,
// and no minute has more points than there are.
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

// many adds n repositories and gives stores in all of them.
func (f *fixture) many(n int) []manifest.Store {
	var list []manifest.Store
	for i := range n {
		name := fmt.Sprint("r", i)
		f.AddRepository(fakegithub.Repository{Owner: "acme", Name: name, Private: true})
		list = append(list, manifest.Store{Owner: "acme", Repository: name, Secret: "SHARED", Apps: []string{"actions"}})
	}
	return list
}

// A fleet of stores is done in one run, at the speed of the real GitHub and within its
// limits, or is refused before anything is made.
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
		{2, 320, 2 * time.Second, 900, "to write 320 stores would take about 22 min, and a run has 10 min for that", 5 * time.Minute},
		{0, 320, 2 * time.Second, 900, "", 10 * time.Minute},
		{0, 320, 50 * time.Millisecond, 100, "to write 320 stores would take about 17 min, and a run has 10 min for that", 8 * time.Minute},
		{2, 2100, 0, 0, "to write 2100 stores would take about 11 min, and a run has 10 min for that", time.Minute},
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
					if took > test.within || l.most > abreast+2 {
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

// The second half of a rotation, with a key to retire, is within the limits as well.
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
