package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// For a year, two manifests that share some secrets sync and prune one fleet,
// each with its own state file, while people change things at random. After
// each request that GitHub gets, every secret that a person or a manifest had
// before is still there, or has been replaced.
func TestSyncYear(t *testing.T) {
	testKey()
	seeds, days := uint64(1), 365
	if testing.Short() {
		days = 90
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newYear(t, seed, 6).pass(days) })
		})
	}
}

// The same year with lists of several pages, which people change while they are
// read.
func TestSyncYearOfPages(t *testing.T) {
	testKey()
	runs := 16
	if testing.Short() {
		runs = 6
	}
	synctest.Test(t, func(t *testing.T) {
		y := newYear(t, 9, 130)
		y.busy, y.most = 1, 1000
		for _, m := range y.manifests {
			m.env["INPUT_MAX-DELETIONS"] = "1000"
		}
		y.pass(runs)
	})
}

// held is one secret: its name, and the id of its repository, or 0 for one of the
// organization.
type held struct {
	repository int64
	name       string
}

// stored is what the model knows about a secret.
type stored struct {
	value string
	by    *manifested // who wrote it last; nil: a person
	at    int64       // when, in GitHub's seconds
}

// manifested is a manifest, with the step that syncs it.
type manifested struct {
	*step
	number int
	wants  map[string][]string // name of a secret → its list of repositories; nil: of the organization
	values map[string]string
	wrote  map[held]int64  // its last write of a secret, in GitHub's seconds
	open   map[string]bool // paths of this run's writes that have not gone well
	states [][]byte        // of earlier runs
}

// secretNames of the two manifests meet at B and ORG; a person uses all of them.
var secretNames = [2][]string{{"A", "B", "C", "ORG"}, {"B", "D", "ORG"}}

type year struct {
	*fakegithub.Server
	t         *testing.T
	chance    *rand.Rand
	one       chan struct{} // request at a time, and with it all of this
	manifests [2]*manifested
	names     map[int64]string // of repositories, by id
	archived  map[int64]bool
	former    []string // names that repositories had
	secrets   map[held]stored
	skew      time.Duration
	busy      float64 // how likely people do something during a run
	most      int     // deletions of a run

	storm   float64 // share of the attempts that fail
	act     int     // requests until people do something; 0: they don't
	running bool
	stormy  bool // people and weather are as ever
	count   map[string]int
}

func newYear(t *testing.T, seed uint64, repositories int) *year {
	first := newFleetStep(t, 0, "", map[string]string{
		"INPUT_PRUNE": "true", "INPUT_POINTS-PER-MINUTE": "0", "GITHUB_REPOSITORY": "acme/infra-0", "GITHUB_REPOSITORY_ID": "100",
		"INPUT_STATE-FILE": filepath.Join(t.TempDir(), "state"), "INPUT_REPORT-FILE": filepath.Join(t.TempDir(), "report"),
	})
	first.SkipOpenAPI = true
	y := &year{
		Server: first.Server, t: t, chance: rand.New(rand.NewPCG(seed, 13)), one: make(chan struct{}, 1), names: map[int64]string{},
		archived: map[int64]bool{}, secrets: map[held]stored{}, busy: 0.4, most: 10, count: map[string]int{},
	}
	y.SetRequestsPerHour(1 << 30)
	y.SetConcurrency(100)
	y.SetLatency(time.Second / 10)
	for i := range repositories {
		y.add(fmt.Sprintf("r%d", i))
	}
	second := &step{GitHub: first.GitHub, env: maps.Clone(first.env)}
	for _, name := range []string{
		"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "INPUT_MANIFEST", "INPUT_STATE-FILE", "INPUT_REPORT-FILE",
	} {
		second.env[name] = filepath.Join(t.TempDir(), name)
	}
	second.env["GITHUB_REPOSITORY"], second.env["GITHUB_REPOSITORY_ID"] = "acme/infra-1", "101"
	for i, s := range []*step{first, second} {
		y.manifests[i] = &manifested{step: s, number: i, wants: map[string][]string{}, values: map[string]string{}, wrote: map[held]int64{}}
		y.edit(y.manifests[i])
	}
	return y
}

func (y *year) add(name string) {
	y.names[y.AddRepository(fakegithub.Repository{Owner: "fleet", Name: name, Private: true}).ID] = name
}

// often is true with a probability.
func (y *year) often(share float64) bool { return y.chance.Float64() < share }

func anyOf[T any](y *year, list []T) T { return list[y.chance.IntN(len(list))] }

