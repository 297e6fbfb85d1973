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

// A sync that is killed at any moment leaves a whole state file, and the next
// run continues from there: it does not write again what the file knew, and in
// the end every target is right. In each round one secret replaces another, and
// the old one is deleted only after everything that had to be written is there.
func TestSyncKilled(t *testing.T) {
	const worlds, kills = 5, 10
	var all sync.WaitGroup
	defer all.Wait()
	for seed := range uint64(worlds) {
		// More at once than there are processors, since most of the time is
		// latency.
		all.Go(func() {
			t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
				f := newKillFixture(t)
				chance := rand.New(rand.NewPCG(seed, 11))
				killed := 0
				for killed < kills {
					// The kill comes some time after a number of requests, of
					// which 40 repositories take about 9 each. Some kills come
					// while the state is being saved.
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

// ServeHTTP counts the requests.
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

// settle waits until no request is under way, since GitHub may still work on
// those of a dead process.
func (f *killFixture) settle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted = 0
	for f.under > 0 {
		f.idle.Wait()
	}
}

// passing is the secret of a round that the secret of the next round replaces.
func passing(round int) string { return fmt.Sprintf("D%d", round%2) }

// renew gives all secrets new values, and one of them another name, so that
// everything has to be written again. Public keys and clocks change too.
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

// runUntil kills a run some requests after its start, or when it saves its
// state next. It reports whether it did, because the run may have ended before.
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

// runToEnd lets a run end, and checks that everything is right.
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

// check compares a run, killed or not, with what the state knew before, and
// records what it knows now.
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

// checkKept checks that no secret was deleted before everything that had to be
// written is there.
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
