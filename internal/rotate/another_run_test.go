package rotate

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/manifest"
)

func TestAnotherRunsKeyIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := newFixture(t), keyRotation(1)
		f.strikeAt(17, killedBefore, r) // the first write of a secret
		time.Sleep(lease - time.Minute)
		got := f.run(f.engine(nil), r)[0]
		want := fmt.Sprintf("key %d is new and not in every store yet: another run may be working on it or has died; run again after "+
			"2000-01-01T00:15:00Z",
			f.ours()[0].ID)
		if got.Outcome != Busy || got.Reason != want || !got.Due.Equal(f.ours()[0].CreatedAt.Add(lease)) {
			t.Errorf("%+v", got)
		}
		time.Sleep(time.Minute)
		if got := f.run(f.engine(nil), r)[0]; got.Outcome != Rotated {
			t.Errorf("%+v", got)
		}
		f.checkNoSecretShown()
	})
}

func TestForcedRunsAtOnceAreEachSeen(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		rotations := allKinds(1)
		rotations[1].Store = stores("TOKEN") // so that the stores need not have one time
		e := f.engine(nil)
		e.Force = func(string) bool { return true }
		for range 3 { // within one second, and yet each is noticed
			for _, got := range f.run(e, rotations...) {
				if got.Outcome != Rotated || got.Err != nil {
					t.Errorf("%+v", got)
				}
			}
			f.held(rotations[0])
			f.belongs(&rotations[3])
		}
	})
}

// A key within the lease of the next one stays when that is made, but must not
// stay until the next rotation.
func TestAKeyThatWasInARaceGoesOnceThatIsOver(t *testing.T) {
	inBubble(t, "", func(t *testing.T, f *fixture) {
		r := keyRotation(0)
		f.run(f.engine(nil), r)
		time.Sleep(lease - time.Minute)
		e := f.engine(func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			if r.Method == http.MethodPut {
				time.Sleep(2 * time.Minute)
			}
			return f.call(ctx, r)
		})
		e.Force = func(string) bool { return true }
		if got := f.run(e, r)[0]; got.Outcome != Rotated || got.Kept != 2 {
			t.Errorf("%+v", got)
		}
		for _, test := range []struct {
			ahead         time.Duration // the machine's clock
			dated         bool          // GitHub says what time it is
			wait          time.Duration
			retired, kept int
		}{
			{0, true, 0, 0, 2},
			{5 * time.Hour, true, 0, 0, 2},
			{5 * time.Hour, false, lease, 0, 2},
			{0, true, 0, 1, 1},
		} {
			time.Sleep(test.wait)
			e := f.engine(func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
				answer, err := f.call(ctx, r)
				if !test.dated {
					answer.Date = time.Time{}
				}
				return answer, err
			})
			e.Now = func() time.Time { return time.Now().Add(test.ahead) }
			if got := f.run(e, r)[0]; got.Outcome != NotDue || got.Retired != test.retired || got.Kept != test.kept {
				t.Errorf("%+v", got)
			}
		}
		f.checkSettled(r, 1)
	})
}

func TestARunThatMetAnotherFails(t *testing.T) {
	two := []string{"actions", "dependabot"}
	for _, test := range []struct {
		name  string
		kind  int // of allKinds
		apps  []string
		order []int // whose turn it is to write
	}{
		{"random", 2, two, []int{0, 1, 1, 0}},
		{"random, in turn", 2, two, []int{0, 1, 0, 1}},
		{"age", 3, two, []int{0, 1, 1, 1, 0}},
		{"age, one store", 3, two[:1], []int{0, 1, 0, 1}},
	} {
		inBubble(t, test.name, func(t *testing.T, f *fixture) {
			r := allKinds(0)[test.kind]
			r.Store = []manifest.Store{
				{Owner: "acme", Repository: "app", Secret: "S", Apps: test.apps, RecipientVariable: r.Store[0].RecipientVariable},
			}
			f.run(f.engine(nil), r)
			time.Sleep(200 * day)
			for i, got := range f.writeInTurn(r, test.order) {
				switch {
				case got.Err == nil && i == 1: // the other run reports it
				case got.Outcome != Failed:
					t.Errorf("%+v", got)
				case strings.Contains(got.Err.Error(), "variable RECIPIENT of acme/app was changed meanwhile"):
				case !strings.Contains(got.Err.Error(), "another run wrote S of acme/app at the same time") ||
					hint(got.Err) != "run it again with force: "+r.Name+", and give the workflow concurrency:":
					t.Errorf("%v\nhint: %s", got.Err, hint(got.Err))
				}
			}
			if r.Age {
				time.Sleep(lease) // while a variable is behind, force has to wait
			}
			e := f.engine(nil)
			e.Force = func(string) bool { return true }
			if got := f.run(e, r)[0]; got.Outcome != Rotated {
				t.Errorf("%+v", got)
			}
			if r.Age {
				f.belongs(&r)
			}
			if test.kind == 2 {
				if a, b, _ := strings.Cut(f.values([]manifest.Rotation{r}), "\n"); a != b {
					t.Error("stores hold different values")
				}
			}
		})
	}
}

// writeInTurn performs a rotation twice at once, whose requests that write are
// let through in an order. The two runs must be over after that.
func (f *fixture) writeInTurn(r manifest.Rotation, order []int) (reports [2]Report) {
	type turn struct{ ask, served, over chan struct{} }
	var turns [2]turn
	for i := range turns {
		x := turn{make(chan struct{}), make(chan struct{}), make(chan struct{})}
		turns[i] = x
		e := f.engine(func(ctx context.Context, req apicall.Request) (apicall.Answer, error) {
			if req.Method != http.MethodGet {
				<-x.ask
				defer func() { x.served <- struct{}{} }()
			}
			return f.call(ctx, req)
		})
		go func() {
			defer close(x.over)
			reports[i] = f.run(e, r)[0]
		}()
	}
	time.Sleep(5 * time.Second) // both have decided
	for _, i := range order {
		select {
		case turns[i].ask <- struct{}{}:
			<-turns[i].served
		case <-turns[i].over:
		}
		time.Sleep(2 * time.Second)
	}
	for i := range turns {
		select {
		case <-turns[i].over:
		default:
			f.t.Fatalf("run %d writes on", i)
		}
	}
	return reports
}
