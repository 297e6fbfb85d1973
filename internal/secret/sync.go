package secret

import (
	"sync"

	"github.com/valetkey/valetkey/internal/apicall"
)

// Sync makes a fleet's secrets what a caller wants them to be: [Sync.Plan]
// reads, [Sync.Apply] writes.
type Sync struct {
	Call         apicall.Func // for many goroutines at once
	State        *State
	Concurrency  int  // places at once; 0: 16
	Prune        bool // delete secrets that the state knows as ours and nobody wants any more
	MaxDeletions int  // if a plan has more deletions, none is made; see [State.MaxDeletions]
	ListAll      bool // for a dry run: list the secrets of every place, so that the plan is exact

	// Repository, if any, returns what is known about a repository without a
	// request. The bool is false if that is only the id, or nothing.
	Repository   func(owner, name string) (Repository, bool)
	repositories repositories

	// Done, if any, is called with each result as it comes, one at a time.
	Done      func(Result)
	reporting sync.Mutex
}

// each calls do for 0 to n-1, several at once.
func (s *Sync) each(n int, do func(i int)) {
	workers := s.Concurrency
	if workers <= 0 {
		workers = 16
	}
	apicall.Each(n, workers, do)
}
