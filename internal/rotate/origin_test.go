package rotate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/manifest"
)

// tenant is one of two manifests: rotations copied from the same example, with
// stores of its own, performed by an App of its own.
type tenant struct {
	*fixture
	origin    Origin
	rotations []manifest.Rotation
	known     map[string]bool // the secrets that existed at some time
	turn      chan struct{}   // shared by both: nothing may change while one is checked after a request
}

// tenants returns two manifests on one GitHub. Both replace a deploy key of the
// same repository, with the same title.
func tenants(f *fixture, origins [2]Origin, keep int) [2]*tenant {
	var list [2]*tenant
	turn := make(chan struct{}, 1)
	for i := range list {
		github := *f.GitHub
		own := &fixture{GitHub: &github, t: f.t, skew: f.skew}
		if i == 1 {
			own.App = f.AddApp(fakegithub.App{
				Slug: "keeper-2", Owner: "acme", PublicKey: f.App.PublicKey, Permissions: f.App.Permissions,
			})
			own.Installation = f.Install(fakegithub.Installation{AppID: own.App.ID, Account: "acme", All: true})
		}
		x := &tenant{fixture: own, origin: origins[i], rotations: allKinds(keep), known: map[string]bool{}, turn: turn}
		for k := range x.rotations {
			r := &x.rotations[k]
			r.RetireAfter = time.Duration(i) * time.Hour
			r.Every = max(r.Every, 3*day) // or the token would be due at every step
			if r.DeployKey == nil {
				r.RetireAfter = 0
			}
			for s := range r.Store {
				r.Store[s].Secret += fmt.Sprint("_", i)
				if r.Age {
					r.Store[s].RecipientVariable += fmt.Sprint("_", i)
				}
			}
		}
		list[i] = x
	}
	return list
}

// ours returns the ids of the tenant's deploy keys.
func (x *tenant) ours() map[int64]bool {
	list := map[int64]bool{}
	for _, k := range x.keys() {
		if idIn(k.Title) == x.origin.id("infra") {
			list[k.ID] = true
		}
	}
	return list
}

// whole fails the test unless every secret that the tenant ever had exists, and
// each secret for a deploy key holds one of the tenant's own keys that opens.
func (x *tenant) whole() {
	x.t.Helper()
	opens := map[string]bool{}
	for _, k := range x.keys() {
		if idIn(k.Title) == x.origin.id("infra") {
			opens[k.Key] = true
		}
	}
	for i := range x.rotations {
		for _, t := range targetsOf(x.rotations[i].Store) {
			value, there := x.SecretValue(fakegithub.Place(t.place), t.store.Secret)
			if x.known[t.name()] = x.known[t.name()] || there; !x.known[t.name()] {
				continue
			}
			if !there || value == "" {
				x.t.Fatalf("%s was there, and is not any more", t.name())
			}
			if x.rotations[i].DeployKey == nil {
				continue
			}
			signer, err := ssh.ParsePrivateKey([]byte(value))
			if err != nil {
				x.t.Fatal(err)
			}
			if !opens[strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))] {
				x.t.Fatalf("%s holds a key that opens nothing", t.name())
			}
		}
	}
}

// Two copies of one manifest exist side by side for a year in which GitHub has
// bad days, and after every step of each everything works.
func TestTwoManifestsLeaveEachOthersKeysAlone(t *testing.T) {
	for keep, other := range []Origin{
		{testOrigin.Host, "2", testOrigin.Path},
		{testOrigin.Host, testOrigin.Repository, ".github/staging.yml"},
	} {
		t.Run(fmt.Sprintf("%v, keep %d", other, keep), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { twoForAYear(t, [2]Origin{testOrigin, other}, keep) })
		})
	}
}

func twoForAYear(t *testing.T, origins [2]Origin, keep int) {
	const step = day
	random := rand.New(rand.NewPCG(uint64(keep), 7))
	f := newFixture(t)
	f.addByHand()
	others := len(f.keys())
	both := tenants(f, origins, keep)
	for now := range int(365 * day / step) {
		trouble := 0.0
		if random.IntN(15) == 0 {
			trouble = []float64{0.02, 0.2, 0.9}[random.IntN(3)]
		}
		if now%20 == 19 { // both at once
			var at sync.WaitGroup
			for _, x := range both {
				at.Go(func() { x.run(x.asItself(both, random, 0), x.rotations...) })
			}
			at.Wait()
		}
		for _, x := range both {
			x.run(x.asItself(both, random, trouble), x.rotations...)
			x.checkNoSecretShown()
		}
		ours := [2]int{len(both[0].ours()), len(both[1].ours())}
		if n := len(f.keys()); n != others+ours[0]+ours[1] {
			t.Fatalf("step %d: %d keys, of which others made %d, and the two %v", now, n, others, ours)
		}
		f.ResetRequests()
		time.Sleep(step)
	}
	for _, x := range both { // and neither collects the keys of the other
		for range 2 {
			time.Sleep(day)
			x.run(x.asItself(both, random, 0), x.rotations...)
		}
		if n := len(x.ours()); n != keep+1 {
			t.Errorf("%d keys", n)
		}
	}
}

