//go:build unix

package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/safefile"
)

// Whatever replaces the files of refresh neither keeps git waiting nor leads
// elsewhere, in a later step and in post.
func TestRefreshFilesSwapped(t *testing.T) {
	const isLink = "it is a link, which may be somebody else's doing"
	aPipe := func(path string) error { return syscall.Mkfifo(path, 0o600) }
	for _, c := range []struct {
		name, file string
		put        func(path string) error
		want       string
	}{
		{"a named pipe", refreshFile, aPipe, "read the state of refresh: it is a named pipe"},
		{"a link", refreshFile, func(path string) error { return os.Symlink(path+"-was", path) }, "read the state of refresh: " + isLink},
		{
			"a large file", refreshFile,
			func(path string) error { return os.WriteFile(path, make([]byte, maxRefresh+1), 0o600) },
			"read the state of refresh: it is larger than the 1 MiB that such a file may have",
		},
		{
			"a directory", refreshFile, func(path string) error { return os.Mkdir(path, 0o700) },
			"read the state of refresh: it is a directory",
		},
		{"nothing", refreshFile, func(string) error { return nil }, "read the state of refresh: no such file or directory"},
		{"a pipe for a lock", refreshLock, aPipe, "lock the state of refresh: it is a named pipe"},
		{
			"a link for a lock", refreshLock, func(path string) error { return os.Symlink("/dev/zero", path) },
			"lock the state of refresh: " + isLink,
		},
		{
			"a lock for all", refreshLock,
			func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o666)) },
			"lock the state of refresh: others may open it",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, dir := refreshed(t)
			path := filepath.Join(dir.path, c.file)
			if err := errors.Join(os.Rename(path, path+"-was"), c.put(path)); err != nil {
				t.Fatal(err)
			}
			p := s.process(t)
			soon(t, func() {
				if _, err := currentToken(t.Context(), p, p.runner(), dir, nil); err == nil || err.Error() != c.want {
					t.Errorf("got %v, want %s", err, c.want)
				}
			})
			soon(t, func() { s.exit = run(t.Context(), p, "post") })
			if _, err := os.Lstat(dir.path); s.exit != exitOK || s.Alive(s.Tokens()[0].Value) || !os.IsNotExist(err) {
				t.Errorf("post: exit %d, %v: %s", s.exit, err, s.log.String())
			}
		})
	}
}

// Post follows no link that has taken the directory's place.
func TestRefreshDirectorySwapped(t *testing.T) {
	s, dir := refreshed(t)
	moved := filepath.Join(t.TempDir(), "moved")
	if err := errors.Join(os.Rename(dir.path, moved), os.Symlink(moved, dir.path)); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.load(redact.New(s.env[dir.identityVariable()])); err == nil || !strings.Contains(err.Error(), "was swapped") {
		t.Error(err)
	}
	s.run(t, "post")
	if _, err := os.Stat(filepath.Join(moved, refreshProgram)); err != nil || s.Alive(s.Tokens()[0].Value) {
		t.Errorf("%v: %s", err, s.log.String())
	}
	if _, err := os.Lstat(dir.path); !os.IsNotExist(err) {
		t.Error("the link is left behind")
	}
}

// Waiting for a process that hangs with the lock ends.
func TestRefreshLockHeld(t *testing.T) {
	s, dir := refreshed(t)
	p := s.process(t)
	synctest.Test(t, func(t *testing.T) {
		unlock, err := safefile.Lock(t.Context(), filepath.Join(dir.path, refreshLock))
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		began := time.Now()
		_, err = currentToken(t.Context(), p, p.runner(), dir, nil)
		const held = "lock the state of refresh: another process of this job held it for 1m30s"
		if err == nil || time.Since(began) != refreshWait || !strings.HasPrefix(err.Error(), held) {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(time.Second, cancel)
		began = time.Now()
		_, err = currentToken(ctx, p, p.runner(), dir, nil)
		const cancelled = "lock the state of refresh: cancelled while another process held it"
		if err == nil || time.Since(began) != time.Second || err.Error() != cancelled {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
