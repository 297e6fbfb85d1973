package rotate

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/manifest"
)

// One store that is broken for good must not make each run replace the others.
func TestNothingIsMadeWhileAStoreCantBeWritten(t *testing.T) {
	for _, test := range []struct {
		name         string
		path         string // of the refused request
		broken       func(*fixture, apicall.Request) (apicall.Answer, error)
		failed, hint string
	}{
		{
			"no environment", "repos/acme/app/environments/production/secrets/public-key",
			func(_ *fixture, r apicall.Request) (apicall.Answer, error) {
				return status(404), errors.New(r.Op + ": GitHub answered 404")
			},
			"acme/app, environment production: get the public key of acme/app, environment production: GitHub answered 404",
			"create the environment, or see that the App reaches its repository",
		},
		{"no permission", "orgs/acme/actions/secrets/public-key", func(_ *fixture, r apicall.Request) (apicall.Answer, error) {
			return status(403), errors.New(r.Op + ": GitHub answered 403")
		}, "organization acme: get the public key of organization acme: GitHub answered 403", ""},
		{"archived", "repos/acme/app", func(f *fixture, r apicall.Request) (apicall.Answer, error) {
			status, err := f.call(f.t.Context(), r)
			if r, ok := r.Result.(*repository); ok {
				r.Archived = true
			}
			return status, err
		}, "acme/app: acme/app is archived", "unarchive it, or take it out of store"},
	} {
		inBubble(t, test.name, func(t *testing.T, f *fixture) {
			rotations := allKinds(1)
			for i := range rotations {
				rotations[i].Store = stores(rotations[i].Store[0].Secret)
			}
			f.run(f.engine(nil), rotations...)
			time.Sleep(100 * day)
			keys, value := len(f.ours()), f.values(rotations)
			e := f.engine(func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
				if r.Path == test.path {
					return test.broken(f, r)
				}
				if r.Method != http.MethodGet {
					t.Errorf("%s %s", r.Method, r.Path)
				}
				return f.call(ctx, r)
			})
			e.Mint = func(context.Context, manifest.Rotation) (Minted, error) { t.Error("minted"); return Minted{}, nil }
			for _, e.DryRun = range []bool{true, false} {
				for _, got := range f.run(e, rotations...) {
					if got.Outcome != Failed || !strings.Contains(got.Err.Error(), test.failed) || hint(got.Err) != test.hint ||
						!got.Due.Equal(time.Now()) {
						t.Errorf("%v\nhint: %s\n%+v", got.Err, hint(got.Err), got)
					}
				}
			}
			if len(f.ours()) != keys || f.values(rotations) != value {
				t.Error("something was replaced")
			}
			f.held(rotations[0])
		})
	}
}

func TestADryRunOnlyReads(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		for range 2 {
			e := f.engine(func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
				if r.Method != http.MethodGet {
					t.Errorf("%s %s", r.Method, r.Path)
				}
				return f.call(ctx, r)
			})
			e.Mint = func(context.Context, manifest.Rotation) (Minted, error) { return Minted{}, errors.New("minted") }
			e.DryRun = true
			for _, got := range f.run(e, allKinds(1)...) {
				if got.Outcome != Due || got.Err != nil {
					t.Errorf("%+v", got)
				}
			}
			f.run(f.engine(nil), allKinds(1)...)
			time.Sleep(100 * day)
		}
	})
}

func TestAStoreThatIsGoneForGoodCostsNoRotations(t *testing.T) {
	for name, gone := range map[string]manifest.Store{
		"environment": {Owner: "acme", Repository: "app", Environment: "gone", Apps: []string{"actions"}},
		"repository":  {Owner: "acme", Repository: "old", Apps: []string{"actions"}},
	} {
		inBubble(t, name, func(t *testing.T, f *fixture) {
			f.AddRepository(fakegithub.Repository{Owner: "acme", Name: "old", Archived: true})
			rotations := allKinds(1)
			f.run(f.engine(nil), rotations...)
			keys, values := len(f.ours()), f.values(rotations)
			for i := range rotations {
				gone.Secret = rotations[i].Store[0].Secret
				rotations[i].Store = append(rotations[i].Store, gone)
			}
			for range 24 {
				time.Sleep(time.Hour)
				for _, got := range f.run(f.engine(nil), rotations...) {
					last := got.Stores[len(got.Stores)-1]
					if got.Outcome != Failed || last.Err == nil || got.Reason != last.Secret+" of "+last.Place.String()+" is missing" {
						t.Fatalf("%+v", got)
					}
				}
			}
			for i := range rotations {
				rotations[i].Store = rotations[i].Store[:len(rotations[i].Store)-1]
			}
			if len(f.ours()) != keys || f.values(rotations) != values {
				t.Error("something was replaced")
			}
		})
	}
}

