package secret

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/fakegithub"
	"github.com/valetkey/valetkey/internal/redact"
)

const forbidden = `{"message": "Resource not accessible by integration"}`

func TestEnvironments(t *testing.T) {
	inBubble(t, func(_ *testing.T, f *fixture) {
		wanted := []Wanted{wants(production, "KEY", "a"), wants(apiActions, "KEY", "b")}
		const missing = "failed%s: environment production of acme/api is missing, or the App does not reach it (hint: create it, or " +
			"set create-environments: true)"
		all := func(s *Sync) { s.ListAll = true }
		f.want("missing", f.run(wanted), []string{
			"KEY of acme/api: created, new to the state file",
			"KEY of acme/api, environment production: " + fmt.Sprintf(missing, ", new to the state file"),
		})
		f.want("missing, listed", f.run(wanted, all), []string{
			"KEY of acme/api: unchanged",
			"KEY of acme/api, environment production: " + fmt.Sprintf(missing, ""),
		})
		f.requests()
		wanted[0].CreateEnvironment = true
		f.want("created", f.run(wanted[:1], all), []string{
			"KEY of acme/api, environment production: created, its environment is missing and is created",
		})
		f.want("requests", f.requests(), []string{
			"GET repos/acme/api/environments/production/secrets 404",
			"GET repos/acme/api 200",
			"GET repos/acme/api/environments/production/secrets/public-key 404",
			"GET repos/acme/api/environments/production 404",
			"PUT repos/acme/api/environments/production 200",
			"GET repos/acme/api/environments/production/secrets/public-key 200",
			"PUT repos/acme/api/environments/production/secrets/KEY 201",
		})
		f.checkSeen(wanted)
	})
}

// An environment that exists is never written to, whatever its secrets answer.
func TestEnvironmentsThatExist(t *testing.T) {
	const path = "/repos/acme/api/environments/production"
	for _, test := range []struct {
		name   string
		status int // of GET of the environment; 0: what the fake answers
		want   string
	}{
		{
			"there", 0,
			"environment production of acme/api exists, but GitHub finds no secrets in it (404) (hint: give the App the permission " +
				"environments: write)",
		},
		{"forbidden", 403, "look for environment production of acme/api: GitHub answered 403: Resource not accessible by integration"},
		{"down", 502, "look for environment production of acme/api: GitHub answered 502: Resource not accessible by integration"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fixture) {
				f.AddEnvironment("acme", "api", "production")
				f.Inject(fakegithub.Fault{Path: path + "/secrets/public-key", Status: 404, Body: `{"message": "Not Found"}`})
				if test.status != 0 {
					f.Inject(fakegithub.Fault{Method: "GET", Path: path, Status: test.status, Body: forbidden})
				}
				x := wants(production, "KEY", "a")
				x.CreateEnvironment = true
				f.want("results", f.run([]Wanted{x}), []string{
					"KEY of acme/api, environment production: failed, new to the state file: " + test.want,
				})
				for _, r := range f.requests() {
					if strings.HasPrefix(r, "PUT") {
						t.Error(r)
					}
				}
			})
		})
	}
}

func TestKeyChangedMeanwhile(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		wanted := []Wanted{wants(apiActions, "A", "a"), wants(apiActions, "B", "b")}
		improper := fakegithub.Fault{
			Method: "PUT", Times: 1, Status: 422,
			Body: `{"message": "Bad request - validation failed due to an improperly encrypted secret"}`,
		}
		f.Inject(improper)
		f.want("once", f.run(wanted), []string{
			"A of acme/api: created, new to the state file", "B of acme/api: created, new to the state file",
		})
		f.want("requests", f.requests(), []string{
			"GET repos/acme/api/actions/secrets/public-key 200",
			"PUT repos/acme/api/actions/secrets/A 422",
			"GET repos/acme/api/actions/secrets/public-key 200",
			"PUT repos/acme/api/actions/secrets/A 201",
			"PUT repos/acme/api/actions/secrets/B 201",
		})
		f.checkSeen(wanted)
		improper.Times = 0
		f.Inject(improper)
		wanted[0].Fresh, wanted[1].Fresh = true, true
		const refused = " to acme/api: GitHub answered 422: Bad request - validation failed due to an improperly encrypted secret"
		f.want("always", f.run(wanted), []string{
			"A of acme/api: failed, a new value each run: write A" + refused,
			"B of acme/api: failed, a new value each run: write B" + refused,
		})
		if n := len(f.requests()); n != 5 { // list, A, key, A, B: the first key comes from the state
			t.Errorf("%d requests", n)
		}
	})
}

// If GitHub did not say when a write was made, the secret does not count as
// known; and a list that lags behind is not taken for somebody's change for
// ever.
func TestTimeNotLearnt(t *testing.T) {
	inBubble(t, func(_ *testing.T, f *fixture) {
		wanted := []Wanted{wants(apiActions, "A", "a")}
		undated := func(s *Sync) {
			s.Call = func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
				answer, err := f.call(ctx, r)
				answer.Date = time.Time{}
				return answer, err
			}
		}
		f.run(wanted, undated)
		f.want("left", f.run(nil, prune), []string{
			"A of acme/api: unchanged, no longer in the manifest, but left: GitHub did not say when it was written, so it may be " +
				"somebody else's by now",
		})
		f.want("next", f.run(wanted), []string{"A of acme/api: updated, GitHub did not say when the last run wrote it"})
		f.want("then", f.run(wanted), []string{"A of acme/api: unchanged"})

		before := f.Secrets(fakegithub.Place(apiActions))[0].UpdatedAt
		time.Sleep(time.Minute)
		wanted[0].Value = redact.New("b")
		f.run(wanted)
		lag := func(s *Sync) {
			s.Call = func(ctx context.Context, r apicall.Request) (apicall.Answer, error) {
				answer, err := f.call(ctx, r)
				if raw, ok := r.Result.(*json.RawMessage); ok && err == nil {
					*raw = updatedAt.ReplaceAll(*raw, []byte(`"updated_at":"`+formatTime(before)+`"`))
				}
				return answer, err
			}
		}
		f.want("lag", f.run(wanted, lag), []string{
			"A of acme/api: updated, changed by somebody else, or by a run that was cut off, at " + formatTime(before),
		})
		f.want("after it", f.run(wanted), []string{"A of acme/api: unchanged"})
		f.checkSeen(wanted)
	})
}

// updatedAt matches the time of a secret in a list.
var updatedAt = regexp.MustCompile(`"updated_at":"[^"]*"`)

// Nothing is written at GitHub if the state could not be saved.
func TestNowhereToKeep(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s := &Sync{Call: f.call, State: openStateOf(filepath.Join(file, "state"))}
		plan := s.Plan(t.Context(), []Wanted{wants(apiActions, "A", "a")}, nil)
		results, err := s.Apply(t.Context(), plan)
		const want = "save the state file: a part of its path is not a directory"
		if results != nil || err == nil || !strings.HasPrefix(err.Error(), want) ||
			!strings.Contains(hinted(err), "this step can write to") {
			t.Errorf("%v, %v%s", results, err, hinted(err))
		}
		f.want("requests", f.requests(), nil)
	})
}

// openStateOf returns an empty state that is stored at path, whatever is there.
func openStateOf(path string) *State {
	s := &State{path: path, manifest: testManifest, places: map[string]*known{}}
	if err := s.begin(derive("k")); err != nil {
		panic(err)
	}
	return s
}
