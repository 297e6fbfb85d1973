//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
	program := buildProgram(t)
	const worlds, kills = 5, 10
	var all sync.WaitGroup
	defer all.Wait()
	for seed := range uint64(worlds) {
		// At once, and more than there are processors: most of the time is latency.
		all.Go(func() {
			t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
				w := newKillWorld(t)
				chance := rand.New(rand.NewPCG(seed, 11))
				killed := 0
				for killed < kills {
					// After so many requests, and a bit: 40 repositories take about 9 each. Some
					// then while the state is being saved.
					if w.runUntil(program, chance.IntN(370), time.Duration(chance.IntN(8000))*time.Microsecond, chance.IntN(3) == 0) {
						killed++
						if chance.IntN(3) > 0 {
							continue // the next run may be killed as well
						}
					}
					w.runToEnd(program)
					w.renew()
				}
				w.runToEnd(program)
				t.Logf("of %d kills, %d left a state that knew a part, and %d a temporary file", killed, w.partly, w.left)
			})
		})
	}
}

// killWorld is a syncWorld whose step gets killed.
type killWorld struct {
	*syncWorld
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

func newKillWorld(t *testing.T) *killWorld {
	w := &killWorld{syncWorld: newSyncWorld(t, 40), old: map[string]string{}, known: map[string]bool{}}
	w.idle = sync.NewCond(&w.mu)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.env["GITHUB_API_URL"] = server.URL
	w.env["INPUT_CONCURRENCY"] = "4" // slow enough for the state to be saved on the way
	w.env["INPUT_PRUNE"], w.env["INPUT_MAX-DELETIONS"] = "true", "40"
	manifest, err := os.ReadFile(w.env["INPUT_MANIFEST"])
	if err != nil {
		t.Fatal(err)
	}
	w.manifest = string(manifest)
	w.SetLatency(8 * time.Millisecond)
	w.renew()
	return w
}

// ServeHTTP counts what comes in.
func (w *killWorld) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.under++
	if w.wanted--; w.wanted == 0 {
		close(w.tell)
	}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.under--
		w.idle.Broadcast()
	}()
	w.Server.ServeHTTP(rw, r)
}

// settle waits until nothing is under way: GitHub, too, may still be at what a dead
// process asked for.
func (w *killWorld) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted = 0
	for w.under > 0 {
		w.idle.Wait()
	}
}

// passing is the secret that a round gives up for that of the next.
func passing(round int) string { return fmt.Sprintf("D%d", round%2) }

// renew gives all secrets new values, so that there is everything to do again, one of
// them under another name. Public keys and clocks change, too.
func (w *killWorld) renew() {
	w.round++
	w.env[passing(w.round)] = fmt.Sprintf("opensesame-passing-%d", w.round)
	text := w.manifest + "  - {name: " + passing(w.round) + ", to: [{repositories: [\"fleet/*\"]}]}\n"
	if err := os.WriteFile(w.env["INPUT_MANIFEST"], []byte(text), 0o600); err != nil {
		w.tb.Fatal(err)
	}
	w.ReplacePublicKey(fakegithub.Place{Owner: "fleet", Repository: repositoryName(w.round % w.repositories)})
	w.SetClockSkew(time.Duration(w.round) * 5 * time.Second) // no more than a JWT bears
	for _, name := range syncSecrets {
		w.env[name] = fmt.Sprintf("opensesame-%s-%d", name, w.round)
	}
	w.old, w.known = map[string]string{}, map[string]bool{}
	for target, s := range w.state() {
		w.old[target] = s.Fingerprint
	}
}

// runUntil kills a run some requests after its start, or then while it saves, and
// tells whether it did: the run may have ended before.
func (w *killWorld) runUntil(program string, requests int, more time.Duration, saving bool) (killed bool) {
	w.tb.Helper()
	w.ResetRequests()
	told := make(chan struct{})
	w.mu.Lock()
	w.wanted, w.tell = requests+1, told
	w.mu.Unlock()
	cmd, log := w.command(program)
	if err := cmd.Start(); err != nil {
		w.tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-told:
		before, until := w.touched(), time.Now().Add(250*time.Millisecond)
		for saving && w.touched() == before && len(w.temporary()) == 0 && len(ended) == 0 && time.Now().Before(until) {
			more = 0
		}
		time.Sleep(more)
		_ = cmd.Process.Kill() // which is SIGKILL; it may be too late for it
		killed = <-ended != nil
	case err := <-ended:
		if err != nil {
			w.tb.Fatalf("%v: %s", err, annotations(log))
		}
	}
	w.settle()
	w.check(log)
	if killed && len(w.known) > 0 {
		w.partly++
	}
	if killed {
		w.left += len(w.temporary())
	}
	return killed
}