// values returns the values of all stores.
func (f *fixture) values(rotations []manifest.Rotation) string {
	var all []string
	for i := range rotations {
		for _, t := range targetsOf(rotations[i].Store) {
			value, _ := f.SecretValue(fakegithub.Place(t.place), t.store.Secret)
			all = append(all, value)
		}
	}
	return strings.Join(all, "\n")
}

func TestEveryStoreThatFailsIsNamed(t *testing.T) {
	for _, path := range []string{"/secrets/public-key", "/secrets/INFRA_KEY"} {
		inBubble(t, path, func(t *testing.T, f *fixture) {
			e := f.engine(func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
				if strings.HasSuffix(r.Path, path) && (strings.Contains(r.Path, "/dependabot/") || r.Repository == "") {
					return status(403), errors.New(r.Op + ": no")
				}
				return f.call(ctx, r)
			})
			got := f.run(e, keyRotation(0))[0]
			all, ok := got.Err.(interface{ Unwrap() []error })
			if !ok || len(all.Unwrap()) != 2 || !strings.Contains(all.Unwrap()[0].Error(), "acme/app (dependabot)") ||
				!strings.Contains(all.Unwrap()[1].Error(), "organization acme") {
				t.Errorf("%+v", got)
			}
			if got.Outcome != Failed || got.Stores[0].Err != nil || got.Stores[1].Err == nil || got.Stores[3].Err == nil ||
				len(f.ours()) != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestAStoreThatBringsAnOlderSecretCostsNoGeneration(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		f.SetSecret(fakegithub.Place{Owner: "acme", Repository: "app", Environment: "production"}, fakegithub.Secret{
			Name: "INFRA_KEY", Value: "by hand", UpdatedAt: time.Now(),
		})
		r := keyRotation(1)
		all := r.Store
		r.Store = all[:1]
		for range 3 {
			time.Sleep(31 * day)
			f.run(f.engine(nil), r)
		}
		used := f.ours()[1].ID
		time.Sleep(day)
		r.Store = all[:2]
		if got := f.run(f.engine(nil), r)[0]; got.Outcome != Rotated || got.Retired != 1 {
			t.Errorf("%+v", got)
		}
		if left := f.ours(); len(left) != 2 || left[0].ID != used {
			t.Errorf("the key that was in use is gone: %+v", left)
		}
		f.checkSettled(r, 2)
	})
}

func TestWhatAPersonDidIsRepaired(t *testing.T) {
	inBubble(t, "the newest key is removed", func(t *testing.T, f *fixture) {
		r := keyRotation(1)
		f.run(f.engine(nil), r)
		time.Sleep(31 * day)
		f.run(f.engine(nil), r)
		if err := f.engine(nil).job(&r).removeKey(t.Context(), f.ours()[1].ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if got := f.run(f.engine(nil), r)[0]; got.Outcome != Rotated ||
			got.Reason != "INFRA_KEY of acme/app was written by somebody else at 2000-02-01T00:00:00Z" {
			t.Errorf("%+v", got)
		}
		f.checkSettled(r, 2)
	})
	inBubble(t, "a secret is overwritten", func(t *testing.T, f *fixture) {
		r := keyRotation(1)
		f.run(f.engine(nil), r)
		time.Sleep(day)
		f.SetSecret(fakegithub.Place{Owner: "acme", Repository: "app", App: "dependabot"}, fakegithub.Secret{
			Name: "INFRA_KEY", Value: "oops", UpdatedAt: time.Now(),
		})
		if got := f.run(f.engine(nil), r)[0]; got.Outcome != Rotated ||
			got.Reason != "INFRA_KEY of acme/app (dependabot) was written by somebody else at 2000-01-02T00:00:00Z" {
			t.Errorf("%+v", got)
		}
		f.checkSettled(r, 2)
		if got := f.run(f.engine(nil), r)[0]; got.Outcome != NotDue {
			t.Errorf("%+v", got)
		}
	})
}

// GitHub's time is known from its answers, and the machine's clock may be hours
// off.
func TestDueIsByTheClockOfGitHub(t *testing.T) {
	for _, skew := range []time.Duration{2 * time.Hour, -2 * time.Hour} {
		inBubble(t, skew.String(), func(t *testing.T, f *fixture) {
			f.skew = skew
			f.SetClockSkew(skew)
			r := allKinds(0)[1]
			r.Every, r.Store[0].Apps = 30*time.Minute, []string{"actions"}
			outcomes := ""
			for range 9 {
				told := time.Duration(0)
				e := f.engine(func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
					defer func() { told = skew }()
					return f.call(ctx, r)
				})
				e.Now = func() time.Time { return time.Now().Add(told) }
				got := f.run(e, r)[0]
				if outcomes += string(got.Outcome)[:1]; got.Overdue || got.Expired || got.Before > 30*time.Minute {
					t.Errorf("%+v", got)
				}
				time.Sleep(10 * time.Minute)
			}
			if outcomes != "rnnrnnrnn" {
				t.Error(outcomes)
			}
		})
	}
}
