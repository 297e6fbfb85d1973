package rotate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/manifest"
)

// allKinds returns one rotation of each kind.
func allKinds(keep int) []manifest.Rotation {
	identity := stores("IDENTITY")
	for i := range identity {
		identity[i].RecipientVariable = "RECIPIENT"
	}
	return []manifest.Rotation{
		keyRotation(keep),
		{Name: "token", InstallationToken: &manifest.Scope{}, Every: 12 * time.Hour, Store: stores("TOKEN")[:1]},
		{Name: "webhook", Random: &manifest.Random{Bytes: 32, Encoding: "hex"}, Every: 90 * day, Store: stores("WEBHOOK")[1:2]},
		{Name: "identity", Age: true, Every: 45 * day, Store: identity},
	}
}

// storedAge returns how old the oldest secret of a rotation is, by GitHub's
// times. known is false until all exist.
func (f *fixture) storedAge(r *manifest.Rotation) (age time.Duration, known bool) {
	for _, t := range targetsOf(r.Store) {
		found := false
		for _, s := range f.Secrets(fakegithub.Place(t.place)) {
			if s.Name == t.store.Secret {
				age, found = max(age, time.Since(s.UpdatedAt)), true
			}
		}
		if !found {
			return 0, false
		}
	}
	return age, true
}

// belongs compares each recipient with its identity.
func (f *fixture) belongs(r *manifest.Rotation) {
	f.t.Helper()
	j := f.engine(nil).job(r)
	for _, v := range j.variables() {
		now, _, err := v.read(context.Background(), j)
		for _, t := range v.targets {
			if identity, _ := f.SecretValue(fakegithub.Place(t.place), t.store.Secret); err != nil || now.Value != recipientOf(identity) {
				f.t.Fatalf("%s does not belong to %s (%v)", v, t.name(), err)
			}
		}
	}
}

func TestAYearOfTroubleKeepsEveryIntervalAndAWorkingKey(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { year(t, seed) })
		})
	}
}

func year(t *testing.T, seed uint64) {
	const step = 12 * time.Hour
	random := rand.New(rand.NewPCG(seed, 3))
	f, keep := newFixture(t), int(seed%2)
	f.addByHand()
	rotations := allKinds(keep)
	rotations[1].Every = 36 * time.Hour  // or it would be due at every step
	fails := make([]int, len(rotations)) // in a row
	for now := range int(365 * day / step) {
		trouble := 0.0
		if random.IntN(10) == 0 {
			trouble = []float64{0.02, 0.2, 0.9}[random.IntN(3)] // GitHub has a bad day
		}
		reports := f.troubledRun(random, trouble, rotations)
		for i := range rotations {
			r := &rotations[i]
			if i < len(reports) && (reports[i].Outcome == Rotated || reports[i].Outcome == NotDue) {
				fails[i] = 0
			} else {
				fails[i]++
			}
			if age, known := f.storedAge(r); known && age > r.Every+step*time.Duration(1+fails[i]) {
				t.Fatalf("step %d: %s is %s old after %d failures in a row: %+v", now, r.Name, age, fails[i], reports)
			}
			switch {
			case fails[i] > 0 || reports[i].Err != nil:
			case r.Age:
				f.belongs(r)
			case r.DeployKey != nil && now > int(float64(keep+2)*30*day.Hours()/step.Hours()):
				f.checkSettled(*r, keep+1)
			}
		}
		// One key that is being made, and one of each failed run since the last
		// that succeeded.
		if n := len(f.ours()); n > keep+2+fails[0] {
			t.Fatalf("step %d: %d keys after %d failures in a row", now, n, fails[0])
		}
		f.checkNoSecretShown()
		f.ResetRequests()
		time.Sleep(step)
	}
}

// troubledRun performs a run whose requests meet a fate with some probability.
func (f *fixture) troubledRun(random *rand.Rand, trouble float64, rotations []manifest.Rotation) []Report {
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	dead := false
	e := f.engine(func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
		if dead {
			return apicall.Answer{}, errLost
		}
		defer f.watch(r, rotations[0])
		if random.Float64() < trouble {
			return fate(random.IntN(int(fates))).strike(ctx, f.call, r, cancel, func() { dead = true })
		}
		return f.call(ctx, r)
	})
	reports := f.runIn(ctx, e, rotations...)
	if dead {
		return nil
	}
	return reports
}

// Stores that fail in turn are the worst case: each holds a key of another run.
func TestStoresThatFailInTurnNeitherLoseTheirKeysNorPileThemUp(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 4))
			f, r := newFixture(t), keyRotation(1)
			for range 3 {
				time.Sleep(30 * day)
				f.run(f.engine(nil), r)
			}
			time.Sleep(30 * day)
			held := map[int64]bool{}
			for range 30 {
				e := f.engine(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
					defer f.watch(req, r)
					if req.Method == http.MethodPut && random.IntN(2) == 0 {
						return status(403), fmt.Errorf("%s: GitHub answered 403: no", req.Op)
					}
					return f.call(ctx, req)
				})
				got := f.run(e, r)[0]
				// The keys in use now or before this run, since nothing is
				// removed after a failure; the two generations; and the new key
				// that no store took.
				now := map[int64]bool{}
				for _, k := range f.held(r) {
					now[k.ID], held[k.ID] = true, true
				}
				if n := len(f.ours()); n > len(held)+3 {
					t.Fatalf("%d keys, of which %d are in use: %+v", n, len(now), got)
				}
				held = now
				if got.Outcome == Failed && !strings.Contains(got.Err.Error(), "could not renew INFRA_KEY of ") {
					t.Fatalf("%v", got.Err)
				}
				time.Sleep(time.Hour)
			}
			f.run(f.engine(nil), r)
			time.Sleep(30 * day)
			f.run(f.engine(nil), r)
			f.checkSettled(r, 2)
			f.checkNoSecretShown()
		})
	}
}
