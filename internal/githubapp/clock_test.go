package githubapp

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestClock(t *testing.T) {
	for name, c := range map[string]struct {
		off, want time.Duration
	}{
		"ahead":       {3 * time.Hour, 3 * time.Hour},
		"behind":      {-time.Minute, -time.Minute},
		"near enough": {minSkew - time.Second, 0},
		"at the edge": {-minSkew, -minSkew},
	} {
		synctest.Test(t, func(t *testing.T) {
			var clock clock
			clock.set(time.Hour)
			clock.learn(http.Header{})
			clock.learn(http.Header{"Date": {"yesterday"}})
			if got := clock.skew(); got != time.Hour {
				t.Errorf("an answer without a date taught it %s", got)
			}
			clock.learn(http.Header{"Date": {time.Now().Add(c.off).UTC().Format(http.TimeFormat)}})
			if got := clock.skew(); got != c.want {
				t.Errorf("%s: got %s, want %s", name, got, c.want)
			}
			if got := clock.now(); !got.Equal(time.Now().Add(c.want)) {
				t.Errorf("%s: it is %s there", name, got)
			}
			if got := clock.local(clock.now()); !got.Equal(time.Now()) {
				t.Errorf("%s: its now is %s here", name, got)
			}
		})
	}
}
