// Package safefile reads, replaces and locks files that others may have
// changed: those of a checked-out pull request, or those of an earlier step of
// the job.
//
// It opens only regular files: a named pipe would keep the step waiting for
// ever, and a device has no end. It reads nothing beyond a bound, and neither
// reads nor writes a file by half.
//
// The current directory is the workspace, whose content comes from the author
// of the commit: no link in it may lead out of it. For a path elsewhere, the
// user who gave it is trusted, up to its directory. A file that this program
// writes and reads again is never a link itself, wherever it is: see [ReadOwn],
// [Replace] and [Lock].
package safefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/valetkey/valetkey/internal/fault"
)

// Read returns the whole content of a regular file of at most limit bytes. It
// follows a link in the workspace if that stays there. Errors don't repeat the
// path.
func Read(path string, limit int64) ([]byte, error) {
	at, err := locate(path)
	if err != nil {
		return nil, err
	}
	defer at.close()
	info, err := at.stat()
	if err == nil {
		err = checkRegular(info)
	}
	if err != nil {
		return nil, withoutPath(err)
	}
	f, err := at.open()
	if err != nil {
		return nil, withoutPath(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return readAll(f, limit)
}

// ReadOwn returns the whole content of a file that [Replace] wrote. It refuses
// a link, which somebody else must have made. Errors don't repeat the path.
func ReadOwn(path string, limit int64) ([]byte, error) {
	at, err := locate(path)
	if err != nil {
		return nil, err
	}
	defer at.close()
	f, err := openOwn(at.root, at.name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return readAll(f, limit)
}

// maxOpenTries is how often openOwn tries again when [Replace] of another
// process has just swapped the file.
const maxOpenTries = 100

var errSwapped = fault.New("it was swapped for another file while it was opened", "see what else writes it, and run the step again")

// openOwn opens a file that exists and is not a link.
func openOwn(root *os.Root, name string, flag int) (*os.File, error) {
	for range maxOpenTries {
		before, err := root.Lstat(name)
		if err == nil {
			err = checkRegular(before)
		}
		if err != nil {
			return nil, withoutPath(err)
		}
		if f, err := openSame(root, name, flag, before); !errors.Is(err, errSwapped) {
			return f, err
		}
	}
	return nil, errSwapped
}

// openSame opens the file that was looked at before. It does not wait for
// another file, such as a pipe, that has taken its place.
func openSame(root *os.Root, name string, flag int, before fs.FileInfo) (*os.File, error) {
	f, err := root.OpenFile(name, flag|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, withoutPath(err)
	}
	if opened, err := f.Stat(); err != nil || !os.SameFile(before, opened) {
		_ = f.Close() // nothing was read or written
		return nil, errSwapped
	}
	return f, nil
}

// readAll reads an open file to its end. It checks the opened file again, since
// the name may lead to another file after the first check.
func readAll(f *os.File, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err == nil {
		err = checkRegular(info)
	}
	if err != nil {
		return nil, withoutPath(err)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case int64(len(data)) > limit:
		return nil, fault.New("it is larger than the "+size(limit)+" that such a file may have", "check that it is the right file")
	}
	return data, nil
}

func size(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

// checkRegular returns an error that says what a file is if it is not a regular
// one.
func checkRegular(info fs.FileInfo) error {
	const plain = "give the path of a plain file"
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return fault.New("it is a directory", plain)
	case mode&fs.ModeSymlink != 0:
		return fault.New("it is a link, which may be somebody else's doing", "give the path of the file itself, or delete the link")
	case mode&fs.ModeNamedPipe != 0:
		return fault.New("it is a named pipe", plain)
	case mode&fs.ModeSocket != 0:
		return fault.New("it is a socket", plain)
	case mode&fs.ModeDevice != 0:
		return fault.New("it is a device", plain)
	}
	return fault.New("it is not a regular file", plain)
}

// textEscapes is the text of [os.Root]'s error for a path that leads out of it;
// the error itself is not exported.
const textEscapes = "path escapes from parent"

var errNotDirectory = errors.New("a part of its path is not a directory")

// withoutPath removes the path, which may be anything, from an error.
func withoutPath(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	for errors.As(err, &path) { // one may wrap another
		err = path.Err
	}
	if errors.As(err, &link) {
		err = link.Err
	}
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return errNotDirectory
	case err != nil && err.Error() == textEscapes:
		return fault.New("a link leads out of the workspace", "put the file itself there, or give the path that the link leads to")
	}
	return err
}

// location is a file by its name below a directory that no link leads out of.
type location struct {
	root    *os.Root
	name    string
	outside string // the whole path, for a file outside the workspace
}

// stat and open follow links: in the workspace those that stay there, elsewhere
// those of the machine's owner.
func (l location) stat() (fs.FileInfo, error) {
	if l.outside != "" {
		return os.Stat(l.outside)
	}
	return l.root.Stat(l.name)
}

// open does not wait for another file, such as a pipe, that has taken the
// file's place.
func (l location) open() (*os.File, error) {
	if l.outside != "" {
		return os.OpenFile(l.outside, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}
	return l.root.OpenFile(l.name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func (l location) close() { _ = l.root.Close() } // nothing is written through it

// locate returns a path with the directory that confines it: the workspace, or
// else the deepest directory of the path that exists.
func locate(path string) (location, error) {
	workspace, err := os.Getwd()
	if err != nil {
		return location{}, err
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(workspace, path)
	}
	if name, err := filepath.Rel(workspace, path); err == nil && filepath.IsLocal(name) {
		root, err := os.OpenRoot(workspace)
		return location{root: root, name: name}, withoutPath(err)
	}
	dir := filepath.Dir(path)
	for {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir(): // opening it could wait for ever
			return location{}, errNotDirectory
		case err == nil:
			name, err := filepath.Rel(dir, path)
			if err != nil {
				return location{}, err
			}
			root, err := os.OpenRoot(dir)
			return location{root, name, path}, withoutPath(err)
		case !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir):
			return location{}, withoutPath(err)
		}
		dir = filepath.Dir(dir)
	}
}
