package secret

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
	"github.com/valetkey/valetkey/internal/redact"
)

// inBubble runs a test in a synctest bubble, so that nothing waits for the
// clock.
func inBubble(t *testing.T, test func(*testing.T, *fixture)) {
	t.Helper()
	fakegithubtest.Key() // not in the bubble
	synctest.Test(t, func(t *testing.T) { test(t, newFixture(t)) })
}

func TestWhatWorkflowsSee(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		eu := Place{Owner: "acme", Repository: "api", Environment: "eu/production 1", App: "actions"}
		f.AddEnvironment("acme", "api", eu.Environment)
		var wanted []Wanted
		for _, app := range Apps() {
			repository := Place{Owner: "acme", Repository: "api", App: app}
			wanted = append(wanted, wants(repository, "npm_Token", "of the repository, "+app), wants(repository, "LINES", "ä\n€\x00\n"))
			for _, visibility := range []string{"all", "private", "selected", ""} {
				x := wants(Place{Owner: "acme", App: app}, "IS_"+visibility, "of the organization, "+app)
				if visibility != "" {
					x.Access = &Access{Visibility: visibility}
				}
				if visibility == "selected" {
					x.Access.Repositories = []int64{f.ids["web"], f.ids["api"]}
				}
				wanted = append(wanted, x)
			}
		}
		wanted = append(wanted, wants(eu, "KEY", "of the environment"), wants(eu, "EMPTY", ""))
		for _, round := range []string{"created", "updated"} {
			for _, line := range f.run(wanted) {
				if !strings.Contains(line, ": "+round+", ") {
					t.Errorf("round of %s: %s", round, line)
				}
			}
			f.checkSeen(wanted)
			for _, app := range Apps() {
				for _, s := range f.Secrets(fakegithub.Place{Owner: "acme", App: app}) {
					want := strings.ToLower(strings.TrimPrefix(s.Name, "IS_"))
					if want == "" {
						want = "private"
					}
					if s.Visibility != want || (want == "selected") != slices.Equal(sorted(s.Repositories), []string{"api", "web"}) {
						t.Errorf("%s %s: %s, %v", app, s.Name, s.Visibility, s.Repositories)
					}
				}
			}
			for i := range wanted {
				wanted[i].Value = redact.New("second " + wanted[i].Value.Reveal())
			}
		}
	})
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func TestRuns(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		wanted := []Wanted{
			wants(webActions, "B", "b"), wants(apiActions, "TOKEN", "one"), wants(apiActions, "KEY", "two"), wants(webActions, "A", "a"),
		}
		f.want("first run", f.run(wanted), []string{
			"KEY of acme/api: created, new to the state file",
			"TOKEN of acme/api: created, new to the state file",
			"A of acme/web: created, new to the state file",
			"B of acme/web: created, new to the state file",
		})
		f.want("its requests", sorted(f.requests()), []string{
			"GET repos/acme/api/actions/secrets/public-key 200",
			"GET repos/acme/web/actions/secrets/public-key 200",
			"PUT repos/acme/api/actions/secrets/KEY 201",
			"PUT repos/acme/api/actions/secrets/TOKEN 201",
			"PUT repos/acme/web/actions/secrets/A 201",
			"PUT repos/acme/web/actions/secrets/B 201",
		})

		f.want("second run", f.run(wanted), []string{
			"KEY of acme/api: unchanged",
			"TOKEN of acme/api: unchanged",
			"A of acme/web: unchanged",
			"B of acme/web: unchanged",
		})
		f.want("its requests", sorted(f.requests()), []string{
			"GET repos/acme/api/actions/secrets 200",
			"GET repos/acme/web/actions/secrets 200",
		})

		somebody := time.Now().Truncate(time.Second).Add(time.Hour)
		f.SetSecret(fakegithub.Place(apiActions), fakegithub.Secret{Name: "KEY", Value: "theirs", UpdatedAt: somebody})
		f.DeleteSecret(fakegithub.Place(apiActions), "TOKEN")
		f.SetSecret(fakegithub.Place(webActions), fakegithub.Secret{Name: "NEW", Value: "theirs"})
		wanted[0].Value = redact.New("bb")
		wanted[3].Fresh = true
		wanted = append(wanted, wants(webActions, "new", "ours"))
		f.want("third run", f.run(wanted), []string{
			"KEY of acme/api: updated, changed by somebody else, or by a run that was cut off, at " + formatTime(somebody),
			"TOKEN of acme/api: created, deleted at the target since the last run",
			"A of acme/web: updated, a new value each run",
			"B of acme/web: updated, the value changed",
			"new of acme/web: updated, new to the state file",
		})
		f.checkSeen(wanted)
		for _, line := range f.run(wanted) {
			if !strings.Contains(line, "unchanged") && !strings.HasPrefix(line, "A of") {
				t.Errorf("fourth run: %s", line)
			}
		}
	})
}

func TestOneChangedValueTakesAListAndAWrite(t *testing.T) {
	inBubble(t, func(_ *testing.T, f *fixture) {
		wanted := []Wanted{wants(webActions, "B", "b"), wants(apiActions, "TOKEN", "one"), wants(apiActions, "KEY", "two")}
		f.run(wanted)
		wanted[1].Value = redact.New("changed")
		f.requests()
		f.run(wanted)
		f.want("requests for one change", sorted(f.requests()), []string{
			"GET repos/acme/api/actions/secrets 200",
			"GET repos/acme/web/actions/secrets 200",
			"PUT repos/acme/api/actions/secrets/TOKEN 204",
		})
		f.checkSeen(wanted)
	})
}

