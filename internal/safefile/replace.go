package safefile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// temporaryInfix stands between a file's name and a random suffix.
const temporaryInfix = ".tmp-"

// Replace writes a new file, whole and on disk, in the place of any file at
// path. Only its owner can open the new file and the directories that are made
// for it. Readers see either the old content or the new, even when the writer
// is killed. Errors don't repeat the path.
func Replace(path string, write func(*os.File) error) error {
	dir, name, err := openDirectory(path, true)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // nothing is written through it
	if err := checkReplaceable(dir, name); err != nil {
		return err
	}
	return withoutPath(replace(dir, name, write))
}

func replace(dir *os.Root, name string, write func(*os.File) error) (err error) {
	temporary := name + temporaryInfix + rand.Text()
	file, err := dir.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = dir.Remove(temporary) // the first error is the one to return
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
		err = dir.Rename(temporary, name) // replaces a link, does not follow it
	}
	return err
}

// Check returns, before there is anything to write, why [Replace] could not
// write a file at path. It makes nothing.
func Check(path string) error {
	dir, name, err := openDirectory(path, false)
	if errors.Is(err, errNoDirectory) {
		return nil // Replace makes it
	}
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // it was only looked at
	return checkReplaceable(dir, name)
}

// Sweep removes the temporary files that a killed [Replace] left beside path.
func Sweep(path string) {
	dir, name, err := openDirectory(path, false)
	if err != nil {
		return // Replace reports it
	}
	defer func() { _ = dir.Close() }()      // it was only looked at
	entries, _ := fs.ReadDir(dir.FS(), ".") // as many as could be read
	for _, entry := range entries {
		if entry.Type().IsRegular() && strings.HasPrefix(entry.Name(), name+temporaryInfix) {
			_ = dir.Remove(entry.Name()) // another run may have been faster
		}
	}
}

// checkReplaceable returns an error if the name is taken by anything but a
// regular file, such as /dev/stdout.
func checkReplaceable(dir *os.Root, name string) error {
	info, err := dir.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return withoutPath(err)
	}
	return checkRegular(info)
}

var errNoDirectory = errors.New("its directory does not exist")

// openDirectory opens the directory of a file, and returns the file's name in
// it. Every later step works in that directory, wherever its own name may lead
// by then.
func openDirectory(path string, create bool) (*os.Root, string, error) {
	at, err := locate(path)
	if err != nil {
		return nil, "", err
	}
	defer at.close()
	parent, name := filepath.Dir(at.name), filepath.Base(at.name)
	if create {
		switch err := at.root.MkdirAll(parent, 0o700); {
		case errors.Is(err, fs.ErrExist): // but is not a directory
			return nil, "", errNotDirectory
		case err != nil:
			return nil, "", withoutPath(err)
		}
	}
	info, err := at.root.Stat(parent)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", errNoDirectory
	case err != nil:
		return nil, "", withoutPath(err)
	case !info.IsDir(): // opening it could wait for ever
		return nil, "", errNotDirectory
	}
	dir, err := at.root.OpenRoot(parent)
	return dir, name, withoutPath(err)
}
