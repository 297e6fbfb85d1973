//go:build unix

package safefile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Locks exclude each other, and every waiter gets its turn.
func TestLockExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var inside, turns atomic.Int32
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			unlock, err := Lock(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			if inside.Add(1) != 1 {
				t.Error("two are inside")
			}
			for range 100 { // let others try
				runtime.Gosched()
			}
			turns.Add(1)
			inside.Add(-1)
		})
	}
	all.Wait()
	if info, err := os.Stat(path); turns.Load() != 10 || err != nil || info.Mode() != 0o600 {
		t.Errorf("%d turns; %v, %v", turns.Load(), info.Mode(), err)
	}
}

// The wait ends with the context.
func TestLockWait(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "lock")
		unlock, err := Lock(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := Lock(ctx, path); !errors.Is(err, ErrLocked) || time.Since(began) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		time.AfterFunc(10*time.Second, unlock)
		began = time.Now()
		again, err := Lock(t.Context(), path)
		if err != nil || time.Since(began) < 10*time.Second || time.Since(began) > 10*time.Second+lastPause {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		again()
	})
}

// A lock on a file that was deleted meanwhile keeps nobody out, and does not
// count.
func TestLockSwapped(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "lock")
		unlock, err := Lock(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = root.Close() }()
		old, err := lockFile(root, "lock")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		unlock()
		if held, err := tryLock(old); !held || err != nil || isStillAt(root, "lock", old) {
			t.Errorf("held %v, %v; it counts: %v", held, err, isStillAt(root, "lock", old))
		}
		put(t, path, "")
		if isStillAt(root, "lock", old) {
			t.Error("another file of the name counts as the same")
		}
		_ = old.Close()
		if unlock, err = Lock(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		unlock()
	})
}

func TestLockFiles(t *testing.T) {
	elsewhere := world(t)
	put(t, "open", "")
	if err := os.Chmod("open", 0o644); err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		"file": "", "new": "", "sub/new": "",
		"open":                          "others may open it",
		"outside":                       "it is a link, which may be somebody else's doing",
		"inside":                        "it is a link, which may be somebody else's doing",
		"outdir/new":                    "a link leads out of the workspace",
		"pipe":                          "it is a named pipe",
		"zero":                          "it is a link, which may be somebody else's doing",
		"sub":                           "it is a directory",
		"none/new":                      "its directory does not exist",
		filepath.Join(elsewhere, "new"): "",
	}
	if device(t, "device") {
		cases["device"] = "it is a device"
	}
	if os.Geteuid() == 0 {
		put(t, "theirs", "")
		if err := os.Chown("theirs", 4242, 4242); err != nil {
			t.Fatal(err)
		}
		cases["theirs"] = "it belongs to somebody else"
	}
	for path, want := range cases {
		got := ""
		if err := soon(t, func() error {
			unlock, err := Lock(t.Context(), path)
			if err == nil {
				unlock()
			}
			return err
		}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := names(t, elsewhere); len(got) != 2 {
		t.Errorf("elsewhere there is %v", got)
	}
}
