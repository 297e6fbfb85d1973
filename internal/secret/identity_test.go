package secret

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
	"github.com/valetkey/valetkey/internal/redact"
)

// byName tells the ids of repositories by their names, as a list of the App's would.
func byName(ids map[string]int64) func(*Sync) {
	return func(s *Sync) {
		s.Repository = func(_, name string) (Repository, bool) {
			id, known := ids[name]
			return Repository{ID: id}, known
		}
	}
}

// A repository that has another name by now is no deletion: not in a plan, not for the
// brake, and not as what fell out of the manifest.
func TestRenamedIsNotDropped(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.client.Transport = transporttest.InMemory{Handler: w.Server} // no answer 301 is described
		var wanted []Wanted
		for i := range 3 {
			wanted = append(wanted, wants(apiActions, fmt.Sprintf("S%d", i), "x"))
		}
		w.run(wanted, byName(w.ids))
		w.RenameRepository("acme", "api", "core")
		ids := byName(map[string]int64{"core": w.ids["api"]})
		core := Place{Owner: "acme", Repository: "core", App: "actions"}
		now := []Wanted{wants(core, "S0", "x"), wants(core, "S1", "x")} // and S2 fell out of it
		if plan := w.sync(ids).Plan(t.Context(), now, nil); fmt.Sprint(plan.Stale) != fmt.Sprint([]Stale{{apiActions, "S2"}}) {
			t.Errorf("stale: %v", plan.Stale)
		}
		one := func(s *Sync) { s.Prune, s.MaxDeletions = true, 1 }
		w.want("run", w.run(now, ids, one), []string{
			"S2 of acme/api: unchanged, no longer in the manifest, but left: acme/api was renamed acme/core",
			"S0 of acme/core: updated, new to the state file",
			"S1 of acme/core: updated, new to the state file",
		})
		if got := w.names(core); got != "S0 S1 S2" {
			t.Error(got)
		}
	})
}

// What the state knows of a name is nothing of another repository that has it now,
// however much its secrets look like ours; whether that is known before the run or
// turns out as something is written.
func TestAnotherRepositoryOfTheName(t *testing.T) {
	for _, known := range []bool{true, false} {
		inWorld(t, func(t *testing.T, w *world) {
			w.run([]Wanted{wants(apiActions, "A", "a"), wants(apiActions, "OLD", "b")}, byName(w.ids))
			stored := w.Secrets(fakegithub.Place(apiActions))
			w.DeleteRepository("acme", "api")
			w.ids["api"] = w.AddRepository(fakegithub.Repository{Owner: "acme", Name: "api"}).ID
			for _, s := range stored {
				w.SetSecret(fakegithub.Place(apiActions), s)
			}
			s := w.sync(byName(w.ids), prune)
			if !known {
				s.Repository = nil
			}
			plan := s.Plan(t.Context(), []Wanted{wants(apiActions, "A", "a")}, nil)
			byName(w.ids)(s)
			results, err := s.Apply(t.Context(), plan)
			if err != nil || w.names(apiActions) != "A OLD" {
				t.Errorf("known %v: %s, %v, %s", known, w.names(apiActions), err, told(results))
			}
			if known {
				w.want("results", told(results), []string{"A of acme/api: updated, new to the state file"})
			}
		})
	}
}

// A write under a name that is another repository's now leaves nothing in the state of
// what was written to the one before.
func TestNoteOfAnotherRepository(t *testing.T) {
	s := openStateOf("state")
	for id, name := range map[int64]string{0: "A", 7: "B"} {
		x := wants(apiActions, name, "x")
		s.note(&x, time.Unix(1, 0), id, publicKey{})
	}
	x := wants(apiActions, "C", "x")
	s.note(&x, time.Unix(1, 0), 7, publicKey{})
	if s.Len() != 3 {
		t.Errorf("%d are known", s.Len())
	}
	s.note(&x, time.Unix(1, 0), 8, publicKey{})
	if id, _ := s.place(x.Key()); s.Len() != 1 || id != 8 {
		t.Errorf("%d are known of %d", s.Len(), id)
	}
}

// What GitHub dates after its answer to our write is somebody else's, be it by a second:
// it is brought back where it is wanted, and never deleted.
func TestRightAfterOurWrite(t *testing.T) {
	inWorld(t, func(_ *testing.T, w *world) {
		wanted := []Wanted{wants(apiActions, "A", "a")}
		w.run(wanted)
		answered := w.sync().State.at(apiActions.Key())[0].updated
		set := func(seconds int64) string {
			at := time.Unix(seconds, 0)
			w.SetSecret(fakegithub.Place(apiActions), fakegithub.Secret{Name: "A", Value: "theirs", UpdatedAt: at})
			return moment(at)
		}
		for _, late := range []int64{answered + 1, answered - writeTakes - 1} {
			left := "A of acme/api: unchanged, no longer in the manifest, but left: somebody else changed it at " + set(late)
			w.want("not wanted", w.run(nil, prune), []string{left})
		}
		back := "A of acme/api: updated, changed by somebody else, or by a run that was cut off, at " + set(answered+1)
		w.want("wanted", w.run(wanted), []string{back})
		w.sees(wanted)
		set(w.sync().State.at(apiActions.Key())[0].updated - writeTakes)
		w.want("before the answer", w.run(nil, prune), []string{"A of acme/api: deleted, no longer in the manifest"})
	})
}

