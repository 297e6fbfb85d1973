package secret

import (
	"sync/atomic"
	"testing"
)

// A panic in one of many goroutines reaches the caller, and no more is begun.
func TestEachHandsPanicsOver(t *testing.T) {
	const n = 10
	var begun atomic.Int64
	defer func() {
		if cause := recover(); cause != "at three" {
			t.Errorf("recovered %v", cause)
		}
		if begun.Load() != 4 {
			t.Errorf("%d were begun", begun.Load())
		}
	}()
	(&Sync{Concurrency: 1}).each(n, func(i int) {
		begun.Add(1)
		if i == 3 {
			panic("at three")
		}
	})
	t.Error("it came back")
}
