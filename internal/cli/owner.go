package cli

import (
	"os"
	"path/filepath"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/safefile"
)

// chowned is a file that this step writes for later steps of the job. This one
// runs as root in its container, those as somebody else, who owns the workspace:
// what is root's, actions/cache could not read and the runner not clean up.
type chowned struct {
	path   string
	before string // the deepest directory of the path that was there already
}

func chownLater(path string) chowned {
	c := chowned{path: path, before: filepath.Dir(path)}
	for {
		if _, err := os.Stat(c.before); err == nil || c.before == filepath.Dir(c.before) {
			return c
		}
		c.before = filepath.Dir(c.before)
	}
}

// apply gives the file, and the directories that were made for it, to the owner of
// the one they were made in. None of them is reached through a link that leads out
// of that one: it would give away what lies elsewhere.
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
			continue // not written after all
		}
		err = sameOwner(root, name)
	}
	if err != nil {
		r.Warning("later steps may not be able to read %s: %v", filepath.Base(c.path), err)
	}
}

// sameOwner gives a file to the owner of the directory that it lies below. Only root
// can, and only root needs to.
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
