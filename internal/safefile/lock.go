package safefile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
)

// The pauses between two tries to take a lock that is held.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 200 * time.Millisecond
)

// ErrLocked is the error of [Lock] when ctx ends before the other holder lets
// go.
var ErrLocked = errors.New("somebody else holds its lock")

// Lock waits until nobody else holds the lock file at path, which it makes if
// necessary, and holds it until the caller calls unlock or the process ends.
// The system does not tell who the other holder is. Errors don't repeat the
// path. On a system without such locks, Lock does not wait.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	dir, name, err := openDirectory(path, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }() // nothing is written through it
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		f, err := lockFile(dir, name)
		if err != nil {
			return nil, err
		}
		held, err := tryLock(f)
		if held && err == nil && isStillAt(dir, name, f) {
			return func() { _ = f.Close() }, nil // closing unlocks
		}
		_ = f.Close() // nothing was written
		if err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ErrLocked
		case <-time.After(pause):
		}
	}
}

// lockFile opens the lock file, or makes it.
func lockFile(dir *os.Root, name string) (*os.File, error) {
	f, err := dir.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil || !errors.Is(err, fs.ErrExist) {
		return f, withoutPath(err)
	}
	if f, err = openOwn(dir, name, os.O_RDWR); err != nil {
		return nil, err
	}
	if err = checkOwner(dir, f); err != nil {
		_ = f.Close() // nothing was written
	}
	return f, err
}

// checkOwner returns an error if others may hold the lock: whoever can open a
// file can lock it and keep this program waiting.
func checkOwner(dir *os.Root, f *os.File) error {
	const hint = "delete it"
	info, err := f.Stat()
	if err != nil {
		return withoutPath(err)
	}
	parent, err := dir.Stat(".")
	if err != nil {
		return withoutPath(err)
	}
	uid, _, ok := Owner(info)
	parentUID, _, _ := Owner(parent)
	switch {
	case ok && info.Mode().Perm()&0o077 != 0:
		return fault.New("others may open it", hint)
	case ok && uid != parentUID && uid != os.Geteuid():
		return fault.New("it belongs to somebody else", hint)
	}
	return nil
}

// isStillAt reports whether the name still leads to the file: a lock on a
// deleted file keeps nobody out.
func isStillAt(dir *os.Root, name string, f *os.File) bool {
	now, err := dir.Lstat(name)
	if err != nil {
		return false
	}
	opened, err := f.Stat()
	return err == nil && os.SameFile(now, opened)
}
