package fakegithub_test

import (
	"sync"
	"testing"

	"github.com/valetkey/valetkey/internal/fakegithub"
)

// The race detector watches calls, settings and reads of the state at the same
// time.
func TestConcurrentUse(t *testing.T) {
	w := newWorld(t, fakegithub.Config{})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 5 {
				w.Inject(fakegithub.Fault{Path: "/meta", Times: 1, Status: 503})
				r := w.send("POST", w.mintPath(), w.jwt(nil), "")
				token, _ := r.body["token"].(string)
				w.send("GET", "/meta", "", "")
				w.send("GET", "/installation/repositories", "token "+token, "")
				w.Tokens()
				w.Requests()
				w.SetReplicationLag(0)
				if !w.Alive(token) {
					t.Error("a minted token is not alive")
				}
			}
		})
	}
	group.Wait()
	if got := len(w.Tokens()); got != 40 {
		t.Errorf("%d tokens, want 40", got)
	}
}
