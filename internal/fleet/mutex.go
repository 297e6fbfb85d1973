package fleet

import "context"

// ctxMutex is a mutex whose wait ends with a context. A goroutine that waits
// for it also lets the clock of a synctest bubble go on.
type ctxMutex chan struct{}

func newCtxMutex() ctxMutex { return make(ctxMutex, 1) }

func (m ctxMutex) lock(ctx context.Context) error {
	select {
	case m <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m ctxMutex) unlock() { <-m }
