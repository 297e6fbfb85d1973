package rotate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/manifest"
)

// knowing returns an engine that uses GitHub's clock, as the action's does.
func (f *fixture) knowing(call apicall.Func) *Engine {
	e := f.engine(call)
	e.Now = time.Now
	return e
}

func all(string) bool { return true }

// A replaced key stays for the jobs that have read it, and a later run removes
// it.
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
				t.Errorf("%+v", got) // the key before those that stay has long been out of use
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
			// Forced again and again, no key is removed early, and none stays
			// for ever.
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
			f.checkSettled(r, keep+1)
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
			f.checkSettled(r, 1)
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
					t.Errorf("%+v", got) // a run that has nothing else to do also fails because of it
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

// isKeyList reports whether a request lists the deploy keys.
func isKeyList(req apicall.Request) bool {
	return req.Method == http.MethodGet && strings.HasPrefix(req.Path, keysPath+"?")
}

// changesBeforeRemoval are changes after a decision that must prevent the
// removal of keys.
var changesBeforeRemoval = []struct {
	name   string
	change func(f *fixture, made int64, req apicall.Request, answer *apicall.Answer) error
	want   string
}{
	{"a store was written", func(f *fixture, _ int64, req apicall.Request, _ *apicall.Answer) error {
		if isKeyList(req) {
			time.Sleep(2 * time.Second)
			value, _ := f.SecretValue(fakegithub.Place{Owner: "acme"}, "INFRA_KEY")
			f.SetSecret(fakegithub.Place{Owner: "acme"}, fakegithub.Secret{Name: "INFRA_KEY", Value: value})
		}
		return nil
	}, "INFRA_KEY of organization acme was written meanwhile, so no key is removed: the next run looks again"},
	{"a store is gone", func(f *fixture, _ int64, req apicall.Request, _ *apicall.Answer) error {
		if isKeyList(req) {
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
		if isKeyList(req) {
			*answer = status(404)
			return errors.New("GitHub answered 404")
		}
		return nil
	}, "GitHub answered 404"},
	{"the new key is gone", func(_ *fixture, made int64, req apicall.Request, _ *apicall.Answer) error {
		if isKeyList(req) {
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
		if isKeyList(req) {
			raw := req.Result.(*json.RawMessage)
			*raw = bytes.ReplaceAll(*raw, []byte(`"enabled":true`), []byte(`"enabled":false`))
		}
		return nil
	}, "is switched off"},
}

// Another run may have come between the decision and the removal, so each
// removal checks again.
func TestNothingIsRemovedOnOldNews(t *testing.T) {
	for _, test := range changesBeforeRemoval {
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
					made = k.ID // the key was verified, so only the last look follows
				} else if made != 0 && err == nil {
					err = test.change(f, made, req, &answer)
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
