package fakegithub

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limits are set by a test or a demo. GitHub's own secondary limits are 900
// points a minute and 100 requests at once
// (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits).
type limits struct {
	perMinute   int // points; 0: no limit, as with the two below
	perHour     int // requests of an installation; 0: as on GitHub
	concurrency int
	latency     time.Duration

	windows    map[int64]*pointsWindow // by installation
	inFlight   int
	rejections int
}

// pointsWindow holds what an installation spent within the last minute, oldest
// first.
type pointsWindow struct {
	charges []charge
	points  int
}

type charge struct {
	at     time.Time
	points int
}

// SetPointsPerMinute limits what each installation may spend in any minute: a
// GET costs 1 point, a call that may change something 5. A call over the limit
// is rejected, costs nothing, and Retry-After tells when there are enough
// points again. 0 is no limit.
func (s *Server) SetPointsPerMinute(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.perMinute = n
}

// SetConcurrency rejects API calls while n others are under way, including the
// wait of SetLatency. 0 is no limit.
func (s *Server) SetConcurrency(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.concurrency = n
}

// SetRequestsPerHour sets the primary rate limit of installations whose hour
// begins from now on. 0 is GitHub's: 5,000, and 50 more for each repository
// over 20, up to 12,500.
func (s *Server) SetRequestsPerHour(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.perHour = n
}

// SetLatency makes every answer wait first, including git's and rejections.
// When the caller gives up meanwhile, nothing happens and there is no answer.
func (s *Server) SetLatency(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.latency = d
}

// Rejections returns the number of calls that SetPointsPerMinute and
// SetConcurrency rejected.
func (s *Server) Rejections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits.rejections
}

// begin takes a place among the API calls under way, or reports busy when none
// is free. done gives the place back, once.
func (s *Server) begin(isGit bool) (done func(), busy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if isGit {
		return func() {}, false
	}
	if s.limits.concurrency > 0 && s.limits.inFlight >= s.limits.concurrency {
		s.limits.rejections++
		return func() {}, true
	}
	s.limits.inFlight++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.limits.inFlight--
	}), false
}

// serveBusy rejects a call that found no place. A place may be free as soon as
// another call ends.
func (s *Server) serveBusy(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	c := s.newCall(r, nil)
	out := c.encode(c.rejected(time.Second))
	s.mu.Unlock()
	out.write(w, r.Method)
}

// chargePoints charges the points of this call, or rejects it.
func (c *call) chargePoints() *answer {
	if c.token == nil || c.limits.perMinute <= 0 {
		return nil
	}
	points := 5
	if m := c.r.Method; m == http.MethodGet || m == http.MethodHead || m == http.MethodOptions {
		points = 1
	}
	id := c.token.installation.ID
	if c.limits.windows[id] == nil {
		c.limits.windows[id] = &pointsWindow{}
	}
	wait := c.limits.windows[id].charge(charge{c.now, points}, c.limits.perMinute)
	if wait <= 0 {
		return nil
	}
	c.limits.rejections++
	if c.bucket != nil && c.bucket.used > 0 {
		c.bucket.used-- // a rejected call does not count against the primary limit (unconfirmed)
	}
	return refuse(c.rejected(wait))
}

// charge returns 0, or how long it takes until enough points are free again.
func (s *pointsWindow) charge(p charge, limit int) (wait time.Duration) {
	for len(s.charges) > 0 && !p.at.Before(s.charges[0].at.Add(time.Minute)) {
		s.points -= s.charges[0].points
		s.charges = s.charges[1:]
	}
	left := s.points + p.points
	if left <= limit {
		s.charges = append(s.charges, p)
		s.points = left
		return 0
	}
	for _, old := range s.charges {
		if left -= old.points; left <= limit {
			return old.at.Add(time.Minute).Sub(p.at)
		}
	}
	return time.Minute // a limit below the price of one call
}

// rejected is the answer of the secondary limit, in whole seconds rounded up.
func (c *call) rejected(wait time.Duration) answer {
	a := c.failDoc(http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
		"/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits")
	seconds := int((wait + time.Second - 1) / time.Second)
	a.header = map[string]string{"Retry-After": strconv.Itoa(seconds)}
	return a
}
