package rotate

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/manifest"
)

// exposing returns an engine whose caller says that somebody else has every
// credential.
func (f *fixture) exposing() *Engine {
	e := f.knowing(nil)
	e.Exposed = all
	return e
}

// A key of a run that died before it stored the key anywhere is compromised
// like all others. It stays no longer than the key that it should have
// replaced.
func TestACompromisedKeyThatWasNeverStoredIsRetired(t *testing.T) {
	for _, age := range []time.Duration{time.Minute, time.Hour} {
		inBubble(t, age.String(), func(t *testing.T, f *fixture) {
			r := keyRotation(3)
			f.run(f.knowing(nil), r)
			time.Sleep(30 * day)
			for n := 1; len(f.ours()) < 2; n++ {
				f.strikeAt(n, killedAfter, r) // one request later each time, until it dies right after the key was made
			}
			time.Sleep(age)
			if got := f.run(f.exposing(), r)[0]; got.Outcome != Rotated || got.Retired != 2 || got.Err != nil {
				t.Errorf("%+v", got)
			}
			f.checkSettled(r, 1)
		})
	}
}

// All keys that have to be waited for are waited for together.
func TestYoungCompromisedKeysAreWaitedForOnce(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		r := keyRotation(1)
		forced := f.knowing(nil)
		forced.Force = all
		for range 3 {
			f.run(forced, r)
			time.Sleep(time.Minute)
		}
		begun := time.Now()
		if got := f.run(f.exposing(), r)[0]; got.Retired != 3 || got.Err != nil || time.Since(begun) > lease+10*time.Second {
			t.Errorf("after %s: %+v", time.Since(begun), got)
		}
		if n := strings.Count(strings.Join(f.texts, "\n"), "infra: waiting "); n != 1 {
			t.Errorf("it is said %d times", n)
		}
	})
}

// The key that a store held may not be ours to remove. Then nobody may be told
// that it is out of use.
func TestACompromisedKeyThatIsNotOursIsNotSaidToBeRetired(t *testing.T) {
	app := fakegithub.Place{Owner: "acme", Repository: "app"}
	byHand := func(f *fixture) {
		time.Sleep(day)
		f.SetSecret(app, fakegithub.Secret{Name: "INFRA_KEY", Value: "x", UpdatedAt: time.Now()})
	}
	for _, test := range []struct {
		name string
		set  func(*fixture, manifest.Rotation)
		want string // empty: the key counts as retired
	}{
		{"ours", func(f *fixture, r manifest.Rotation) { f.addByHand(); f.run(f.knowing(nil), r) }, ""},
		{"the manifest was moved", func(f *fixture, r manifest.Rotation) {
			e := f.knowing(nil)
			e.Origin.Path = "old.yml"
			f.run(e, r)
		}, "it may be deploy key 1008"},
		{"a person's", func(f *fixture, r manifest.Rotation) {
			f.addByHand()
			f.run(f.knowing(nil), r)
			byHand(f)
		}, "it may be deploy key 1010, 1008, 1009"},
		{"a person's, before there was one of ours", func(f *fixture, _ manifest.Rotation) {
			f.addByHand()
			byHand(f)
		}, "it may be deploy key 1010, 1008, 1009"},
		{"a person's, which is gone", func(f *fixture, r manifest.Rotation) { f.run(f.knowing(nil), r); byHand(f) }, ""},
		{"a person's, which is newer than the secret", func(f *fixture, r manifest.Rotation) {
			f.run(f.knowing(nil), r)
			byHand(f)
			time.Sleep(day)
			f.addByHand()
		}, ""},
	} {
		inBubble(t, test.name, func(t *testing.T, f *fixture) {
			r := keyRotation(1)
			test.set(f, r)
			time.Sleep(day)
			got := f.run(f.exposing(), r)[0]
			if got.Outcome != Rotated || (got.Err != nil) != (test.want != "") || got.Lingers != (test.want != "") {
				t.Fatalf("%+v", got)
			}
			if test.want != "" && (!strings.HasPrefix(got.Err.Error(), "INFRA_KEY of acme/app held a key that is not of this rotation; ") ||
				!strings.HasSuffix(got.Err.Error(), test.want) || !strings.Contains(hint(got.Err), "by hand")) {
				t.Errorf("%v\nhint: %s", got.Err, hint(got.Err))
			}
			f.checkSettled(r, 1)
		})
	}
}

