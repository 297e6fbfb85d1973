package secret

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

// The public key is stored from run to run, and a change of it costs one
// request.
func TestKeyOfAnEarlierRun(t *testing.T) {
	inBubble(t, func(_ *testing.T, f *fixture) {
		wanted := []Wanted{wants(apiActions, "A", "a"), wants(apiActions, "B", "b")}
		f.run(wanted)
		f.ReplacePublicKey(fakegithub.Place(apiActions))
		wanted[0].Value, wanted[1].Value = redact.New("aa"), redact.New("bb")
		f.requests()
		f.run(wanted)
		f.want("requests", f.requests(), []string{
			"GET repos/acme/api/actions/secrets 200",
			"PUT repos/acme/api/actions/secrets/A 422",
			"GET repos/acme/api/actions/secrets/public-key 200",
			"PUT repos/acme/api/actions/secrets/A 204",
			"PUT repos/acme/api/actions/secrets/B 204",
		})
		f.checkSeen(wanted)
	})
}

// A secret that nobody wants any more may be the last copy of a value that
// could not be replaced, so nothing is deleted in a run in which anything
// failed.
func TestNothingIsPrunedWhereSomethingFailed(t *testing.T) {
	inBubble(t, func(_ *testing.T, f *fixture) {
		old := []Wanted{wants(apiActions, "OLD", "1"), wants(webActions, "OTHER", "2")}
		f.run(old)
		wanted := []Wanted{wants(apiActions, "NEW", "1")} // OLD under another name
		f.Inject(fakegithub.Fault{Method: "PUT", Times: 1, Status: 403, Body: forbidden})
		f.want("failed", f.run(wanted, prune), []string{
			"NEW of acme/api: failed, not there: write NEW to acme/api: GitHub answered 403: Resource not accessible by integration",
			"OLD of acme/api: unchanged, no longer in the manifest, but left: something else failed in this run",
			"OTHER of acme/web: unchanged, no longer in the manifest, but left: something else failed in this run",
		})
		f.checkSeen(old)
		f.want("then", f.run(wanted, prune), []string{
			"NEW of acme/api: created, not there",
			"OLD of acme/api: deleted, no longer in the manifest",
			"OTHER of acme/web: deleted, no longer in the manifest",
		})
	})
}

// If there are more deletions than a run may make, none is made.
func TestBrake(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		var old []Wanted
		for i := range 12 {
			old = append(old, wants(apiActions, fmt.Sprintf("S%02d", i), "x"))
		}
		f.run(old)
		limit := func(n int) func(*Sync) {
			return func(s *Sync) { s.Prune, s.MaxDeletions = true, n }
		}
		s := f.sync(limit(10))
		plan := s.Plan(t.Context(), old[:1], nil)
		const fault = "nothing is deleted: 11 secrets are no longer in the manifest, and max-deletions allows 10" +
			" (hint: check whether the manifest lost them by mistake; if not, run once with max-deletions: 11)"
		if plan.Braked == nil || plan.Braked.Error()+hinted(plan.Braked) != fault || plan.Count(Delete) != 0 {
			t.Fatalf("%v%s, %d deletions", plan.Braked, hinted(plan.Braked), plan.Count(Delete))
		}
		results, err := s.Apply(t.Context(), plan)
		if err != nil || lines(results)[1] != "S01 of acme/api: unchanged, no longer in the manifest, but left: more would be deleted "+
			"than max-deletions allows" {
			t.Errorf("%v, %q", err, lines(results)[1])
		}
		f.checkSeen(old)
		if n := f.sync().State.Len(); n != 12 {
			t.Errorf("the state knows %d secrets", n)
		}
		f.run(old[:1], limit(11))
		if got := f.names(apiActions); got != "S00" {
			t.Error(got)
		}
	})
	large := openStateOf("state")
	for i := range 400 {
		x := wants(Place{Owner: "acme", Repository: fmt.Sprint(i), App: "actions"}, "S", "s")
		large.record(&x, time.Unix(1, 0), 0, publicKey{})
	}
	if few, many := openStateOf("state").MaxDeletions(Shard{}), large.MaxDeletions(Shard{}); few != 10 || many != 20 {
		t.Errorf("%d and %d", few, many)
	}
}

// Without prune, secrets that left the manifest are reported all the same,
// without a request.
func TestStale(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.run([]Wanted{wants(apiActions, "A", "1"), wants(webActions, "B", "2")})
		f.requests()
		plan := f.sync().Plan(t.Context(), nil, nil)
		if fmt.Sprint(plan.Stale) != fmt.Sprint([]Stale{{apiActions, "A"}, {webActions, "B"}}) || len(plan.Changes) > 0 {
			t.Errorf("%+v", plan)
		}
		f.want("requests", f.requests(), nil)
		if plan := f.sync(prune).Plan(t.Context(), nil, nil); plan.Stale != nil {
			t.Errorf("%+v", plan.Stale)
		}
	})
}

