package rotate

import (
	"bytes"
	"context"
	"encoding/json"
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
)

// knowing is an engine that goes by GitHub's clock, as the action's does.
func (f *fixture) knowing(call apicall.Func) *Engine {
	e := f.engine(call)
	e.Now = time.Now
	return e
}

func all(string) bool { return true }

// A replaced key stays for the jobs that have read it, and a later run removes it.
func TestAReplacedKeyStaysForItsGrace(t *testing.T) {
	for keep := range 2 {
		inBubble(t, fmt.Sprint("keep ", keep), func(t *testing.T, f *fixture) {
			r := keyRotation(keep)
			r.RetireAfter = time.Hour
			for range keep + 1 {
				f.run(f.knowing(nil), r)
				time.Sleep(30 * day)
			}
			if got := f.run(f.knowing(nil), r)[0]; got.Outcome != Rotated || got.Retired != keep || got.Kept != 2 {
				t.Errorf("%+v", got) // the one before those that stay is long out of use
			}
			for _, step := range []struct {
				wait time.Duration
				kept int
			}{{time.Hour - time.Second, 2}, {time.Second, keep + 1}, {day, keep + 1}} {
				time.Sleep(step.wait)
				if got := f.run(f.knowing(nil), r)[0]; got.Outcome != NotDue || got.Kept != step.kept || got.Err != nil {
					t.Errorf("%+v", got)
				}
				f.held(r)
			}
			// Forced again and again, none goes before its time, and none for good.
			forced := f.knowing(nil)
			forced.Force = all
			for range 4 {
				time.Sleep(20 * time.Minute)
				f.run(forced, r)
			}
			if n := len(f.ours()); n != 5 {
				t.Errorf("%d keys", n)
			}
			time.Sleep(time.Hour)
			f.run(f.knowing(nil), r)
			f.settled(r, keep+1)
		})
	}
}

// Whoever has the key must not be able to use it a moment longer than needed.
func TestACompromisedKeyIsRetiredAtOnce(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		f.addByHand()
		r := keyRotation(3)
		r.RetireAfter = day
		for range 4 {
			f.run(f.knowing(nil), r)
			time.Sleep(30 * day)
		}
		e := f.knowing(nil)
		e.Exposed = all
		e.DryRun = true
		if got := f.run(e, r)[0]; got.Outcome != Due || got.Reason != "it is compromised" || len(f.ours()) != 4 {
			t.Errorf("%+v", got)
		}
		e.DryRun = false
		if got := f.run(e, r)[0]; got.Outcome != Rotated || got.Retired != 4 || got.Kept != 1 || !got.Exposed || got.Lingers ||
			got.Err != nil {
			t.Errorf("%+v", got)
		}
		f.settled(r, 1)
		if n := len(f.keys()); n != 4 {
			t.Errorf("%d keys, of which others made 3", n)
		}
	})
	// A key that is so young may still be on its way to a store. It goes when it can't be.
	inBubble(t, "made a minute ago", func(t *testing.T, f *fixture) {
		r := keyRotation(1)
		f.run(f.knowing(nil), r)
		made := f.ours()[0]
		time.Sleep(time.Minute)
		e := f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
			if req.Method == http.MethodDelete && time.Since(made.CreatedAt) <= lease {
				t.Errorf("%s after %s", req.Op, time.Since(made.CreatedAt))
			}
			return f.call(ctx, req)
		})
		e.Exposed = all
		if got := f.run(e, r)[0]; got.Outcome != Rotated || got.Retired != 1 || got.Err != nil {
			t.Errorf("%+v", got)
		}
		f.settled(r, 1)
	})
	inBubble(t, "another run stores meanwhile", func(t *testing.T, f *fixture) {
		r := keyRotation(1)
		f.run(f.knowing(nil), r)
		time.Sleep(time.Minute)
		e := f.knowing(nil)
		e.Exposed = all
		go func() { // while it waits
			time.Sleep(5 * time.Minute)
			forced := f.knowing(nil)
			forced.Force = all
			f.run(forced, r)
		}()
		got := f.run(e, r)[0]
		if got.Outcome != Rotated || got.Retired != 0 || !got.Lingers ||
			!strings.Contains(got.Err.Error(), " was written meanwhile, so no key is removed") {
			t.Errorf("%+v", got)
		}
		f.held(r)
	})
	for _, path := range []string{"INFRA_KEY", "/public-key"} {
		inBubble(t, "a store that fails: "+path, func(t *testing.T, f *fixture) {
			r := keyRotation(1)
			f.run(f.knowing(nil), r)
			time.Sleep(day)
			e := f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
				if strings.HasSuffix(req.Path, path) && (req.Method == http.MethodPut || path != "INFRA_KEY") &&
					strings.Contains(req.Path, "dependabot") {
					return status(403), errors.New(req.Op + ": no")
				}
				if req.Method == http.MethodDelete {
					t.Error(req.Op)
				}
				return f.call(ctx, req)
			})
			e.Exposed = all
			if got := f.run(e, r)[0]; got.Outcome != Failed || got.Retired != 0 {
				t.Errorf("%+v", got)
			}
			f.held(r)
		})
	}
}

