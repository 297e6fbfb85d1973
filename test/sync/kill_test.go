//go:build unix

package sync_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// A sync that is killed, whenever that is, leaves a state file that is whole, and the
// next run goes on from there: what the file knew is not written again, and in the
// end every target is right. One secret is given up for another in each round, and is
// deleted only where, and when, all that was to be written is there.
func TestSyncKilled(t *testing.T) {
	const worlds, kills = 5, 10
	var all sync.WaitGroup
	defer all.Wait()
	for seed := range uint64(worlds) {
		// At once, and more than there are processors: most of the time is latency.
		all.Go(func() {
			t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
				f := newKillFixture(t)
				chance := rand.New(rand.NewPCG(seed, 11))
				killed := 0
				for killed < kills {
					// After so many requests, and a bit: 40 repositories take about 9 each. Some
					// then while the state is being saved.
					if f.runUntil(chance.IntN(370), time.Duration(chance.IntN(8000))*time.Microsecond, chance.IntN(3) == 0) {
						killed++
						if chance.IntN(3) > 0 {
							continue // the next run may be killed as well
						}
					}
					f.runToEnd()
					f.renew()
				}
				f.runToEnd()
				t.Logf("of %d kills, %d left a state that knew a part, and %d a temporary file", killed, f.partly, f.left)
			})
		})
	}
}

// killFixture is a fixture whose step gets killed.
type killFixture struct {
	*fixture
	round int
	old   map[string]string // fingerprints of the values before; by target
	known map[string]bool   // what the state knew when the last run ended; by target

	manifest string // without the secret that changes its name
	whole    bool   // a round has come to its end

	partly, left int // kills after which it knew something, and temporary files that they left

	mu     sync.Mutex
	idle   *sync.Cond
	under  int // requests under way
	wanted int // requests until somebody wants to know; 0: nobody does
	tell   chan struct{}
}

func newKillFixture(t *testing.T) *killFixture {
	f := &killFixture{fixture: newFixture(t, 40), old: map[string]string{}, known: map[string]bool{}}
	f.idle = sync.NewCond(&f.mu)
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.env["GITHUB_API_URL"] = server.URL
	f.env["INPUT_CONCURRENCY"] = "4" // slow enough for the state to be saved on the way
	f.env["INPUT_PRUNE"], f.env["INPUT_MAX-DELETIONS"] = "true", "40"
	manifest, err := os.ReadFile(f.env["INPUT_MANIFEST"])
	if err != nil {
		t.Fatal(err)
	}
	f.manifest = string(manifest)
	f.SetLatency(8 * time.Millisecond)
	f.renew()
	return f
}

// ServeHTTP counts what comes in.
func (f *killFixture) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.under++
	if f.wanted--; f.wanted == 0 {
		close(f.tell)
	}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.under--
		f.idle.Broadcast()
	}()
	f.GitHub.ServeHTTP(rw, r)
}

// settle waits until nothing is under way: GitHub, too, may still be at what a dead
// process asked for.
func (f *killFixture) settle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted = 0
	for f.under > 0 {
		f.idle.Wait()
	}
}

// passing is the secret that a round gives up for that of the next.
func passing(round int) string { return fmt.Sprintf("D%d", round%2) }

// renew gives all secrets new values, so that there is everything to do again, one of
// them under another name. Public keys and clocks change, too.
func (f *killFixture) renew() {
	f.round++
	f.env[passing(f.round)] = fmt.Sprintf("opensesame-passing-%d", f.round)
	text := f.manifest + "  - {name: " + passing(f.round) + ", to: [{repositories: [\"fleet/*\"]}]}\n"
	if err := os.WriteFile(f.env["INPUT_MANIFEST"], []byte(text), 0o600); err != nil {
		f.tb.Fatal(err)
	}
	f.ReplacePublicKey(fakegithub.Place{Owner: "fleet", Repository: repositoryName(f.round % f.repositories)})
	f.SetClockSkew(time.Duration(f.round) * 5 * time.Second) // no more than a JWT bears
	for _, name := range syncSecrets {
		f.env[name] = fmt.Sprintf("opensesame-%s-%d", name, f.round)
	}
	f.old, f.known = map[string]string{}, map[string]bool{}
	for target, s := range f.state() {
		f.old[target] = s.Fingerprint
	}
}

