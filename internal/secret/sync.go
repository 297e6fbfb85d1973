package secret

import (
	"sync"

	"github.com/valetkey/valetkey/internal/apicall"
)

// Sync brings a fleet's secrets to what is wanted: [Sync.Plan] reads, [Sync.Apply]
// writes.
type Sync struct {
	Call         apicall.Func // for many goroutines at once
	State        *State
	Concurrency  int  // places at once; 0: 16
	Prune        bool // delete what the state knows as ours and nobody wants any more
	MaxDeletions int  // with more of them, none is done; see [State.MaxDeletions]
	ListAll      bool // a dry run: ask every place what it has, so that the plan is exact

	// Repository, if any, returns what is known of a repository without asking. It is
	// not ok where that is no more than the id, or nothing.
	Repository   func(owner, name string) (Repository, bool)
	repositories repositories

	// Done, if any, is told of results as they come, one at a time.
	Done    func(Result)
	telling sync.Mutex
}

// each calls do for 0 to n-1, some at once.
func (s *Sync) each(n int, do func(i int)) {
	workers := s.Concurrency
	if workers <= 0 {
		workers = 16
	}
	apicall.Each(n, workers, do)
}
