package safefile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// temporary stands between a file's name and a random end.
const temporary = ".tmp-"

// Replace puts a new file, whole and on disk, in the place of the one at path, if
// there is one. The new file is for its owner alone, and so are directories that
// have to be made for it. Whoever reads sees the old content or the new, also when
// the writer is killed. Errors don't repeat the path.
func Replace(path string, write func(*os.File) error) error {
	dir, name, err := directory(path, true)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // nothing is written through it
	if err := absentOrOwn(dir, name); err != nil {
		return err
	}
	return bare(replace(dir, name, write))
}

func replace(dir *os.Root, name string, write func(*os.File) error) (err error) {
	made := name + temporary + rand.Text()
	file, err := dir.OpenFile(made, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = dir.Remove(made) // the first error is the one to tell
		}
	}()
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = dir.Rename(made, name) // over a link, not through it
	}
	return err
}

// Check reports, before there is anything to write, why [Replace] could not put a
// file at path. It makes nothing.
func Check(path string) error {
	dir, name, err := directory(path, false)
	if errors.Is(err, errNoDirectory) {
		return nil // Replace makes it
	}
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // it was only looked at
	return absentOrOwn(dir, name)
}

// Sweep removes what a killed [Replace] left beside path.
func Sweep(path string) {
	dir, name, err := directory(path, false)
	if err != nil {
		return // whatever is wrong, Replace tells
	}
	defer func() { _ = dir.Close() }()      // it was only looked at
	entries, _ := fs.ReadDir(dir.FS(), ".") // those that could be read
	for _, entry := range entries {
		if entry.Type().IsRegular() && strings.HasPrefix(entry.Name(), name+temporary) {
			_ = dir.Remove(entry.Name()) // another run may have been faster
		}
	}
}

// absentOrOwn returns an error where a new file would take the place of what is no
// regular file, such as /dev/stdout.
func absentOrOwn(dir *os.Root, name string) error {
	info, err := dir.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return bare(err)
	}
	return regular(info)
}

var errNoDirectory = errors.New("its directory is not there")

// directory opens the one that a file lies in, and returns the file's name there.
// Every later step works in it, wherever its own name may lead by then.
func directory(path string, makeIt bool) (*os.Root, string, error) {
	at, err := locate(path)
	if err != nil {
		return nil, "", err
	}
	defer at.close()
	parent, name := filepath.Dir(at.name), filepath.Base(at.name)
	if makeIt {
		switch err := at.root.MkdirAll(parent, 0o700); {
		case errors.Is(err, fs.ErrExist): // and is none
			return nil, "", errNotDirectory
		case err != nil:
			return nil, "", bare(err)
		}
	}
	info, err := at.root.Stat(parent)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", errNoDirectory
	case err != nil:
		return nil, "", bare(err)
	case !info.IsDir(): // opening it could wait for ever
		return nil, "", errNotDirectory
	}
	dir, err := at.root.OpenRoot(parent)
	return dir, name, bare(err)
}
