package safefile

import (
	"errors"
	"io/fs"
	"os"
)

// errExists is returned where a new file would take the place of another.
var errExists = errors.New("there is something of that name already")

// Create writes a new file, whole and on disk, that only its owner can open. It
// never touches what has the name already, and makes no directory. Errors don't
// repeat the path.
func Create(path string, content []byte) error {
	dir, name, err := openDirectory(path, false)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // nothing is written through it
	file, err := dir.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return errExists
	}
	if err != nil {
		return withoutPath(err)
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = dir.Remove(name) // the first error is the one to return
	}
	return withoutPath(err)
}

// CheckNew returns, before there is anything to write, why [Create] could not
// write a file at path. It makes nothing.
func CheckNew(path string) error {
	dir, name, err := openDirectory(path, false)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // it was only looked at
	switch _, err := dir.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return withoutPath(err)
	}
	return errExists
}