// pass lets time go by, and checks everything afterwards.
func (y *year) pass(days int) {
	for range days {
		for range y.chance.IntN(4) {
			y.people()
		}
		y.step(y.manifests[y.chance.IntN(2)], true)
		for y.often(0.3) { // another one right after it, at times in the same second
			time.Sleep(time.Duration(y.chance.IntN(3000)) * time.Millisecond)
			y.step(y.manifests[y.chance.IntN(2)], true)
		}
		time.Sleep(time.Duration(12+y.chance.IntN(24)) * time.Hour)
		y.skew += time.Duration(y.chance.IntN(20*60)-10*60) * time.Second
		y.SetClockSkew(y.skew)
	}
	for name := range y.manifests[1].wants { // they meet no more
		if slices.Contains(secretNames[0], name) {
			delete(y.manifests[1].wants, name)
		}
	}
	y.publish(y.manifests[1])
	for _, m := range []int{1, 0, 1, 0} {
		time.Sleep(time.Hour)
		y.step(y.manifests[m], false)
	}
	for _, m := range y.manifests {
		y.checkAll(m)
	}
	y.t.Logf("%v", y.count)
	for _, what := range []string{
		"created", "deleted", "replaced a person's", "person", "rename", "archive", "gone", "key", "no longer in the manifest, but left",
	} {
		if y.count[what] == 0 && days > 30 {
			y.t.Errorf("it never happened: %s", what)
		}
	}
}

// step runs a manifest's step, with faults at random.
func (y *year) step(m *manifested, stormy bool) {
	y.storm, y.act, y.stormy = 0, 0, stormy
	if stormy && y.often(0.4) {
		y.storm = 0.3 * y.chance.Float64()
	}
	if stormy && y.often(y.busy) {
		y.act = 1 + y.chance.IntN(anyOf(y, []int{5, 12 + len(y.names)})) // a list is read first
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	killed := 0
	if stormy && y.often(0.1) {
		killed = 1 + y.chance.IntN(30)
	}
	m.next(y.t, nil)
	m.open = map[string]bool{}
	before, _ := os.ReadFile(m.env["INPUT_STATE-FILE"])
	p := m.process(y.t)
	next := p.Transport
	p.Transport = sender(func(r *http.Request) (*http.Response, error) {
		y.one <- struct{}{}
		defer func() { <-y.one }()
		if killed--; killed == 0 {
			cancel()
		}
		return y.request(m, r, next)
	})
	y.running = true
	m.exit = run(ctx, p, "sync")
	y.running = false
	y.judgeRun(m)
	if before != nil {
		m.states = append(m.states, before)
	}
	if ctx.Err() != nil && before != nil && y.often(0.5) { // killed before it could save
		y.restore(m, before)
	}
}

func (y *year) restore(m *manifested, state []byte) {
	if err := os.WriteFile(m.env["INPUT_STATE-FILE"], state, 0o600); err != nil {
		y.t.Fatal(err)
	}
}

// request sends one request of a step, after people did something. Nothing can
// be done about a change between the look at a secret and its deletion.
func (y *year) request(m *manifested, r *http.Request, next http.RoundTripper) (*http.Response, error) {
	if y.act--; y.act == 0 && r.Method == http.MethodDelete {
		y.act++
	}
	if y.act == 0 {
		for range 1 + y.chance.IntN(3) {
			y.people()
		}
		if y.often(0.6) {
			y.act = 1 + y.chance.IntN(6)
		}
	}
	if r.URL.Query().Get("page") != "" && y.stormy && y.often(0.4) {
		y.drop(anyOf(y, slices.Sorted(maps.Keys(y.names)))) // while a list is read
	}
	if r.Method == http.MethodGet && lookedAt.MatchString(r.URL.Path) && y.stormy && y.often(0.3) {
		y.meddle(r.URL.Path) // with what is to be deleted
	}
	secret := strings.Contains(r.URL.Path, "/secrets/")
	if secret && r.Method == http.MethodPut {
		m.open[r.URL.Path] = true
	}
	if secret && r.Method == http.MethodDelete && len(m.open) > 0 {
		y.t.Errorf("%s, though something failed: %v", r.URL.Path, m.open)
	}
	lost := y.often(y.storm)
	switch {
	case !lost || r.URL.Path == "/installation/token":
	case y.often(0.2):
		return answered(r, fakegithub.Fault{Status: http.StatusForbidden, Body: `{"message":"Resource not accessible by integration"}`})
	case y.often(0.5):
		return answered(r, fakegithub.ServerError(http.StatusBadGateway, true))
	}
	resp, err := next.RoundTrip(r)
	y.judge(m, r)
	if err != nil {
		return nil, err
	}
	if lost && r.URL.Path != "/installation/token" { // done, and nobody learns of it
		_, _ = io.Copy(io.Discard, resp.Body)
		return nil, errReset
	}
	if secret && r.Method == http.MethodPut && resp.StatusCode < 300 {
		delete(m.open, r.URL.Path)
		if y.stormy && y.often(0.05) {
			y.meddle(r.URL.Path) // with what was just written
		}
	}
	return resp, nil
}

// fits reports whether a manifest wants a secret at a place, by its name of today.
func (m *manifested) fits(name, repository string, organization bool) bool {
	list, wanted := m.wants[name]
	if !wanted || organization != (list == nil) {
		return false
	}
	fits := organization
	for _, entry := range list {
		pattern, excluded := strings.CutPrefix(entry, "!fleet/")
		if ok, _ := path.Match(strings.TrimPrefix(pattern, "fleet/"), repository); ok {
			if excluded {
				return false
			}
			fits = true
		}
	}
	return fits
}