// asItself returns the engine of one tenant's run, which checks what both
// tenants have after each step.
func (x *tenant) asItself(both [2]*tenant, random *rand.Rand, trouble float64) *Engine {
	dead := false
	e := x.knowing(func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
		if dead {
			return apicall.Answer{}, errLost
		}
		x.turn <- struct{}{}
		defer func() { <-x.turn }()
		if r.Method != http.MethodGet {
			defer both[0].whole()
			defer both[1].whole()
		}
		if trouble > 0 && random.Float64() < trouble {
			return fate(random.IntN(int(fates))).strike(ctx, x.call, r, func() {}, func() { dead = true })
		}
		return x.call(ctx, r)
	})
	e.Origin = x.origin
	return e
}

// Keys of another rotation are reported, and never counted.
func TestAKeyOfAnotherRotationIsNamed(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		f.addByHand()
		got := f.run(f.engine(nil), keyRotation(0))[0]
		if len(got.Others) != 1 || got.Others[0].Rotation != "0123456789ab" || got.Others[0].ID == 0 || got.Kept != 1 ||
			got.Outcome != Rotated {
			t.Errorf("%+v", got)
		}
		// The beginning of the title is for people, and may be changed.
		r := keyRotation(0)
		r.DeployKey.Title = "deploy"
		time.Sleep(30 * day)
		if got := f.run(f.engine(nil), r)[0]; got.Outcome != Rotated || got.Retired != 1 || got.Kept != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// A copied manifest that stores the same secrets would undo each rotation of
// the other.
func TestTwoManifestsDoNotQuarrelAboutOneSecret(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		r := keyRotation(1)
		as := func(path string) *Engine {
			e := f.knowing(nil)
			e.Origin.Path = path
			return e
		}
		staging := "staging.yml"
		f.run(f.knowing(nil), r)
		value := f.values([]manifest.Rotation{r})
		for range 48 {
			time.Sleep(time.Hour)
			for _, dry := range []bool{true, false} {
				e := as(staging)
				e.DryRun = dry
				got := f.run(e, r)[0]
				want := fmt.Sprintf("INFRA_KEY of acme/app holds a key of another rotation (deploy key %d, %s)", f.ours()[0].ID,
					testOrigin.id("infra"))
				if got.Outcome != Failed || got.Err.Error() != want || !strings.Contains(hint(got.Err), "force: infra") {
					t.Fatalf("%+v", got)
				}
			}
			if got := f.run(f.knowing(nil), r)[0]; got.Outcome != NotDue {
				t.Fatalf("%+v", got)
			}
		}
		if f.values([]manifest.Rotation{r}) != value || len(f.keys()) != 1 {
			t.Error("something was replaced")
		}
		// A manifest that was moved takes over when a person says so.
		e := as(staging)
		e.Force = all
		if got := f.run(e, r)[0]; got.Outcome != Rotated || got.Retired != 0 || len(f.keys()) != 2 {
			t.Errorf("%+v", got)
		}
		if got := f.run(as(staging), r)[0]; got.Outcome != NotDue {
			t.Errorf("%+v", got)
		}
		if got := f.run(f.knowing(nil), r)[0]; got.Outcome != Failed ||
			!strings.Contains(got.Err.Error(), " holds a key of another rotation ") {
			t.Errorf("%+v", got)
		}
	})
}

// Somebody who may write deploy keys may copy our id into a title. That must
// not cost the key in use, whenever they do it.
func TestASpoofedTitleCostsNoKeyInUse(t *testing.T) {
	spoof := func(f *fixture, readOnly bool) {
		j := (&Engine{}).job(&manifest.Rotation{})
		_, public, err := j.newKey("x")
		if err != nil {
			f.t.Fatal(err)
		}
		body := map[string]any{"key": public, "title": newTitle("ci", testOrigin.id("infra"), time.Now().Add(day)), "read_only": readOnly}
		f.must(http.MethodPost, keysPath, body, nil)
	}
	for keep := range 2 {
		for n := 1; n <= 30; n++ { // before each request of a rotation, and long after it
			inBubble(t, fmt.Sprint("keep ", keep, ", before request ", n), func(_ *testing.T, f *fixture) {
				r := keyRotation(keep)
				f.run(f.knowing(nil), r)
				time.Sleep(30 * day)
				count := 0
				f.run(f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
					defer f.watch(req, r)
					if count++; count == n {
						spoof(f, n%2 == 0)
					}
					return f.call(ctx, req)
				}), r)
				if count < n {
					spoof(f, n%2 == 0)
				}
				for range 4 {
					f.held(r)
					time.Sleep(20 * time.Minute)
					f.run(f.knowing(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
						defer f.watch(req, r)
						return f.call(ctx, req)
					}), r)
				}
				for range 2 {
					time.Sleep(30 * day)
					f.run(f.knowing(nil), r)
				}
				f.checkSettled(r, keep+1) // the copied title is gone with the replaced keys
			})
		}
	}
}
