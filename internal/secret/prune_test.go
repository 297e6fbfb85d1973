package secret

import (
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/transporttest"
	"github.com/valetkey/valetkey/internal/redact"
)

func (w *world) names(place Place) string {
	var names []string
	for _, s := range w.Secrets(fakegithub.Place(place)) {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

func TestPrune(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.AddEnvironment("acme", "api", "production")
		w.SetSecret(fakegithub.Place(apiActions), fakegithub.Secret{Name: "THEIRS", Value: "x"})
		wanted := []Wanted{
			wants(apiActions, "KEPT", "1"), wants(apiActions, "old", "2"), wants(apiActions, "TOUCHED", "3"), wants(apiActions, "GONE", "4"),
			wants(webActions, "OLD", "5"), wants(acmeOrg, "OLD", "6"), wants(production, "OLD", "7"),
		}
		w.run(wanted)
		w.asked()
		w.want("not asked to", w.run(wanted[:1]), []string{"KEPT of acme/api: unchanged"})
		w.want("requests", w.asked(), []string{"GET repos/acme/api/actions/secrets 200"})

		somebody := time.Now().Truncate(time.Second).Add(time.Minute)
		w.SetSecret(fakegithub.Place(apiActions), fakegithub.Secret{Name: "TOUCHED", Value: "theirs", UpdatedAt: somebody})
		w.DeleteSecret(fakegithub.Place(apiActions), "GONE")
		touched := "TOUCHED of acme/api: unchanged, no longer in the manifest, but left: somebody else changed it at " + moment(somebody)
		w.want("asked to", w.run(wanted[:1], prune), []string{
			"OLD of organization acme: deleted, no longer in the manifest",
			"KEPT of acme/api: unchanged",
			"GONE of acme/api: unchanged, no longer in the manifest, and gone already",
			"OLD of acme/api: deleted, no longer in the manifest",
			touched,
			"OLD of acme/api, environment production: deleted, no longer in the manifest",
			"OLD of acme/web: deleted, no longer in the manifest",
		})
		for place, want := range map[Place]string{apiActions: "KEPT THEIRS TOUCHED", webActions: "", acmeOrg: "", production: ""} {
			if got := w.names(place); got != want {
				t.Errorf("%s has %s, want %s", place, got, want)
			}
		}
		w.want("again", w.run(wanted[:1], prune), []string{"KEPT of acme/api: unchanged", touched})
		wanted[2].Value = redact.New("ours again")
		for range 2 {
			w.run(wanted[:3], prune)
		}
		w.sees(wanted[:3])
		w.want("all", w.run(nil, prune), []string{
			"KEPT of acme/api: deleted, no longer in the manifest",
			"OLD of acme/api: deleted, no longer in the manifest",
			"TOUCHED of acme/api: deleted, no longer in the manifest",
		})
		if places := w.sync().State.Places(); w.names(apiActions) != "THEIRS" || places != nil {
			t.Errorf("left: %s, known: %v", w.names(apiActions), places)
		}
	})
}

// Between plan and deletion somebody may touch what is to be deleted.
func TestPruneLate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		wanted := []Wanted{wants(apiActions, "FREE", "1"), wants(apiActions, "GONE", "2"), wants(apiActions, "TOUCHED", "3"), wants(webActions, "A", "4")}
		w.run(wanted)
		s := w.sync(prune)
		plan := s.Plan(t.Context(), nil, nil)
		if plan.Count(Delete) != 4 {
			t.Fatalf("%v", told(plan.results()))
		}
		somebody := time.Now().Truncate(time.Second).Add(time.Minute)
		w.SetSecret(fakegithub.Place(apiActions), fakegithub.Secret{Name: "TOUCHED", Value: "theirs", UpdatedAt: somebody})
		w.DeleteSecret(fakegithub.Place(apiActions), "GONE")
		w.Inject(fakegithub.Fault{Method: "DELETE", Path: "/repos/acme/web", Times: 1, Status: 403, Body: forbidden})
		results, err := s.Apply(t.Context(), plan)
		w.want("results", told(results), []string{
			"FREE of acme/api: deleted, no longer in the manifest",
			"GONE of acme/api: deleted, no longer in the manifest",
			"TOUCHED of acme/api: unchanged, no longer in the manifest, but left: somebody else changed it at " + moment(somebody),
			"A of acme/web: failed, no longer in the manifest: delete A of acme/web: GitHub answered 403: Resource not accessible by integration",
		})
		if err != nil || w.names(apiActions) != "TOUCHED" {
			t.Error(err, w.names(apiActions))
		}
		w.DeleteRepository("acme", "web")
		w.Inject(fakegithub.Fault{Path: "/repos/acme/api", Status: 403, Body: forbidden})
		w.want("unreachable", w.run(nil, prune), []string{
			"TOUCHED of acme/api: failed: list the secrets of acme/api: GitHub answered 403: Resource not accessible by integration",
			"A of acme/web: unchanged, no longer in the manifest, but left: acme/web is gone, or the App does not reach it",
		})
	})
}

// What goes to another shard is neither deleted nor kept in mind.
func TestPruneShards(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		wanted := []Wanted{wants(apiActions, "A", "1"), wants(apiActions, "OLD", "2"), wants(webActions, "A", "3")}
		w.run(wanted)
		all := func(_ Place, name string) bool { return name == "A" }
		s := w.sync(prune)
		plan := s.Plan(t.Context(), wanted[:1], all)
		w.want("plan", told(plan.results()), []string{"A of acme/api: unchanged", "OLD of acme/api: delete, no longer in the manifest"})
		if _, err := s.Apply(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		if got := w.names(apiActions) + ", " + w.names(webActions); got != "A, A" {
			t.Error(got)
		}
		if known := w.sync().State.Places(); len(known) != 1 || known[0] != apiActions {
			t.Error(known)
		}
	})
}

// A repository that has another name now is the same to GitHub. What was written
// under the new name is not pruned under the old one.
func TestPruneRenamed(t *testing.T) {
	inWorld(t, func(_ *testing.T, w *world) {
		w.client.Transport = transporttest.InMemory{Handler: w.Server} // no answer 301 is described
		wanted := []Wanted{wants(apiActions, "A", "1")}
		w.run(wanted)
		w.RenameRepository("acme", "api", "core")
		wanted[0].Repository = "core"
		for range 3 {
			w.run(wanted, prune)
			w.sees(wanted)
		}
	})
}