// A key that can write is never one of those that stay.
func TestAKeyThatCanWriteGoesWhenNoneShould(t *testing.T) {
	setUp := func(f *fixture, age time.Duration) manifest.Rotation {
		r := keyRotation(2)
		r.RetireAfter = day
		r.DeployKey.ReadOnly = false
		f.run(f.knowing(nil), r)
		time.Sleep(age)
		r.DeployKey = &manifest.DeployKey{Owner: "acme", Repository: "infra", Title: "ci", ReadOnly: true}
		return r
	}
	for _, age := range []time.Duration{day, time.Minute} {
		inBubble(t, age.String(), func(t *testing.T, f *fixture) {
			r := setUp(f, age)
			if got := f.run(f.knowing(nil), r)[0]; got.Outcome != Rotated || got.Reason != "the key can write, and should only read" ||
				got.Retired != 1 || got.Err != nil {
				t.Errorf("%+v", got)
			}
			f.settled(r, 1)
		})
	}
	for _, age := range []time.Duration{day, time.Minute} {
		inBubble(t, age.String()+", the removal fails", func(t *testing.T, f *fixture) {
			r := setUp(f, age)
			e := f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
				if req.Method == http.MethodDelete {
					return status(403), errors.New(req.Op + ": no")
				}
				return f.call(ctx, req)
			})
			if got := f.run(e, r)[0]; got.Outcome != Rotated || got.Err == nil || !got.Lingers {
				t.Errorf("%+v", got)
			}
			time.Sleep(20 * time.Minute)
			if age > lease {
				if got := f.run(e, r)[0]; got.Outcome != NotDue || got.Err == nil || !got.Lingers {
					t.Errorf("%+v", got) // a run that has nothing else to do fails for it as well
				}
			}
			got := f.run(f.knowing(nil), r)[0]
			if want := map[bool]Outcome{true: Rotated, false: NotDue}[age < lease]; got.Outcome != want || got.Retired != 1 ||
				got.Err != nil {
				t.Errorf("%+v", got) // by its times, a store may hold a key that is so young: all are written again
			}
			for _, k := range f.ours() {
				if !k.ReadOnly {
					t.Errorf("%+v", k)
				}
			}
			f.held(r)
		})
	}
}

