package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/secret"
	"github.com/valetkey/valetkey/internal/wording"
)

const (
	totalsEvery = 10 * time.Second
	barEvery    = 100 * time.Millisecond
	barWidth    = 40
)

// progress shows how far the work is: by totals now and then in a log, by a bar
// on a terminal.
type progress struct {
	r     *actions.Runner
	bar   io.Writer // nil without a terminal
	total int

	mu      sync.Mutex
	done    int
	counts  map[secret.Outcome]int
	shown   time.Time
	drawing bool
}

// newProgress starts to show the progress of so many results.
func newProgress(p Process, r *actions.Runner, total int) *progress {
	show := &progress{r: r, total: total, counts: map[secret.Outcome]int{}, shown: time.Now()}
	if p.Terminal {
		show.bar = p.Stdout
	}
	return show
}

// add counts one result.
func (s *progress) add(r secret.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done++
	s.counts[r.Outcome]++
	if s.bar != nil {
		if time.Since(s.shown) >= barEvery || s.done == s.total {
			s.draw()
		}
		return
	}
	if time.Since(s.shown) >= totalsEvery {
		s.shown = time.Now()
		s.r.Info("%s of %s so far: %s", wording.Number(s.done), wording.Number(s.total), s.totals())
	}
}

// totals lists how many results there are of each outcome.
func (s *progress) totals() string {
	var parts []string
	for _, outcome := range outcomes() {
		if n := s.counts[outcome]; n > 0 {
			parts = append(parts, wording.Number(n)+" "+string(outcome))
		}
	}
	return strings.Join(parts, ", ")
}

// draw replaces the line of the bar.
func (s *progress) draw() {
	full := barWidth
	if s.total > 0 {
		full = min(barWidth, barWidth*s.done/s.total)
	}
	fmt.Fprintf(s.bar, "\r\x1b[K[%s%s] %s of %s: %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full),
		wording.Number(s.done), wording.Number(s.total), s.totals())
	s.shown, s.drawing = time.Now(), true
}

// end closes the line of the bar.
func (s *progress) end() {
	if s.drawing {
		fmt.Fprintln(s.bar)
	}
}
