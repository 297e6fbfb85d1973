package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/safefile"
)

// A job that outlives its token has a copy of this program in a directory below
// RUNNER_TEMP, next to a file with all that it takes to mint again. The file is an
// envelope, and the identity that opens it is only in the job's environment, so
// that neither is of use without the other.
const (
	refreshProgram = "valetkey"
	refreshFile    = "state"
	refreshLock    = "lock"
	refreshPrefix  = "valetkey-"

	// refreshBefore is how long a token must still live to be handed out once
	// more.
	refreshBefore = 5 * time.Minute

	// maxRefresh bounds the state file, most of which are certificates to
	// trust.
	maxRefresh = 1 << 20

	// refreshWait is how long to wait for the lock. Its holder may be minting
	// the very token that is asked for.
	refreshWait = mintTime + 30*time.Second
)

// refreshDir is the directory of one step.
type refreshDir struct{ path string }

// identityVariable returns the name of the variable that holds the identity.
func (d refreshDir) identityVariable() string {
	return "VALETKEY_" + strings.ToUpper(strings.TrimPrefix(filepath.Base(d.path), refreshPrefix))
}

// helper returns the command that git is told to ask. The job knows the
// directory by another path than this container does, so it is left to git's
// shell to find it.
func (d refreshDir) helper() string {
	return `!"$RUNNER_TEMP/` + filepath.Base(d.path) + `/` + refreshProgram + `" git-credential`
}

// newRefreshDir makes the directory with the program in it, for the owner of
// RUNNER_TEMP and for nobody else.
func newRefreshDir(temp string) (refreshDir, error) {
	if temp == "" {
		return refreshDir{}, actions.Fault{
			Input: "refresh", Problem: "has nowhere to put the program: RUNNER_TEMP is not set", Hint: "the runner sets it",
		}
	}
	path, err := os.MkdirTemp(temp, refreshPrefix)
	if err != nil {
		return refreshDir{}, fmt.Errorf("make a directory for refresh: %w", err)
	}
	d := refreshDir{path}
	program, err := os.Executable()
	if err == nil {
		err = copyFile(program, filepath.Join(path, refreshProgram), 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(path, refreshLock), nil, 0o600)
	}
	for _, name := range []string{refreshProgram, refreshLock, "."} { // the directory comes last: from then on others can change it
		if err == nil {
			err = d.own(name)
		}
	}
	if err != nil {
		d.remove()
		return refreshDir{}, fmt.Errorf("put the program where git finds it: %w", err)
	}
	return d, nil
}

func (d refreshDir) remove() { _ = os.RemoveAll(d.path) }

// own gives a file of the directory to the owner of RUNNER_TEMP, because the
// container runs as root and most steps of the job do not.
func (d refreshDir) own(name string) error {
	temp, err := os.OpenRoot(filepath.Dir(d.path))
	if err != nil {
		return err
	}
	defer func() { _ = temp.Close() }() // nothing is written through it
	return sameOwner(temp, filepath.Join(filepath.Base(d.path), name))
}

func copyFile(from, to string, mode os.FileMode) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// locked runs f while no other process does, so that ten clones at once cause
// one mint.
func (d refreshDir) locked(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, refreshWait)
	defer cancel()
	unlock, err := safefile.Lock(ctx, filepath.Join(d.path, refreshLock))
	switch {
	case errors.Is(err, safefile.ErrLocked) && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &fault.Error{
			Problem: fmt.Sprintf("lock the state of refresh: another process of this job held it for %s", refreshWait),
			Hint:    "look for a git or a valetkey that hangs in an earlier step, and end it",
		}
	case errors.Is(err, safefile.ErrLocked):
		return errors.New("lock the state of refresh: cancelled while another process held it")
	case err != nil:
		return fmt.Errorf("lock the state of refresh: %w", err)
	}
	defer unlock()
	return f()
}

// ownRefreshDir returns the directory of refresh in which this program lies. It
// reports whether there is one.
func ownRefreshDir() (refreshDir, bool) {
	program, err := os.Executable()
	if err != nil {
		return refreshDir{}, false
	}
	d := refreshDir{filepath.Dir(program)}
	_, err = os.Lstat(filepath.Join(d.path, refreshFile)) // load refuses a link
	return d, err == nil && strings.HasPrefix(filepath.Base(d.path), refreshPrefix)
}
