package cli

import (
	"os"
	"path/filepath"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/safefile"
)

// chowned is a file that this step writes for later steps of the job. The
// action runs as root in its container; later steps run as the owner of the
// workspace. A file left owned by root could not be read by actions/cache or
// deleted by the runner.
type chowned struct {
	path   string
	before string // the deepest directory of the path that exists already
}

// chownLater remembers, before a file is written, which directories of its path
// are there already.
func chownLater(path string) chowned {
	c := chowned{path: path, before: filepath.Dir(path)}
	for {
		if _, err := os.Stat(c.before); err == nil || c.before == filepath.Dir(c.before) {
			return c
		}
		c.before = filepath.Dir(c.before)
	}
}

// apply gives the file, and the directories that were made for it, to the owner
// of the directory that they were made in. It follows no link out of that
// directory, since it would give away files that lie elsewhere.
func (c chowned) apply(r *actions.Runner) {
	if c.path == "" {
		return
	}
	root, err := os.OpenRoot(c.before)
	if err != nil {
		return // where there is no directory, nothing was written
	}
	defer func() { _ = root.Close() }() // nothing is written through it
	name, err := filepath.Rel(c.before, c.path)
	for ; err == nil && name != "."; name = filepath.Dir(name) {
		if _, absent := root.Lstat(name); absent != nil {
			continue // it was not written after all
		}
		err = sameOwner(root, name)
	}
	if err != nil {
		r.Warning("later steps may not be able to read %s: %v", filepath.Base(c.path), err)
	}
}

// sameOwner gives a file to the owner of the root directory. Only a process
// that runs as root can do that, and only such a process needs to.
func sameOwner(root *os.Root, name string) error {
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	if uid, gid, ok := safefile.Owner(info); ok && os.Geteuid() == 0 {
		return root.Lchown(name, uid, gid)
	}
	return nil
}
