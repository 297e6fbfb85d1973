package secret

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

// byName returns the ids of repositories by their names, as a list of the App's
// would.
func byName(ids map[string]int64) func(*Sync) {
	return func(s *Sync) {
		s.Repository = func(_, name string) (Repository, bool) {
			id, known := ids[name]
			return Repository{ID: id}, known
		}
	}
}

// A renamed repository is no deletion: not in a plan, not for the brake, and
// not among the secrets that left the manifest.
func TestRenamedIsNotDropped(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.SkipOpenAPI = true // GitHub's description has no answer 301
		var wanted []Wanted
		for i := range 3 {
			wanted = append(wanted, wants(apiActions, fmt.Sprintf("S%d", i), "x"))
		}
		f.run(wanted, byName(f.ids))
		f.RenameRepository("acme", "api", "core")
		ids := byName(map[string]int64{"core": f.ids["api"]})
		core := Place{Owner: "acme", Repository: "core", App: "actions"}
		now := []Wanted{wants(core, "S0", "x"), wants(core, "S1", "x")} // and S2 left the manifest
		if plan := f.sync(ids).Plan(t.Context(), now, nil); fmt.Sprint(plan.Stale) != fmt.Sprint([]Stale{{apiActions, "S2"}}) {
			t.Errorf("stale: %v", plan.Stale)
		}
		one := func(s *Sync) { s.Prune, s.MaxDeletions = true, 1 }
		f.want("run", f.run(now, ids, one), []string{
			"S2 of acme/api: unchanged, no longer in the manifest, but left: acme/api was renamed to acme/core",
			"S0 of acme/core: updated, new to the state file",
			"S1 of acme/core: updated, new to the state file",
		})
		if got := f.names(core); got != "S0 S1 S2" {
			t.Error(got)
		}
	})
}

// The state's knowledge of a name does not apply to another repository that has
// it now, however much its secrets look like ours; whether that is known before
// the run or turns out when something is written.
func TestAnotherRepositoryOfTheName(t *testing.T) {
	for _, known := range []bool{true, false} {
		inBubble(t, func(t *testing.T, f *fixture) {
			f.run([]Wanted{wants(apiActions, "A", "a"), wants(apiActions, "OLD", "b")}, byName(f.ids))
			stored := f.Secrets(fakegithub.Place(apiActions))
			f.DeleteRepository("acme", "api")
			f.ids["api"] = f.AddRepository(fakegithub.Repository{Owner: "acme", Name: "api"}).ID
			for _, s := range stored {
				f.SetSecret(fakegithub.Place(apiActions), s)
			}
			s := f.sync(byName(f.ids), prune)
			if !known {
				s.Repository = nil
			}
			plan := s.Plan(t.Context(), []Wanted{wants(apiActions, "A", "a")}, nil)
			byName(f.ids)(s)
			results, err := s.Apply(t.Context(), plan)
			if err != nil || f.names(apiActions) != "A OLD" {
				t.Errorf("known %v: %s, %v, %s", known, f.names(apiActions), err, lines(results))
			}
			if known {
				f.want("results", lines(results), []string{"A of acme/api: updated, new to the state file"})
			}
		})
	}
}

// A write under a name that belongs to another repository now leaves no record
// of the previous one in the state.
func TestNoteOfAnotherRepository(t *testing.T) {
	s := openStateOf("state")
	for id, name := range map[int64]string{0: "A", 7: "B"} {
		x := wants(apiActions, name, "x")
		s.record(&x, time.Unix(1, 0), id, publicKey{})
	}
	x := wants(apiActions, "C", "x")
	s.record(&x, time.Unix(1, 0), 7, publicKey{})
	if s.Len() != 3 {
		t.Errorf("%d are known", s.Len())
	}
	s.record(&x, time.Unix(1, 0), 8, publicKey{})
	if id, _ := s.place(x.Key()); s.Len() != 1 || id != 8 {
		t.Errorf("%d are known of %d", s.Len(), id)
	}
}

// A time after GitHub's answer to our write belongs to somebody else, even if
// it is only a second later: the secret is written again if it is wanted, and
// never deleted.
func TestRightAfterOurWrite(t *testing.T) {
	inBubble(t, func(_ *testing.T, f *fixture) {
		wanted := []Wanted{wants(apiActions, "A", "a")}
		f.run(wanted)
		answered := f.sync().State.records(apiActions.Key())[0].updated
		set := func(seconds int64) string {
			at := time.Unix(seconds, 0)
			f.SetSecret(fakegithub.Place(apiActions), fakegithub.Secret{Name: "A", Value: "theirs", UpdatedAt: at})
			return formatTime(at)
		}
		for _, late := range []int64{answered + 1, answered - writeTakes - 1} {
			left := "A of acme/api: unchanged, no longer in the manifest, but left: somebody else changed it at " + set(late)
			f.want("not wanted", f.run(nil, prune), []string{left})
		}
		back := "A of acme/api: updated, changed by somebody else, or by a run that was cut off, at " + set(answered+1)
		f.want("wanted", f.run(wanted), []string{back})
		f.checkSeen(wanted)
		set(f.sync().State.records(apiActions.Key())[0].updated - writeTakes)
		f.want("before the answer", f.run(nil, prune), []string{"A of acme/api: deleted, no longer in the manifest"})
	})
}