// Each deletion looks once more at the repository, not the first of a place alone.
func TestEachDeletionLooks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.client.Transport = transporttest.InMemory{Handler: w.Server}
		w.run([]Wanted{wants(apiActions, "A", "a"), wants(apiActions, "B", "b")}, byName(w.ids))
		s := w.sync(byName(w.ids), prune)
		s.Call = func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
			answer, err := w.call(ctx, r)
			if r.Method == apicall.Delete { // A is gone; B is another repository's when its turn comes
				stored := w.Secrets(fakegithub.Place(apiActions))[0]
				w.RenameRepository("acme", "api", "core")
				w.AddRepository(fakegithub.Repository{Owner: "acme", Name: "api"})
				w.SetSecret(fakegithub.Place(apiActions), stored)
			}
			return answer, err
		}
		results, err := s.Apply(t.Context(), s.Plan(t.Context(), nil, nil))
		w.want("results", told(results), []string{
			"A of acme/api: deleted, no longer in the manifest",
			"B of acme/api: unchanged, no longer in the manifest, but left: acme/api was renamed acme/core",
		})
		if err != nil || w.names(apiActions) != "B" {
			t.Error(err, w.names(apiActions))
		}
	})
}

// A run that is cancelled after its writes deletes nothing more.
func TestCancelledBeforeDeletions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.run([]Wanted{wants(apiActions, "A", "a"), wants(acmeOrg, "B", "b")})
		ctx, cancel := context.WithCancel(t.Context())
		s := w.sync(prune)
		plan := s.Plan(ctx, []Wanted{wants(webActions, "C", "c")}, nil)
		s.Call = func(c context.Context, r apicall.Request) (apicall.Answer, error) {
			if r.Method != apicall.Get {
				defer cancel()
			}
			return w.call(context.WithoutCancel(c), r)
		}
		results, err := s.Apply(ctx, plan)
		w.want("results", told(results), []string{
			"B of organization acme: failed, no longer in the manifest: not tried: cancelled",
			"A of acme/api: failed, no longer in the manifest: not tried: cancelled",
			"C of acme/web: created, new to the state file",
		})
		if err != nil || w.names(apiActions)+w.names(acmeOrg) != "AB" {
			t.Error(err)
		}
	})
}

// A plan deletes nothing in what is closed, as a run would find.
func TestPlanLeavesWhatIsClosed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.run([]Wanted{wants(apiActions, "A", "a")})
		s := w.sync(prune)
		s.Repository = func(string, string) (Repository, bool) { return Repository{ID: w.ids["api"], Archived: true}, true }
		plan := s.Plan(t.Context(), nil, nil)
		if got := told(plan.results())[0]; !strings.Contains(got, "but left: acme/api is archived") || plan.Count(Delete) > 0 {
			t.Error(got)
		}
	})
}

// Who sees an organization's secret is asked before it is written, and one that can't
// be found out is not written.
func TestAccessThatIsNotKnown(t *testing.T) {
	for _, path := range []string{"/orgs/acme/actions/secrets/A", "/orgs/acme/actions/secrets/A/repositories"} {
		inWorld(t, func(t *testing.T, w *world) {
			w.SetSecret(fakegithub.Place(acmeOrg), fakegithub.Secret{Name: "A", Value: "theirs", Visibility: "selected", Repositories: []string{"api"}})
			before := w.Secrets(fakegithub.Place(acmeOrg))
			w.Inject(fakegithub.Fault{Method: "GET", Path: path, Status: 500})
			w.asked()
			one, _, err := NewWriter(t.Context(), w.call, acmeOrg)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := one.Write(t.Context(), "A", redact.New("ours"), nil); err == nil {
				t.Errorf("%s: no error", path)
			}
			if got := w.run([]Wanted{wants(acmeOrg, "A", "ours")}); !strings.Contains(got[0], "failed") {
				t.Errorf("%s: %s", path, got)
			}
			for _, r := range w.asked() {
				if strings.HasPrefix(r, "PUT") {
					t.Errorf("%s: %s", path, r)
				}
			}
			if after := w.Secrets(fakegithub.Place(acmeOrg)); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("%s: %v", path, after)
			}
		})
	}
}

// Shards share what a fleet may lose.
func TestShardsShareTheBrake(t *testing.T) {
	s := openStateOf("state")
	for total, want := range map[int]int{0: 10, 1: 10, 3: 4, 10: 1, 256: 1} {
		if got := s.MaxDeletions(Shard{0, total}); got != want {
			t.Errorf("%d shards: %d", total, got)
		}
	}
}