// Between the decision and the removal another may have come: each removal looks again.
func TestNothingIsRemovedOnOldNews(t *testing.T) {
	isList := func(req apicall.Request) bool {
		return req.Method == http.MethodGet && strings.HasPrefix(req.Path, keysPath+"?")
	}
	for _, test := range []struct {
		name   string
		meddle func(f *fixture, made int64, req apicall.Request, answer *apicall.Answer) error
		want   string
	}{
		{"a store was written", func(f *fixture, _ int64, req apicall.Request, _ *apicall.Answer) error {
			if isList(req) {
				time.Sleep(2 * time.Second)
				value, _ := f.SecretValue(fakegithub.Place{Owner: "acme"}, "INFRA_KEY")
				f.SetSecret(fakegithub.Place{Owner: "acme"}, fakegithub.Secret{Name: "INFRA_KEY", Value: value})
			}
			return nil
		}, "INFRA_KEY of organization acme was written meanwhile, so no key is removed: the next run looks again"},
		{"a store is gone", func(f *fixture, _ int64, req apicall.Request, _ *apicall.Answer) error {
			if isList(req) {
				f.DeleteSecret(fakegithub.Place{Owner: "acme", Repository: "app"}, "INFRA_KEY")
			}
			return nil
		}, "INFRA_KEY of acme/app was written meanwhile, so no key is removed: the next run looks again"},
		{"a store does not answer", func(_ *fixture, _ int64, req apicall.Request, answer *apicall.Answer) error {
			if strings.HasSuffix(req.Path, "/secrets/INFRA_KEY") && req.Repository == "" {
				*answer = status(502)
				return errors.New("GitHub answered 502")
			}
			return nil
		}, "GitHub answered 502"},
		{"the list fails", func(_ *fixture, _ int64, req apicall.Request, answer *apicall.Answer) error {
			if isList(req) {
				*answer = status(404)
				return errors.New("GitHub answered 404")
			}
			return nil
		}, "GitHub answered 404"},
		{"the new key is gone", func(_ *fixture, made int64, req apicall.Request, _ *apicall.Answer) error {
			if isList(req) {
				var keys []json.RawMessage
				raw := req.Result.(*json.RawMessage)
				if err := json.Unmarshal(*raw, &keys); err != nil {
					return err
				}
				kept := keys[:0]
				for _, k := range keys {
					if !bytes.Contains(k, fmt.Appendf(nil, `"id":%d,`, made)) {
						kept = append(kept, k)
					}
				}
				*raw, _ = json.Marshal(kept)
			}
			return nil
		}, "is not listed any more, so none of those before it is removed"},
		{"keys are switched off", func(_ *fixture, _ int64, req apicall.Request, _ *apicall.Answer) error {
			if isList(req) {
				raw := req.Result.(*json.RawMessage)
				*raw = bytes.ReplaceAll(*raw, []byte(`"enabled":true`), []byte(`"enabled":false`))
			}
			return nil
		}, "is switched off"},
	} {
		inBubble(t, test.name, func(t *testing.T, f *fixture) {
			r := keyRotation(0)
			f.run(f.knowing(nil), r)
			time.Sleep(30 * day)
			before, made := len(f.ours()), int64(0)
			e := f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
				if req.Method == http.MethodDelete {
					t.Error(req.Op)
				}
				answer, err := f.call(ctx, req)
				if k, ok := req.Result.(*deployKey); ok && req.Method == http.MethodGet && err == nil {
					made = k.ID // it was verified, so all that comes is the last look
				} else if made != 0 && err == nil {
					err = test.meddle(f, made, req, &answer)
				}
				return answer, err
			})
			got := f.run(e, r)[0]
			if got.Outcome != Rotated || got.Err == nil || !strings.Contains(got.Err.Error(), test.want) || got.Retired != 0 ||
				len(f.ours()) != before+1 {
				t.Errorf("%v\n%+v", got.Err, got)
			}
		})
	}
}

