package githubapp

import (
	"net/http"
	"sync/atomic"
	"time"
)

// minSkew is the smallest difference of clocks that counts: Date has whole
// seconds, and an answer takes some time to arrive.
const minSkew = 5 * time.Second

// clock is GitHub's clock as measured by its answers: how far it is ahead of
// this machine's clock. The zero value is this machine's clock.
type clock struct{ ahead atomic.Int64 }

func (c *clock) skew() time.Duration { return time.Duration(c.ahead.Load()) }

func (c *clock) set(skew time.Duration) { c.ahead.Store(int64(skew)) }

func (c *clock) now() time.Time { return time.Now().Add(c.skew()) }

// local converts a time of GitHub's clock to this machine's clock.
func (c *clock) local(t time.Time) time.Time {
	now := time.Now()
	return now.Add(t.Sub(now.Add(c.skew())))
}

// learn sets the clock by an answer that has just arrived.
func (c *clock) learn(h http.Header) {
	date, ok := dateOf(h)
	if !ok {
		return
	}
	skew := time.Until(date)
	if skew.Abs() < minSkew {
		skew = 0
	}
	c.set(skew)
}

// dateOf returns the time of an answer by GitHub's clock. ok is false if the
// answer has no date.
func dateOf(h http.Header) (date time.Time, ok bool) {
	date, err := http.ParseTime(h.Get("Date"))
	return date, err == nil
}

// Now returns the time by GitHub's clock, according to its last answer. Times
// in GitHub's answers must be compared with it, because a machine's clock may
// be wrong by hours.
func (a *API) Now() time.Time { return a.clock.now() }

// Skew returns how far GitHub's clock is ahead of this machine's, according to
// its last answer. It is zero if the two agree or nothing is known.
func (a *API) Skew() time.Duration { return a.clock.skew() }

// Local converts a time of GitHub's clock to this machine's clock.
func (a *API) Local(t time.Time) time.Time { return a.clock.local(t) }