// keysNamed returns the deploy keys that a run says that it removed, or would
// remove.
func (f *fixture) keysNamed(verb string) (ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, found := range regexp.MustCompile(verb+` deploy key (\d+), which `).FindAllStringSubmatch(strings.Join(f.texts, "\n"), -1) {
		ids = append(ids, found[1])
	}
	slices.Sort(ids)
	return ids
}

// A run removes the keys that a dry run says it would remove.
func TestADryRunNamesTheKeysThatGo(t *testing.T) {
	expose := func(_ *fixture, _ *manifest.Rotation, e *Engine) { e.Exposed = all }
	for _, test := range []struct {
		name   string
		keep   int
		grace  time.Duration
		before []time.Duration // after each rotation
		made   func(f *fixture, r *manifest.Rotation, e *Engine)
		want   int
	}{
		{"due", 0, 0, []time.Duration{30 * day}, nil, 1},
		{"due, one stays", 1, 0, []time.Duration{30 * day, 30 * day}, nil, 1},
		{"due, for the grace", 0, time.Hour, []time.Duration{30 * day}, nil, 0},
		{"not due", 1, 0, []time.Duration{30 * day, day}, nil, 0},
		{"not due, and the grace is over", 0, time.Hour, []time.Duration{30 * day, 2 * time.Hour}, nil, 1},
		{"compromised", 3, day, []time.Duration{30 * day, 30 * day, day}, expose, 3},
		{"compromised, and young", 3, day, []time.Duration{time.Minute}, expose, 1},
		{"only reads from now on", 3, day, []time.Duration{30 * day, day}, func(_ *fixture, r *manifest.Rotation, _ *Engine) {
			r.DeployKey = &manifest.DeployKey{Owner: "acme", Repository: "infra", Title: "ci", ReadOnly: true}
		}, 2},
		{"one of a run that died", 1, 0, []time.Duration{30 * day}, func(f *fixture, r *manifest.Rotation, _ *Engine) {
			for n := 1; len(f.ours()) < 2; n++ {
				f.strikeAt(n, killedAfter, *r)
			}
			time.Sleep(time.Hour)
		}, 1},
	} {
		inBubble(t, test.name, func(t *testing.T, f *fixture) {
			f.addByHand()
			r := keyRotation(test.keep)
			r.RetireAfter, r.DeployKey.ReadOnly = test.grace, false
			for i, wait := range test.before {
				first := f.knowing(nil)
				first.Force = all
				f.run(first, r)
				if time.Sleep(wait); i < len(test.before)-1 {
					continue
				}
				f.mu.Lock()
				f.texts = nil
				f.mu.Unlock()
			}
			e := f.knowing(nil)
			if test.made != nil {
				test.made(f, &r, e)
			}
			e.DryRun = true
			f.run(e, r)
			would, there := f.keysNamed("would remove"), len(f.keys())
			e.DryRun = false
			f.run(e, r)
			if did := f.keysNamed("removed"); !slices.Equal(would, did) || len(did) != test.want {
				t.Errorf("a run would remove %v and removed %v of %d, want %d", would, did, there, test.want)
			}
		})
	}
}

// Somebody who has the key must not be able to use it a moment longer than
// needed.
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
		f.checkSettled(r, 1)
		if n := len(f.keys()); n != 4 {
			t.Errorf("%d keys, of which others made 3", n)
		}
	})
}

// A key that is so young may still be on its way to a store. It is removed when
// it can't be any more.
func TestAYoungCompromisedKeyIsRetiredOnceNoStoreCanGetIt(t *testing.T) {
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
		f.checkSettled(r, 1)
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
}

func TestNoCompromisedKeyIsRemovedWhileAStoreFails(t *testing.T) {
	for _, path := range []string{"INFRA_KEY", "/public-key"} {
		inBubble(t, path, func(t *testing.T, f *fixture) {
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