// A repository is read by its id before something in it is deleted: it may have
// another name by now, and another repository may have the old name.
func TestPruneByID(t *testing.T) {
	const left = "A of acme/api: unchanged, no longer in the manifest, but left: "
	for _, test := range []struct {
		name   string
		before func(f *fixture)
		want   string
		there  Place // where the secret still is
	}{
		{
			"renamed", func(f *fixture) { f.RenameRepository("acme", "api", "core") }, left + "acme/api was renamed to acme/core",
			Place{Owner: "acme", Repository: "core", App: "actions"},
		},
		{"renamed, and the name taken", func(f *fixture) {
			stored := f.Secrets(fakegithub.Place(apiActions))[0]
			f.RenameRepository("acme", "api", "core")
			f.AddRepository(fakegithub.Repository{Owner: "acme", Name: "api"})
			f.SetSecret(fakegithub.Place(apiActions), stored) // as much like ours as can be
		}, left + "acme/api was renamed to acme/core", apiActions},
		{"out of reach", func(f *fixture) {
			f.Inject(fakegithub.Fault{Path: fmt.Sprintf("/repositories/%d", f.ids["api"]), Status: 404, Body: `{"message": "Not Found"}`})
		}, left + "acme/api is gone, or the App does not reach it", apiActions},
		{"another answer", func(f *fixture) {
			f.Inject(fakegithub.Fault{Path: fmt.Sprintf("/repositories/%d", f.ids["api"]), Status: 200, Body: `{"id": 1}`})
		}, "A of acme/api: failed, no longer in the manifest: look at acme/api: the answer is not what GitHub's API describes", apiActions},
		{
			"forbidden", func(f *fixture) {
				f.Inject(fakegithub.Fault{Path: fmt.Sprintf("/repositories/%d", f.ids["api"]), Status: 403, Body: forbidden})
			},
			"A of acme/api: failed, no longer in the manifest: look at acme/api: GitHub answered 403: Resource not accessible by " +
				"integration",
			apiActions,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fixture) {
				f.SkipOpenAPI = true // GitHub's description does not have these answers
				ids := func(s *Sync) {
					s.Prune = true
					s.Repository = func(_, name string) (Repository, bool) { return Repository{ID: f.ids[name]}, true }
				}
				f.run([]Wanted{wants(apiActions, "A", "1")}, ids)
				test.before(f)
				f.want("pruned", f.run(nil, ids), []string{test.want})
				if f.names(test.there) != "A" {
					t.Error("it is gone")
				}
				if n := f.sync().State.Len(); n != 1 {
					t.Errorf("the state knows %d", n)
				}
			})
		})
	}
}

// A dry run reports the places that a run would find closed or full. A run that
// knows it from a list does not try.
func TestClosedAndFull(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		f.AddRepository(fakegithub.Repository{Owner: "acme", Name: "old", Archived: true})
		f.AddEnvironment("acme", "api", "production")
		for i := range 99 {
			f.SetSecret(fakegithub.Place(production), fakegithub.Secret{Name: fmt.Sprintf("THEIRS_%d", i), Value: "x"})
		}
		old := Place{Owner: "acme", Repository: "old", App: "actions"}
		ghost := Place{Owner: "acme", Repository: "ghost", App: "actions"}
		wanted := []Wanted{
			wants(old, "A", "a"), wants(production, "FIRST", "1"), wants(production, "SECOND", "2"), wants(production, "THEIRS_7", "3"),
			wants(ghost, "A", "a"),
		}
		const archived = "failed: acme/old is archived, so nothing can be written to it (hint: unarchive it, or take it out of the " +
			"manifest)"
		dry := f.sync(func(s *Sync) { s.ListAll = true }).Plan(t.Context(), wanted, nil)
		f.want("dry run", lines(dry.results()), []string{
			"FIRST of acme/api, environment production: create, not there",
			"SECOND of acme/api, environment production: failed: acme/api, environment production has 100 secrets, and GitHub " +
				"allows 100 (hint: delete one that nobody needs, or put several values into one secret)",
			"THEIRS_7 of acme/api, environment production: update, new to the state file",
			"A of acme/ghost: failed: list the secrets of acme/ghost: GitHub answered 404: Not Found",
			"A of acme/old: " + archived,
		})
		f.requests()
		run := f.run(wanted[:1], func(s *Sync) {
			s.Repository = func(string, string) (Repository, bool) { return Repository{Archived: true}, true }
		})
		f.want("run", run, []string{"A of acme/old: " + archived})
		f.want("requests", f.requests(), nil)
	})
}

func TestDisabled(t *testing.T) {
	s := &Sync{Repository: func(string, string) (Repository, bool) { return Repository{Disabled: true}, true }}
	plan := s.Plan(t.Context(), []Wanted{wants(apiActions, "A", "a")}, nil)
	if got := lines(plan.results())[0]; !strings.HasPrefix(got, "A of acme/api: failed: acme/api is disabled by GitHub") {
		t.Error(got)
	}
}

// A dry run asks about a repository once, whatever the number of its places.
func TestClosedAsksOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		asked := 0
		s := f.sync(func(s *Sync) {
			s.ListAll, s.Concurrency = true, 1
			s.Call = func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
				if r.Path == apiActions.Path() {
					asked++
				}
				return f.call(ctx, r)
			}
		})
		f.AddEnvironment("acme", "api", "production")
		s.Plan(t.Context(), []Wanted{wants(apiActions, "A", "a"), wants(production, "A", "a")}, nil)
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestWhiteSpaceIsNoValue(t *testing.T) {
	for _, value := range []string{" ", "\n", "\t \r\n"} {
		if err := Check("A", redact.New(value)); err == nil || err.Error() != "the value of A is white space only" {
			t.Errorf("%q: %v", value, err)
		}
	}
}
