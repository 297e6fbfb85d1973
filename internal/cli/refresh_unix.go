//go:build unix

package cli

import (
	"os"
	"syscall"
)

// sameOwner gives path the owner of another one. Only root can, and only root
// needs to.
func sameOwner(path, other string) error {
	info, err := os.Stat(other)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Lchown(path, int(stat.Uid), int(stat.Gid))
}

// exclusive waits until nobody else holds the file; closing it lets go.
func exclusive(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX) }
