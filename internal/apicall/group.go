package apicall

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Group is a [sync.WaitGroup] whose Wait panics if one of the functions did. A
// panic in a goroutine of its own could not be recovered: the program would end
// at once, leave its tokens alive, and print a page of addresses.
type Group struct {
	all   sync.WaitGroup
	cause atomic.Pointer[Panic]
}

// Panic is the value that a function of a [Group] panicked with.
type Panic struct {
	Cause   any
	Callers []uintptr // as [runtime.Callers] returns them
}

// Go calls do in a goroutine of its own.
func (g *Group) Go(do func()) {
	g.all.Go(func() {
		defer func() {
			switch cause := recover().(type) {
			case nil:
			case *Panic: // from a nested group
				g.cause.CompareAndSwap(nil, cause)
			default:
				var callers [64]uintptr
				g.cause.CompareAndSwap(nil, &Panic{cause, callers[:runtime.Callers(0, callers[:])]})
			}
		}()
		do()
	})
}

// Wait returns when all functions have returned. It panics with the first
// [Panic].
func (g *Group) Wait() {
	g.all.Wait()
	if cause := g.cause.Load(); cause != nil {
		panic(cause)
	}
}

// Each calls do for 0 to n-1, atOnce at a time. After a panic it begins no more
// calls.
func Each(n, atOnce int, do func(i int)) {
	var next atomic.Int64
	var all Group
	for range min(atOnce, n) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && all.cause.Load() == nil; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}
