package fakegithub_test

import (
	"sync"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// The race detector watches calls, settings and reads of the state at the same
// time.
func TestConcurrentUse(t *testing.T) {
	f := newFixture(t, fakegithub.Config{})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 5 {
				f.Inject(fakegithub.Fault{Path: "/meta", Times: 1, Status: 503})
				r := f.send("POST", f.mintPath(), f.JWT(time.Now()), "")
				token, _ := r.body["token"].(string)
				f.send("GET", "/meta", "", "")
				f.send("GET", "/installation/repositories", "token "+token, "")
				f.Tokens()
				f.Requests()
				f.SetReplicationLag(0)
				if !f.Alive(token) {
					t.Error("a minted token is not alive")
				}
			}
		})
	}
	group.Wait()
	if got := len(f.Tokens()); got != 40 {
		t.Errorf("%d tokens, want 40", got)
	}
}