// Each deletion checks the repository once more, not only the first of a place.
func TestEachDeletionLooks(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.SkipOpenAPI = true
		f.run([]Wanted{wants(apiActions, "A", "a"), wants(apiActions, "B", "b")}, byName(f.ids))
		s := f.sync(byName(f.ids), prune)
		s.Call = func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			answer, err := f.call(ctx, r)
			if r.Method == http.MethodDelete { // A is gone; B is another repository's when its turn comes
				stored := f.Secrets(fakegithub.Place(apiActions))[0]
				f.RenameRepository("acme", "api", "core")
				f.AddRepository(fakegithub.Repository{Owner: "acme", Name: "api"})
				f.SetSecret(fakegithub.Place(apiActions), stored)
			}
			return answer, err
		}
		results, err := s.Apply(t.Context(), s.Plan(t.Context(), nil, nil))
		f.want("results", lines(results), []string{
			"A of acme/api: deleted, no longer in the manifest",
			"B of acme/api: unchanged, no longer in the manifest, but left: acme/api was renamed to acme/core",
		})
		if err != nil || f.names(apiActions) != "B" {
			t.Error(err, f.names(apiActions))
		}
	})
}

// A run that is cancelled after its writes deletes nothing.
func TestCancelledBeforeDeletions(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.run([]Wanted{wants(apiActions, "A", "a"), wants(acmeOrg, "B", "b")})
		ctx, cancel := context.WithCancel(t.Context())
		s := f.sync(prune)
		plan := s.Plan(ctx, []Wanted{wants(webActions, "C", "c")}, nil)
		s.Call = func(c context.Context, r apicall.Request) (apicall.Answer, error) {
			if r.Method != http.MethodGet {
				defer cancel()
			}
			return f.call(context.WithoutCancel(c), r)
		}
		results, err := s.Apply(ctx, plan)
		f.want("results", lines(results), []string{
			"B of organization acme: failed, no longer in the manifest: not tried: cancelled",
			"A of acme/api: failed, no longer in the manifest: not tried: cancelled",
			"C of acme/web: created, new to the state file",
		})
		if err != nil || f.names(apiActions)+f.names(acmeOrg) != "AB" {
			t.Error(err)
		}
	})
}

// A plan deletes nothing in a closed place, as a run would find out.
func TestPlanLeavesWhatIsClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.run([]Wanted{wants(apiActions, "A", "a")})
		s := f.sync(prune)
		s.Repository = func(string, string) (Repository, bool) { return Repository{ID: f.ids["api"], Archived: true}, true }
		plan := s.Plan(t.Context(), nil, nil)
		if got := lines(plan.results())[0]; !strings.Contains(got, "but left: acme/api is archived") || plan.Count(Delete) > 0 {
			t.Error(got)
		}
	})
}

// The repositories that see an organization's secret are asked for before it is
// written. If they are not known, it is not written.
func TestAccessThatIsNotKnown(t *testing.T) {
	for _, path := range []string{"/orgs/acme/actions/secrets/A", "/orgs/acme/actions/secrets/A/repositories"} {
		inBubble(t, func(t *testing.T, f *fixture) {
			f.SetSecret(fakegithub.Place(acmeOrg), fakegithub.Secret{
				Name: "A", Value: "theirs", Visibility: "selected", Repositories: []string{"api"},
			})
			before := f.Secrets(fakegithub.Place(acmeOrg))
			f.Inject(fakegithub.Fault{Method: "GET", Path: path, Status: 500})
			f.requests()
			one, _, err := NewWriter(t.Context(), f.call, acmeOrg)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := one.Write(t.Context(), "A", redact.New("ours"), nil); err == nil {
				t.Errorf("%s: no error", path)
			}
			if got := f.run([]Wanted{wants(acmeOrg, "A", "ours")}); !strings.Contains(got[0], "failed") {
				t.Errorf("%s: %s", path, got)
			}
			for _, r := range f.requests() {
				if strings.HasPrefix(r, "PUT") {
					t.Errorf("%s: %s", path, r)
				}
			}
			if after := f.Secrets(fakegithub.Place(acmeOrg)); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("%s: %v", path, after)
			}
		})
	}
}

// The shards share the number of deletions that a fleet may lose.
func TestShardsShareTheBrake(t *testing.T) {
	s := openStateOf("state")
	for total, want := range map[int]int{0: 10, 1: 10, 3: 4, 10: 1, 256: 1} {
		if got := s.MaxDeletions(Shard{0, total}); got != want {
			t.Errorf("%d shards: %d", total, got)
		}
	}
}
