package apicall

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done [10]atomic.Bool
		var now, most atomic.Int64
		Each(len(done), 3, func(i int) {
			for n, m := now.Add(1), most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Second)
			now.Add(-1)
			done[i].Store(true)
		})
		for i := range done {
			if !done[i].Load() {
				t.Errorf("%d was not done", i)
			}
		}
		if most.Load() != 3 {
			t.Errorf("%d at once, want 3", most.Load())
		}
	})
	Each(0, 3, func(int) { t.Error("there is nothing to do") })
}

func fails() { panic("at three") }

// A panic in one of many goroutines, or in a nested group, reaches the caller
// with its place, and no more calls begin.
func TestEachHandsPanicsOver(t *testing.T) {
	var begun atomic.Int64
	defer func() {
		cause, ok := recover().(*Panic)
		if !ok || cause.Cause != "at three" {
			t.Fatalf("recovered %v", cause)
		}
		where := ""
		for frames := runtime.CallersFrames(cause.Callers); ; {
			frame, more := frames.Next()
			where += frame.Function + " "
			if !more {
				break
			}
		}
		if !strings.Contains(where, "apicall.fails ") || begun.Load() != 4 {
			t.Errorf("%d were begun; it was in %s", begun.Load(), where)
		}
	}()
	Each(10, 1, func(i int) {
		begun.Add(1)
		if i == 3 {
			Each(1, 1, func(int) { fails() })
		}
	})
	t.Error("it came back")
}
