package rotate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/manifest"
	"github.com/valetkey/valetkey/internal/redact"
)

// If a run stops before the last store, the next one gives all stores a new
// value, however short before it the last rotation was, and in whatever order
// the manifest has them.
func TestAStoreThatWasNotReachedIsFound(t *testing.T) {
	for kind := 1; kind < 4; kind++ { // every kind whose value is the same in all stores
		for n := range 4 {
			inBubble(t, fmt.Sprintf("kind %d, %d are written", kind, n), func(t *testing.T, f *fixture) {
				r := allKinds(0)[kind]
				r.Store = stores("VALUE")
				f.run(f.knowing(nil), r)
				time.Sleep(time.Minute) // much less than a lease
				puts := 0
				e := f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
					if req.Method == http.MethodPut {
						if puts++; puts > n {
							return status(403), errors.New(req.Op + ": no")
						}
					}
					return f.call(ctx, req)
				})
				e.Force = all
				got := f.run(e, r)[0]
				exclusive := kind != 1
				want := map[bool]int{true: n + 1, false: 4}[exclusive] // the first failure ends the writing
				if got.Outcome != Failed || puts != want {
					t.Errorf("%d writes: %+v", puts, got)
				}
				left := strings.Contains(got.Err.Error(), "more were not tried, since all must hold the same value")
				if left != (exclusive && n < 3) {
					t.Errorf("%v", got.Err)
				}
				slices.Reverse(r.Store)
				time.Sleep(lease) // a run may be between two of its steps until then
				got = f.run(f.knowing(nil), r)[0]
				if want := map[bool]Outcome{true: Rotated, false: NotDue}[n > 0]; got.Outcome != want ||
					n > 0 && !strings.Contains(got.Reason, ": they don't hold the same value") {
					t.Errorf("%+v", got)
				}
				values := strings.Split(f.values([]manifest.Rotation{r}), "\n")
				if len(slices.Compact(values)) != 1 {
					t.Error("stores hold different values")
				}
				if got := f.run(f.knowing(nil), r)[0]; got.Outcome != NotDue {
					t.Errorf("%+v", got)
				}
			})
		}
	}
}

// The order of writing does not depend on the manifest, so that a sorted
// manifest does not look like a run that died.
func TestSortingTheManifestRotatesNothing(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		r := allKinds(0)[2]
		r.Store = stores("VALUE")
		f.run(f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
			if req.Method == http.MethodPut {
				time.Sleep(2 * time.Second)
			}
			return f.call(ctx, req)
		}), r)
		for range 4 {
			r.Store = append(r.Store[1:], r.Store[0])
			slices.Reverse(r.Store[:2])
			if got := f.run(f.knowing(nil), r)[0]; got.Outcome != NotDue || got.Err != nil {
				t.Errorf("%+v", got)
			}
		}
	})
}

// A rotation that another run seems to be working on is checked twice. If that
// run is over by then all is well; otherwise the step fails, because the
// rotation is due and not done.
func TestWhatIsInProgressElsewhereIsLookedAtTwice(t *testing.T) {
	for name, test := range map[string]struct {
		force, dry, done bool
		want             Outcome
		fails            bool
	}{
		"it is left":                {want: Busy, fails: true},
		"it is left, and forced":    {force: true, want: Busy, fails: true},
		"it is left, in a dry run":  {dry: true, want: Busy},
		"it is done meanwhile":      {done: true, want: NotDue},
		"it is done, but is forced": {done: true, force: true, want: Rotated},
	} {
		inBubble(t, name, func(t *testing.T, f *fixture) {
			r := allKinds(0)[2]
			r.Store = []manifest.Store{{Owner: "acme", Repository: "app", Secret: "S", Apps: []string{"actions", "dependabot"}}}
			first, second := fakegithub.Place{Owner: "acme", Repository: "app"}, fakegithub.Place{
				Owner: "acme", Repository: "app",
				App: "dependabot",
			}
			f.SetSecret(first, fakegithub.Secret{Name: "S", Value: "1", UpdatedAt: time.Now()})
			if test.done {
				time.AfterFunc(secondLook/2, func() {
					f.SetSecret(second,
						fakegithub.Secret{Name: "S", Value: "1", UpdatedAt: time.Now()})
				})
			}
			begun := time.Now()
			e := f.knowing(nil)
			e.DryRun = test.dry
			if test.force {
				e.Force = all
			}
			got := f.run(e, r)[0]
			if got.Outcome != test.want || (got.Err != nil) != test.fails {
				t.Errorf("%+v", got)
			}
			if test.fails && (!strings.HasPrefix(got.Err.Error(), "it was not done: S of acme/app") ||
				!strings.Contains(got.Err.Error(), "run again after 2000-01-01T00:15:00Z")) {
				t.Error(got.Err)
			}
			if test.dry && time.Since(begun) > time.Second {
				t.Error("a dry run waits")
			}
			ctx, cancel := context.WithCancel(t.Context())
			if test.fails && !test.force { // a run that is cancelled while it waits has not done it either
				time.AfterFunc(time.Second, cancel)
				if got := f.runIn(ctx, e, r)[0]; got.Outcome != Busy || got.Err == nil {
					t.Errorf("%+v", got)
				}
			}
			cancel()
		})
	}
}