func TestWithoutState(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		const reason = "without a state file, it is not known whether it changed"
		memory := func(s *Sync) { s.State = nil }
		wanted := []Wanted{wants(apiActions, "KEY", "one")}
		f.want("first run", f.run(wanted, memory), []string{"KEY of acme/api: created, " + reason})
		f.want("second run", f.run(wanted, memory, prune), []string{"KEY of acme/api: updated, " + reason})
		listed := func(s *Sync) { s.State, s.ListAll = openState(t, ""), true }
		f.requests()
		f.want("third run", f.run(wanted, listed, prune), []string{"KEY of acme/api: updated, " + reason})
		f.want("its requests", f.requests(), []string{
			"GET repos/acme/api/actions/secrets 200",
			"GET repos/acme/api 200", // a dry run asks whether it is archived
			"GET repos/acme/api/actions/secrets/public-key 200",
			"PUT repos/acme/api/actions/secrets/KEY 204",
		})
	})
}

func TestKeepsAccess(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		org := fakegithub.Place(acmeOrg)
		f.SetSecret(org, fakegithub.Secret{Name: "OPEN", Value: "old", Visibility: "all"})
		f.SetSecret(org, fakegithub.Secret{Name: "SOME", Value: "old", Visibility: "selected", Repositories: []string{"web"}})
		wanted := []Wanted{wants(acmeOrg, "OPEN", "1"), wants(acmeOrg, "SOME", "2"), wants(acmeOrg, "ADDED", "3")}
		access := func(want ...string) {
			t.Helper()
			var got []string
			for _, s := range f.Secrets(org) {
				got = append(got, fmt.Sprint(s.Name, " ", s.Visibility, " ", s.Repositories))
			}
			f.want("access", got, want)
		}
		f.run(wanted)
		f.checkSeen(wanted)
		access("ADDED private []", "OPEN all []", "SOME selected [web]")
		f.requests()
		f.want("kept", f.run(wanted), []string{
			"ADDED of organization acme: unchanged",
			"OPEN of organization acme: unchanged",
			"SOME of organization acme: unchanged",
		})
		f.want("its requests", f.requests(), []string{"GET orgs/acme/actions/secrets 200"})

		api, web := f.ids["api"], f.ids["web"]
		wanted[0].Access = &Access{Visibility: "selected", Repositories: []int64{api}}
		wanted[1].Access = &Access{Visibility: "selected", Repositories: []int64{api, web}}
		wanted[2].Access = &Access{Visibility: "private"}
		f.want("by the manifest", f.run(wanted), []string{
			"ADDED of organization acme: unchanged",
			"OPEN of organization acme: updated, visibility all → selected",
			"SOME of organization acme: updated, the selected repositories differ",
		})
		access("ADDED private []", "OPEN selected [api]", "SOME selected [api web]")
		f.checkSeen(wanted)
		wanted[1].Access.Repositories = []int64{web, api, web}
		for _, line := range f.run(wanted) {
			if !strings.Contains(line, "unchanged") {
				t.Errorf("again: %s", line)
			}
		}
	})
}

func TestRefusedBeforeAnyRequest(t *testing.T) {
	inBubble(t, func(_ *testing.T, f *fixture) {
		largest := strings.Repeat("x", MaxValue)
		wanted := []Wanted{
			wants(apiActions, "LARGEST", largest), wants(apiActions, "LARGER", largest+"x"), wants(apiActions, "1ST", ""),
			wants(apiActions, "github_token", ""), wants(apiActions, "TWICE", "a"), wants(apiActions, "twice", "b"),
			wants(apiActions, "SAME", "s"), wants(Place{Owner: "Acme", Repository: "API", App: "actions"}, "Same", "s"),
		}
		f.want("results", f.run(wanted), []string{
			"1ST of acme/api: failed: the name of a secret has only letters, digits and _, and does not begin with a " +
				"digit (hint: rename it, as in " +
				"NPM_TOKEN)",
			"github_token of acme/api: failed: github_token: names that begin with GITHUB_ are GitHub's own (hint: rename it)",
			"LARGER of acme/api: failed: the value of LARGER has 49153 bytes, and GitHub allows 49152 (hint: keep large values in an " +
				"encrypted file, and its passphrase in the secret)",
			"LARGEST of acme/api: created, new to the state file",
			"SAME of acme/api: created, new to the state file",
			"TWICE of acme/api: failed: TWICE of acme/api is wanted more than once, with different values or settings " +
				"(hint: let only one entry of the " +
				"manifest name it there)",
			"twice of acme/api: failed: twice of acme/api is wanted more than once, with different values or settings " +
				"(hint: let only one entry of the " +
				"manifest name it there)",
		})
		f.checkSeen(wanted[:1])
		f.want("requests", sorted(f.requests()), []string{
			"GET repos/acme/api/actions/secrets/public-key 200",
			"PUT repos/acme/api/actions/secrets/LARGEST 201",
			"PUT repos/acme/api/actions/secrets/SAME 201",
		})
	})
}
