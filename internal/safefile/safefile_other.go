//go:build !unix

package safefile

import (
	"io/fs"
	"os"
)

// Owner returns the owner of a file; ok is false where the system does not
// tell.
func Owner(fs.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }

// tryLock does nothing: the action runs on Linux, and elsewhere no other job
// shares the token.
func tryLock(*os.File) (held bool, err error) { return true, nil }
