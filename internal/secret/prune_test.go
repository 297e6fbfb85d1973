package secret

import (
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

func (f *fixture) names(place Place) string {
	var names []string
	for _, s := range f.Secrets(fakegithub.Place(place)) {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

func TestPrune(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.AddEnvironment("acme", "api", "production")
		f.SetSecret(fakegithub.Place(apiActions), fakegithub.Secret{Name: "THEIRS", Value: "x"})
		wanted := []Wanted{
			wants(apiActions, "KEPT", "1"), wants(apiActions, "old", "2"), wants(apiActions, "TOUCHED", "3"),
			wants(apiActions, "GONE", "4"), wants(webActions, "OLD", "5"), wants(acmeOrg, "OLD", "6"), wants(production, "OLD", "7"),
		}
		f.run(wanted)
		f.requests()
		f.want("not asked to", f.run(wanted[:1]), []string{"KEPT of acme/api: unchanged"})
		f.want("requests", f.requests(), []string{"GET repos/acme/api/actions/secrets 200"})

		somebody := time.Now().Truncate(time.Second).Add(time.Minute)
		f.SetSecret(fakegithub.Place(apiActions), fakegithub.Secret{Name: "TOUCHED", Value: "theirs", UpdatedAt: somebody})
		f.DeleteSecret(fakegithub.Place(apiActions), "GONE")
		touched := "TOUCHED of acme/api: unchanged, no longer in the manifest, but left: somebody else changed it at " +
			formatTime(somebody)
		f.want("asked to", f.run(wanted[:1], prune), []string{
			"OLD of organization acme: deleted, no longer in the manifest",
			"KEPT of acme/api: unchanged",
			"GONE of acme/api: unchanged, no longer in the manifest, and gone already",
			"OLD of acme/api: deleted, no longer in the manifest",
			touched,
			"OLD of acme/api, environment production: deleted, no longer in the manifest",
			"OLD of acme/web: deleted, no longer in the manifest",
		})
		for place, want := range map[Place]string{apiActions: "KEPT THEIRS TOUCHED", webActions: "", acmeOrg: "", production: ""} {
			if got := f.names(place); got != want {
				t.Errorf("%s has %s, want %s", place, got, want)
			}
		}
		f.want("again", f.run(wanted[:1], prune), []string{"KEPT of acme/api: unchanged", touched})
		wanted[2].Value = redact.New("ours again")
		for range 2 {
			f.run(wanted[:3], prune)
		}
		f.checkSeen(wanted[:3])
		f.want("all", f.run(nil, prune), []string{
			"KEPT of acme/api: deleted, no longer in the manifest",
			"OLD of acme/api: deleted, no longer in the manifest",
			"TOUCHED of acme/api: deleted, no longer in the manifest",
		})
		if places := f.sync().State.Places(); f.names(apiActions) != "THEIRS" || places != nil {
			t.Errorf("left: %s, known: %v", f.names(apiActions), places)
		}
	})
}

// Somebody may change a secret between the plan and its deletion.
func TestPruneLate(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		wanted := []Wanted{
			wants(apiActions, "FREE", "1"), wants(apiActions, "GONE", "2"), wants(apiActions, "TOUCHED", "3"), wants(webActions, "A", "4"),
		}
		f.run(wanted)
		s := f.sync(prune)
		plan := s.Plan(t.Context(), nil, nil)
		if plan.Count(Delete) != 4 {
			t.Fatalf("%v", lines(plan.results()))
		}
		somebody := time.Now().Truncate(time.Second).Add(time.Minute)
		f.SetSecret(fakegithub.Place(apiActions), fakegithub.Secret{Name: "TOUCHED", Value: "theirs", UpdatedAt: somebody})
		f.DeleteSecret(fakegithub.Place(apiActions), "GONE")
		f.Inject(fakegithub.Fault{Method: "DELETE", Path: "/repos/acme/web", Times: 1, Status: 403, Body: forbidden})
		results, err := s.Apply(t.Context(), plan)
		f.want("results", lines(results), []string{
			"FREE of acme/api: deleted, no longer in the manifest",
			"GONE of acme/api: deleted, no longer in the manifest",
			"TOUCHED of acme/api: unchanged, no longer in the manifest, but left: somebody else changed it at " + formatTime(somebody),
			"A of acme/web: failed, no longer in the manifest: delete A of acme/web: GitHub answered 403: Resource not accessible by " +
				"integration",
		})
		if err != nil || f.names(apiActions) != "TOUCHED" {
			t.Error(err, f.names(apiActions))
		}
		f.DeleteRepository("acme", "web")
		f.Inject(fakegithub.Fault{Path: "/repos/acme/api", Status: 403, Body: forbidden})
		f.want("unreachable", f.run(nil, prune), []string{
			"TOUCHED of acme/api: failed: list the secrets of acme/api: GitHub answered 403: Resource not accessible by integration",
			"A of acme/web: unchanged, no longer in the manifest, but left: acme/web is gone, or the App does not reach it",
		})
	})
}

// A secret that goes to another shard is neither deleted nor kept in the state.
func TestPruneShards(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		wanted := []Wanted{wants(apiActions, "A", "1"), wants(apiActions, "OLD", "2"), wants(webActions, "A", "3")}
		f.run(wanted)
		all := func(_ Place, name string) bool { return name == "A" }
		s := f.sync(prune)
		plan := s.Plan(t.Context(), wanted[:1], all)
		f.want("plan", lines(plan.results()), []string{"A of acme/api: unchanged", "OLD of acme/api: delete, no longer in the manifest"})
		if _, err := s.Apply(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		if got := f.names(apiActions) + ", " + f.names(webActions); got != "A, A" {
			t.Error(got)
		}
		if known := f.sync().State.Places(); len(known) != 1 || known[0] != apiActions {
			t.Error(known)
		}
	})
}

// A renamed repository is the same to GitHub. Secrets that were written under
// the new name are not pruned under the old one.
func TestPruneRenamed(t *testing.T) {
	inBubble(t, func(_ *testing.T, f *fixture) {
		f.SkipOpenAPI = true // GitHub's description has no answer 301
		wanted := []Wanted{wants(apiActions, "A", "1")}
		f.run(wanted)
		f.RenameRepository("acme", "api", "core")
		wanted[0].Repository = "core"
		for range 3 {
			f.run(wanted, prune)
			f.checkSeen(wanted)
		}
	})
}