// runUntil kills a run some requests after its start, or then while it saves, and
// tells whether it did: the run may have ended before.
func (f *killFixture) runUntil(requests int, more time.Duration, saving bool) (killed bool) {
	f.tb.Helper()
	f.ResetRequests()
	told := make(chan struct{})
	f.mu.Lock()
	f.wanted, f.tell = requests+1, told
	f.mu.Unlock()
	cmd, log := f.command()
	if err := cmd.Start(); err != nil {
		f.tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-told:
		before, until := f.touched(), time.Now().Add(250*time.Millisecond)
		for saving && f.touched() == before && len(f.temporary()) == 0 && len(ended) == 0 && time.Now().Before(until) {
			more = 0
		}
		time.Sleep(more)
		_ = cmd.Process.Kill() // which is SIGKILL; it may be too late for it
		killed = <-ended != nil
	case err := <-ended:
		if err != nil {
			f.tb.Fatalf("%v: %s", err, annotations(log))
		}
	}
	f.settle()
	f.check(log)
	if killed && len(f.known) > 0 {
		f.partly++
	}
	if killed {
		f.left += len(f.temporary())
	}
	return killed
}

// runToEnd lets a run end, after which everything has to be right.
func (f *killFixture) runToEnd() {
	f.tb.Helper()
	f.ResetRequests()
	cmd, log := f.command()
	if err := cmd.Run(); err != nil {
		f.tb.Fatalf("%v: %s", err, annotations(log))
	}
	f.settle()
	f.check(log)
	f.checkValues()
	f.whole = true
	for i := range f.repositories {
		at := fakegithub.Place{Owner: "fleet", Repository: repositoryName(i)}
		now, _ := f.SecretValue(at, passing(f.round))
		if _, before := f.SecretValue(at, passing(f.round-1)); before || now != f.env[passing(f.round)] {
			f.tb.Errorf("%s of %s is %q, and the one before is there: %v", passing(f.round), at.Repository, now, before)
		}
	}
	if left := f.temporary(); len(left) > 0 {
		f.tb.Errorf("left behind: %q", left)
	}
}

// check holds a run, killed or not, against what the state knew before, and looks
// what it knows now.
func (f *killFixture) check(log *bytes.Buffer) {
	f.tb.Helper()
	if text := annotations(log); text != "" { // above all, that the state can't be read
		f.tb.Errorf("the run said: %s", text)
	}
	for _, r := range f.Requests() {
		if r.Method != http.MethodPut {
			continue
		}
		parts := strings.Split(r.Path, "/") // /repos/fleet/r00001/actions/secrets/A
		if target := parts[3] + " " + parts[6]; f.known[target] {
			f.tb.Errorf("%s was written again, which the state knew of", target)
		}
	}
	f.checkKept()
	if left := f.temporary(); len(left) > 1 {
		f.tb.Errorf("temporary files pile up: %q", left)
	}
	f.known = map[string]bool{}
	for target, s := range f.state() {
		if s.UpdatedAt+s.AnsweredAt != "" && s.Fingerprint != f.old[target] { // without a time it knows only that it is ours
			f.known[target] = true
		}
	}
}

// checkKept: nothing is given up before all that was to be written is there.
func (f *killFixture) checkKept() {
	f.tb.Helper()
	made, gone := 0, 0
	for i := range f.repositories {
		at := fakegithub.Place{Owner: "fleet", Repository: repositoryName(i)}
		if now, _ := f.SecretValue(at, passing(f.round)); now == f.env[passing(f.round)] {
			made++
		}
		if _, before := f.SecretValue(at, passing(f.round-1)); !before {
			gone++
		}
	}
	if f.whole && made < f.repositories && gone > 0 {
		f.tb.Errorf("round %d: %d are made, and %d of those before are gone", f.round, made, gone)
	}
}