// A repository that is out of reach answers 404 as well.
func TestA404AloneDoesNotSayThatAKeyIsGone(t *testing.T) {
	for _, reached := range []bool{true, false} {
		inBubble(t, fmt.Sprint(reached), func(t *testing.T, f *fixture) {
			r := keyRotation(0)
			f.run(f.knowing(nil), r)
			time.Sleep(30 * day)
			lost := false
			e := f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
				if req.Method == http.MethodDelete {
					lost = true
					if reached { // by an attempt whose answer was lost
						_, _ = f.call(ctx, req)
					}
				}
				if lost && req.Repository == "infra" && (!reached || req.Method == http.MethodDelete) {
					return status(404), errors.New(req.Op + ": GitHub answered 404: Not Found")
				}
				return f.call(ctx, req)
			})
			got := f.run(e, r)[0]
			if got.Outcome != Rotated || (got.Err == nil) != reached || (got.Retired == 1) != reached {
				t.Errorf("%+v", got)
			}
		})
	}
}

// What is urgent waits while a store may hold it, and takes no place of those that stay.
func TestWhatIsUrgentAndWhatStays(t *testing.T) {
	urgent := func(ids ...int64) func(*deployKey) bool {
		return func(k *deployKey) bool { return slices.Contains(ids, k.ID) }
	}
	for _, test := range []struct {
		name          string
		ages          []time.Duration // of keys 100, 99, 98
		urgent        func(*deployKey) bool
		stores        []fact
		free, waiting []int64
	}{
		{"none", []time.Duration{day, 2 * day, 3 * day}, nil, ago(0), []int64{98, 99}, nil},
		{"all", []time.Duration{day, 2 * day, 3 * day}, urgent(98, 99, 100), ago(0), []int64{98, 99, 100}, nil},
		{"one", []time.Duration{day, 2 * day, 3 * day}, urgent(100), ago(0), []int64{98, 100}, nil},
		{"a store may hold it", []time.Duration{day, 2 * day, 3 * day}, urgent(99), ago(0, 2*day), []int64{98}, []int64{99}},
		{"on its way", []time.Duration{time.Minute, 2 * day, 3 * day}, urgent(100), ago(0), []int64{98}, []int64{100}},
	} {
		r := retirement{ref: noon, keep: 1, urgent: test.urgent, stores: test.stores}
		free, waiting := r.surplus(keysOf(test.ages...))
		ids := func(keys []*deployKey) (list []int64) {
			for _, k := range keys {
				list = append(list, k.ID)
			}
			slices.Sort(list)
			return list
		}
		if !slices.Equal(ids(free), test.free) || !slices.Equal(ids(waiting), test.waiting) {
			t.Errorf("%s: %v are free, %v wait", test.name, ids(free), ids(waiting))
		}
	}
}

func TestSinceWhenAKeyIsReplaced(t *testing.T) {
	keys := keysOf(time.Hour, day, 2*day)
	keys[2].replaced = noon.Add(-30 * time.Hour)
	stores := ago(time.Minute, day-time.Minute)
	replacedAt(keys, stores)
	for i, want := range []time.Time{noon.Add(-time.Minute), {}, noon.Add(-30 * time.Hour)} { // a store may hold the second
		if !keys[i].replaced.Equal(want) {
			t.Errorf("key %d: %s, want %s", i, keys[i].replaced, want)
		}
	}
}

func TestOnlyWhatIsOlderThanTheNewKeyIsUrgent(t *testing.T) {
	keys := keysOf(0, time.Minute, time.Hour)
	keys[2].ReadOnly = false
	for name, test := range map[string]struct {
		exposed, readOnly bool
		want              []bool
	}{
		"compromised": {true, false, []bool{false, true, true}},
		"read-only":   {false, true, []bool{false, false, true}},
		"neither":     {false, false, []bool{false, false, false}},
	} {
		e := &Engine{Exposed: func(string) bool { return test.exposed }}
		j := e.job(&manifest.Rotation{DeployKey: &manifest.DeployKey{ReadOnly: test.readOnly}})
		for i, k := range keys {
			if got := j.urgent(keys[1])(k); got != test.want[i] {
				t.Errorf("%s: key %d: %t", name, i, got)
			}
		}
	}
}