// runToEnd lets a run end, after which everything has to be right.
func (w *killWorld) runToEnd(program string) {
	w.tb.Helper()
	w.ResetRequests()
	cmd, log := w.command(program)
	if err := cmd.Run(); err != nil {
		w.tb.Fatalf("%v: %s", err, annotations(log))
	}
	w.settle()
	w.check(log)
	w.checkValues()
	w.whole = true
	for i := range w.repositories {
		at := fakegithub.Place{Owner: "fleet", Repository: repositoryName(i)}
		now, _ := w.SecretValue(at, passing(w.round))
		if _, before := w.SecretValue(at, passing(w.round-1)); before || now != w.env[passing(w.round)] {
			w.tb.Errorf("%s of %s is %q, and the one before is there: %v", passing(w.round), at.Repository, now, before)
		}
	}
	if left := w.temporary(); len(left) > 0 {
		w.tb.Errorf("left behind: %q", left)
	}
}

// check holds a run, killed or not, against what the state knew before, and looks
// what it knows now.
func (w *killWorld) check(log *bytes.Buffer) {
	w.tb.Helper()
	if text := annotations(log); text != "" { // above all, that the state can't be read
		w.tb.Errorf("the run said: %s", text)
	}
	for _, r := range w.Requests() {
		if r.Method != http.MethodPut {
			continue
		}
		parts := strings.Split(r.Path, "/") // /repos/fleet/r00001/actions/secrets/A
		if target := parts[3] + " " + parts[6]; w.known[target] {
			w.tb.Errorf("%s was written again, which the state knew of", target)
		}
	}
	w.checkKept()
	if left := w.temporary(); len(left) > 1 {
		w.tb.Errorf("temporary files pile up: %q", left)
	}
	w.known = map[string]bool{}
	for target, s := range w.state() {
		if s.UpdatedAt+s.AnsweredAt != "" && s.Fingerprint != w.old[target] { // without a time it knows only that it is ours
			w.known[target] = true
		}
	}
}

// checkKept: nothing is given up before all that was to be written is there.
func (w *killWorld) checkKept() {
	w.tb.Helper()
	made, gone := 0, 0
	for i := range w.repositories {
		at := fakegithub.Place{Owner: "fleet", Repository: repositoryName(i)}
		if now, _ := w.SecretValue(at, passing(w.round)); now == w.env[passing(w.round)] {
			made++
		}
		if _, before := w.SecretValue(at, passing(w.round-1)); !before {
			gone++
		}
	}
	if w.whole && made < w.repositories && gone > 0 {
		w.tb.Errorf("round %d: %d are made, and %d of those before are gone", w.round, made, gone)
	}
}

func (w *killWorld) temporary() []string {
	left, err := filepath.Glob(w.env["INPUT_STATE-FILE"] + ".*")
	if err != nil {
		w.tb.Fatal(err)
	}
	return left
}

// touched changes with the state file.
func (w *killWorld) touched() time.Time {
	info, err := os.Stat(w.env["INPUT_STATE-FILE"])
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

type stateEntry struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	UpdatedAt   string `json:"updated_at"`
	AnsweredAt  string `json:"answered_at"`
}

// state reads the file by itself: whole lines of JSON, a head first and an end last.
func (w *killWorld) state() map[string]stateEntry {
	w.tb.Helper()
	text, err := os.ReadFile(w.env["INPUT_STATE-FILE"])
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		w.tb.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) < 2 || !strings.HasPrefix(lines[0], `{"valetkey":`) || !strings.HasPrefix(lines[len(lines)-1], fmt.Sprintf(`{"places":%d,`, len(lines)-2)) || !strings.HasSuffix(string(text), "\n") {
		w.tb.Fatalf("a torn state file of %d lines and %d bytes", len(lines), len(text))
	}
	all := map[string]stateEntry{}
	for _, line := range lines[1 : len(lines)-1] {
		var place struct {
			Repository string       `json:"repository"`
			Secrets    []stateEntry `json:"secrets"`
		}
		if err := json.Unmarshal([]byte(line), &place); err != nil {
			w.tb.Fatalf("a torn line in the state file: %v", err)
		}
		for _, s := range place.Secrets {
			all[place.Repository+" "+s.Name] = s
		}
	}
	return all
}