// A variable is not ours just because it has the name.
func TestAVariableOfSomebodyElseIsLeftAlone(t *testing.T) {
	set := func(f *fixture, value string) {
		f.must(http.MethodPost, "repos/acme/app/actions/variables", map[string]any{"name": "RECIPIENT", "value": value}, nil)
	}
	write := func(f *fixture, value string) {
		f.must(http.MethodPatch, "repos/acme/app/actions/variables/RECIPIENT", map[string]any{"value": value}, nil)
	}
	const is = "variable RECIPIENT of acme/app "
	for _, test := range []struct {
		name string
		made func(f *fixture, r manifest.Rotation)
		want string
	}{
		{
			"another thing", func(f *fixture, _ manifest.Rotation) { set(f, "eu-west-1") },
			is + "is somebody else's: it holds something other than an age recipient",
		},
		{
			"nothing", func(f *fixture, r manifest.Rotation) { f.run(f.knowing(nil), r); write(f, "") },
			is + "is somebody else's: it holds something other than an age recipient",
		},
		{
			"the beginning of a recipient", func(f *fixture, r manifest.Rotation) { f.run(f.knowing(nil), r); write(f, "age1") },
			is + "is somebody else's: it holds something other than an age recipient",
		},
		{
			"another's recipient", func(f *fixture, _ manifest.Rotation) { set(f, "age1xyz") },
			is + "is somebody else's: none of the secrets that it would belong to exists",
		},
		{"written later", func(f *fixture, r manifest.Rotation) {
			f.run(f.knowing(nil), r)
			time.Sleep(2*lease + time.Second)
			write(f, "age1xyz")
		}, is + "was written by somebody else at 2000-01-01T00:30:01Z"},
	} {
		inBubble(t, test.name, func(t *testing.T, f *fixture) {
			r := allKinds(0)[3]
			r.Store = r.Store[:1]
			test.made(f, r)
			for _, dry := range []bool{true, false, false} {
				e := f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
					if req.Method != http.MethodGet {
						t.Errorf("%s", req.Op)
					}
					return f.call(ctx, req)
				})
				e.DryRun, e.Force = dry, all
				if got := f.run(e, r)[0]; got.Outcome != Failed || got.Err.Error() != test.want ||
					!strings.HasPrefix(hint(got.Err), "delete the variable, ") {
					t.Errorf("%+v", got)
				}
				time.Sleep(100 * day)
			}
			f.must(http.MethodDelete, "repos/acme/app/actions/variables/RECIPIENT", nil, nil)
			if got := f.run(f.knowing(nil), r)[0]; got.Outcome != Rotated {
				t.Errorf("%+v", got)
			}
			f.belongs(&r)
		})
	}
}

func TestAWriteOfAnotherRunIsSeenByItsTime(t *testing.T) {
	for name, test := range map[string]struct {
		written, updated, answered time.Time
		want                       bool
	}{
		"ours":                      {noon, noon, noon, false},
		"a slow answer":             {noon, noon, noon.Add(time.Second), false},
		"clocks differ by a second": {noon, noon, noon.Add(-time.Second), false},
		"written again":             {noon, noon.Add(time.Second), time.Time{}, true},
		"before we looked":          {noon, noon, noon.Add(-2 * time.Second), true},
		"nobody knows":              {noon, noon, time.Time{}, false},
	} {
		x := &target{written: test.written, updated: test.updated, answer: apicall.Answer{Date: test.answered}}
		if x.rewritten() != test.want {
			t.Errorf("%s: %t", name, !test.want)
		}
	}
}

// A copy of GitHub's database that is behind right after a write is not taken
// for another run.
func TestATimeThatIsLearntLaterIsOurs(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		r, puts := allKinds(0)[2], 0
		e := f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
			if req.Method == http.MethodPut {
				puts++
			} else if puts == 1 && strings.HasSuffix(req.Path, "/WEBHOOK") {
				puts++ // the first read after the write
				return status(404), errors.New("not yet")
			}
			return f.call(ctx, req)
		})
		if got := f.run(e, r)[0]; got.Outcome != Rotated || got.Err != nil || puts != 2 {
			t.Errorf("%+v", got)
		}
	})
}

// The time of a context stands still while a machine sleeps.
func TestNothingIsStoredAfterTheTimeIsUp(t *testing.T) {
	r := keyRotation(0)
	j := (&Engine{}).job(&r)
	j.begun = time.Now().Add(-window - time.Second)
	if j.store(t.Context(), j.targets[0], redact.New("x")); j.targets[0].err == nil || j.targets[0].took {
		t.Errorf("%+v", j.targets[0])
	}
}
