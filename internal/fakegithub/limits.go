package fakegithub

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limits are those that a test or a demo sets. GitHub's own secondary limits are 900 points a minute and 100 requests at
// once (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits).
type limits struct {
	perMinute   int // points; 0: no limit, as with the two below
	perHour     int // requests of an installation; 0: as on GitHub
	concurrency int
	latency     time.Duration

	spent      map[int64]*spending // by installation
	inFlight   int
	rejections int
}

// spending is what an installation spent within the last minute, oldest first.
type spending struct {
	payments []payment
	sum      int
}

type payment struct {
	at     time.Time
	points int
}

// SetPointsPerMinute limits what each installation may spend in any minute: a GET costs 1 point, what may change
// something 5. A call over it is rejected, costs nothing, and learns by Retry-After when there are enough points again.
// 0 is no limit.
func (s *Server) SetPointsPerMinute(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.perMinute = n
}

// SetConcurrency rejects API calls while n others are under way, the wait of SetLatency included. 0 is no limit.
func (s *Server) SetConcurrency(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.concurrency = n
}

// SetRequestsPerHour sets the primary rate limit of installations whose hour begins from now on. 0 is GitHub's: 5,000,
// and 50 for each repository over 20, up to 12,500.
func (s *Server) SetRequestsPerHour(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.perHour = n
}

// SetLatency makes every answer wait first, git and rejections included. When the caller gives up meanwhile, nothing
// happens and there is no answer.
func (s *Server) SetLatency(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits.latency = d
}

// Rejections counts the calls that SetPointsPerMinute and SetConcurrency rejected.
func (s *Server) Rejections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits.rejections
}

// begin takes a place among the API calls under way; busy means that none was free. done gives it back, once.
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

// serveBusy rejects a call that found no place. One may be free as soon as another call ends.
func (s *Server) serveBusy(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	c := s.newCall(r, nil)
	out := c.encode(c.rejected(time.Second))
	s.mu.Unlock()
	out.write(w, r.Method)
}

// spend takes the points of this call, or rejects it.
func (c *call) spend() *answer {
	if c.token == nil || c.limits.perMinute <= 0 {
		return nil
	}
	points := 5
	if m := c.r.Method; m == http.MethodGet || m == http.MethodHead || m == http.MethodOptions {
		points = 1
	}
	id := c.token.installation.ID
	if c.limits.spent[id] == nil {
		c.limits.spent[id] = &spending{}
	}
	wait := c.limits.spent[id].pay(payment{c.now, points}, c.limits.perMinute)
	if wait <= 0 {
		return nil
	}
	c.limits.rejections++
	if c.bucket != nil && c.bucket.used > 0 {
		c.bucket.used-- // what is rejected here does not count there (unconfirmed)
	}
	return refuse(c.rejected(wait))
}

// pay returns 0 or how long it takes until enough points are free again.
func (s *spending) pay(p payment, limit int) (wait time.Duration) {
	for len(s.payments) > 0 && !p.at.Before(s.payments[0].at.Add(time.Minute)) {
		s.sum -= s.payments[0].points
		s.payments = s.payments[1:]
	}
	left := s.sum + p.points
	if left <= limit {
		s.payments = append(s.payments, p)
		s.sum = left
		return 0
	}
	for _, old := range s.payments {
		if left -= old.points; left <= limit {
			return old.at.Add(time.Minute).Sub(p.at)
		}
	}
	return time.Minute // a limit below the price of one call
}

// rejected is the secondary limit's answer, in whole seconds rounded up.
func (c *call) rejected(wait time.Duration) answer {
	a := c.failDoc(http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
		"/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits")
	seconds := int((wait + time.Second - 1) / time.Second)
	a.header = map[string]string{"Retry-After": strconv.Itoa(seconds)}
	return a
}
