package cli

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// weather is a transport that fails at random, yet for each seed in the same
// way: the fate of a request depends on what it asks for and on how often it
// was tried, not on the order of the workers.
type weather struct {
	next  http.RoundTripper
	seed  uint64
	share float64 // of the attempts that fail
	step  *step

	refused map[string]int // repository → the status it is refused with
	deleted map[int]string // number of a request below /repos → the repository that is gone from there on

	mu       sync.Mutex
	tried    map[string]int
	requests int
	gone     []string
	written  map[string]bool // paths of the writes that the client knows to be done
}

// most is how often one request may fail at random, which is less often than it
// is tried.
const most = 4

var errReset = errors.New("connection reset by peer")

func (w *weather) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := r.Method + " " + r.URL.Path
	repository := repositoryOf(r.URL.Path)
	w.mu.Lock()
	w.tried[asked]++
	try := w.tried[asked]
	if repository != "" {
		w.requests++
		if gone := w.deleted[w.requests]; gone != "" {
			w.step.DeleteRepository("fleet", gone)
			w.gone = append(w.gone, gone)
		}
	}
	w.mu.Unlock()
	if status := w.refused[repository]; status != 0 {
		message := map[int]string{403: "Resource not accessible by integration", 404: "Not Found"}[status]
		return answered(r, fakegithub.Fault{Status: status, Body: fmt.Sprintf(`{"message":%q}`, message)})
	}
	h := fnv.New64a()
	fmt.Fprint(h, asked, " ", try)
	chance := rand.New(rand.NewPCG(w.seed, h.Sum64()))
	// The end of a token has a few seconds only, which is for other tests.
	if try <= most && asked != "DELETE /installation/token" && chance.Float64() < w.share {
		return w.strike(r, chance)
	}
	resp, err := w.next.RoundTrip(r)
	if err == nil && r.Method == http.MethodPut && resp.StatusCode < 300 {
		w.mu.Lock()
		w.written[r.URL.Path] = true
		w.mu.Unlock()
	}
	return resp, err
}

func (w *weather) strike(r *http.Request, chance *rand.Rand) (*http.Response, error) {
	outage := fakegithub.ServerError([]int{500, 502, 503, 504}[chance.IntN(4)], chance.IntN(2) == 0)
	limit := fakegithub.SecondaryLimit(time.Duration(chance.IntN(2)*(1+chance.IntN(20))) * time.Second)
	limit.Status = []int{http.StatusForbidden, http.StatusTooManyRequests}[chance.IntN(2)]
	switch kind := chance.IntN(12); {
	case kind == 0: // rare, because each may cost a minute
		return answered(r, limit)
	case kind < 4:
		return answered(r, outage)
	case kind < 6:
		return nil, errReset
	}
	// From here on it is done, and nobody learns of it.
	resp, err := w.next.RoundTrip(r)
	if err != nil || resp.ContentLength == 0 || resp.StatusCode == http.StatusNoContent {
		return nil, errReset // nothing to cut off
	}
	if chance.IntN(2) == 0 {
		return answered(r, outage)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(string(body[:len(body)/2])), cut{}))
	return resp, err
}

type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// repositoryOf returns the repository that a path is about.
func repositoryOf(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) < 4 || parts[1] != "repos" {
		return ""
	}
	return parts[3]
}

// answered returns the answer to a request that a fault makes.
func answered(r *http.Request, f fakegithub.Fault) (*http.Response, error) {
	resp := &http.Response{
		StatusCode: f.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
		Body:   io.NopCloser(strings.NewReader(f.Body)), ContentLength: int64(len(f.Body)),
	}
	for name, value := range f.Header {
		resp.Header.Set(name, value)
	}
	return resp, nil
}
