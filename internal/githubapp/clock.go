package githubapp

import (
	"net/http"
	"sync/atomic"
	"time"
)

// minSkew is how far clocks may differ before it counts: Date has whole seconds,
// and an answer takes some to arrive.
const minSkew = 5 * time.Second

// clock is GitHub's clock as far as answers told: this machine's clock, and how
// far GitHub's is ahead of it. The zero value is this machine's clock.
type clock struct{ ahead atomic.Int64 }

func (c *clock) skew() time.Duration { return time.Duration(c.ahead.Load()) }

func (c *clock) set(skew time.Duration) { c.ahead.Store(int64(skew)) }

func (c *clock) now() time.Time { return time.Now().Add(c.skew()) }

// local returns what this machine's clock shows at a time of GitHub's.
func (c *clock) local(t time.Time) time.Time {
	now := time.Now()
	return now.Add(t.Sub(now.Add(c.skew())))
}

// learn reads the clock off an answer that has just come.
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

// dateOf returns the time of an answer by GitHub's clock, if the answer says it.
func dateOf(h http.Header) (date time.Time, ok bool) {
	date, err := http.ParseTime(h.Get("Date"))
	return date, err == nil
}

// Now returns the time by GitHub's clock, as its last answer told. Whatever
// GitHub dates is to be compared with that: a machine's clock may be hours off.
func (a *API) Now() time.Time { return a.clock.now() }

// Skew returns how far GitHub's clock is ahead of this machine's, as its last
// answer told. It is zero if the two agree or nothing is known.
func (a *API) Skew() time.Duration { return a.clock.skew() }

// Local returns what this machine's clock shows at a time of GitHub's.
func (a *API) Local(t time.Time) time.Time { return a.clock.local(t) }
