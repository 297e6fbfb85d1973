package secret

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/nacl/box"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/redact"
)

func BenchmarkSeal(b *testing.B) {
	public, _, err := box.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{40, MaxValue} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			value := redact.New(strings.Repeat("x", size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (publicKey{id: "1", key: public}).seal(value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fleet returns three secrets of n repositories.
func fleet(n int) []Wanted {
	wanted := make([]Wanted, 0, 3*n)
	values := []redact.String{redact.New("one"), redact.New("two"), redact.New("three")}
	for i := range n {
		p := Place{Owner: "acme", Repository: fmt.Sprintf("service-%05d", i), App: "actions"}
		for j, v := range values {
			wanted = append(wanted, Wanted{Place: p, Name: fmt.Sprintf("SECRET_%d", j), Value: v})
		}
	}
	return wanted
}

// bare answers as GitHub does, but without any memory: the times in all lists
// are the same.
func bare(requests *atomic.Int64) apicall.Func {
	const at = `"created_at":"2026-05-28T20:26:40Z","updated_at":"2026-05-28T20:26:40Z"`
	list := json.RawMessage(`{"total_count":3,"secrets":[` +
		`{"name":"SECRET_0",` + at + `},{"name":"SECRET_1",` + at + `},{"name":"SECRET_2",` + at + `}]}`)
	key := strings.Repeat("A", 43) + "="
	return func(_ context.Context, r apicall.Request) (apicall.Answer, error) {
		requests.Add(1)
		switch answer := r.Result.(type) {
		case *json.RawMessage:
			*answer = list
		case *struct {
			ID  string `json:"key_id"`
			Key string `json:"key"`
		}:
			answer.ID, answer.Key = "1", key
		}
		return apicall.Answer{Status: 204, Date: time.Unix(1_780_000_000, 0)}, nil
	}
}

func BenchmarkPlan10000(b *testing.B) {
	var requests atomic.Int64
	wanted := fleet(10_000)
	s := &Sync{Call: bare(&requests), State: openState(b, filepath.Join(b.TempDir(), "state"))}
	for i := range wanted {
		s.State.record(&wanted[i], time.Unix(1_780_000_000, 0), 0, publicKey{})
	}
	b.ReportAllocs()
	for b.Loop() {
		if plan := s.Plan(b.Context(), wanted, nil); plan.Count(Keep) != len(wanted) {
			c := plan.Changes[0]
			b.Fatalf("%d are kept; the first: %v, %s, %v", plan.Count(Keep), c.Action, c.Reason, c.Err)
		}
	}
}

func BenchmarkState10000(b *testing.B) {
	s := openState(b, filepath.Join(b.TempDir(), "state"))
	for _, f := range fleet(10_000) {
		s.record(&f, time.Unix(1_780_000_000, 0), 0, publicKey{})
	}
	var file bytes.Buffer
	if err := s.encode(&file); err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.encode(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(file.Len()))
		for b.Loop() {
			if err := openStateOf("state").decode(file.Bytes(), stateFile("state")); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// 10,000 repositories with three secrets each are all written, and memory stays
// flat. The first run has a tenth of them new to the state.
func TestLargeFleet(t *testing.T) {
	const n, limit = 10_000, 40 << 20
	var requests atomic.Int64
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	path := filepath.Join(t.TempDir(), "state")
	state := openState(t, path)
	wanted := fleet(n)
	for i := range wanted[:3*n*9/10] {
		state.record(&wanted[i], time.Unix(1_780_000_000, 0), 0, publicKey{})
	}
	for round, want := range []int64{n*9/10 + n/10*4, n} { // a list of a known place, or a key and three writes
		requests.Store(0)
		results, most := 0, uint64(0)
		s := &Sync{Call: bare(&requests), State: state}
		s.Done = func(Result) {
			if results++; results%5000 == 0 {
				runtime.GC()
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
			}
		}
		all, err := s.Apply(t.Context(), s.Plan(t.Context(), wanted, nil))
		if err != nil || len(all) != 3*n || results != 3*n || requests.Load() != want {
			t.Errorf("round %d: %d results, %d told, %d requests: %v", round, len(all), results, requests.Load(), err)
		}
		if t.Logf("round %d: %d MiB live at most", round, most>>20); most > limit {
			t.Error("which is too much")
		}
		state = openState(t, path)
	}
}
