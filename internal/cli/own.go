package cli

import (
	"os"
	"path/filepath"

	"github.com/valetkey/valetkey/internal/actions"
)

// handedOver is a file that this step writes for later steps of the job. This one
// runs as root in its container, those as somebody else, who owns the workspace:
// what is root's, actions/cache could not read and the runner not clean up.
type handedOver struct {
	path   string
	before string // the deepest directory of the path that was there already
}

func willHandOver(path string) handedOver {
	h := handedOver{path: path, before: filepath.Dir(path)}
	for {
		if _, err := os.Stat(h.before); err == nil || h.before == filepath.Dir(h.before) {
			return h
		}
		h.before = filepath.Dir(h.before)
	}
}

// done gives the file, and the directories that were made for it, to the owner of
// the one they were made in.
func (h handedOver) done(r *actions.Runner) {
	if h.path == "" {
		return
	}
	for path := h.path; path != h.before && path != filepath.Dir(path); path = filepath.Dir(path) {
		if _, err := os.Lstat(path); err != nil {
			continue // not written after all
		}
		if err := sameOwner(path, h.before); err != nil {
			r.Warning("later steps may not be able to read %s: %v", filepath.Base(path), err)
			return
		}
	}
}
