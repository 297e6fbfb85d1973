package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/safefile"
)

// A job that outlives its token has this very program in a directory below
// RUNNER_TEMP, beside a file that holds all it takes to mint again. The file is an
// envelope; the identity that opens it is in the job's environment only, so that
// neither half is of use without the other.
const (
	refreshProgram = "valetkey"
	refreshFile    = "state"
	refreshLock    = "lock"
	refreshPrefix  = "valetkey-"

	// refreshBefore is how much life a token must have to be handed out once more.
	refreshBefore = 5 * time.Minute

	// maxRefresh bounds the file, whose largest part are certificates to trust.
	maxRefresh = 1 << 20

	// refreshWait is how long a lock is waited for: whoever holds it may be minting,
	// and be about to hand out what is asked for.
	refreshWait = mintTime + 30*time.Second
)

// refreshState is what the file holds.
type refreshState struct {
	Issuer       string          `json:"issuer"`
	Key          storedSecret    `json:"key"`
	URL          string          `json:"url"`
	Roots        string          `json:"roots"`
	InsecureHTTP bool            `json:"insecure_http"`
	Server       string          `json:"server"`
	Reach        reach           `json:"reach"` // what git is answered for
	Installation int64           `json:"installation"`
	Scope        githubapp.Scope `json:"scope"`
	Tokens       []liveToken     `json:"tokens"`    // the last one is handed out
	Recipient    string          `json:"recipient"` // whom the file is for
}

// liveToken is a token that is to be revoked; its times are by GitHub's clock.
type liveToken struct {
	Value     storedSecret  `json:"value"`
	Minted    time.Time     `json:"minted"`
	Expires   time.Time     `json:"expires"`
	Skew      time.Duration `json:"skew"`      // how far GitHub's clock was ahead of this machine's as it was minted
	Announced bool          `json:"announced"` // the runner masks it in every later step
}

// fresh reports whether it has enough life left to be handed out, at a time of this
// machine. One that is before the token's own is that of a machine whose clock was set
// since: then nothing is known.
func (t liveToken) fresh(now time.Time) bool {
	now = now.Add(t.Skew)
	return now.After(t.Minted.Add(-time.Minute)) && t.Expires.Sub(now) > refreshBefore
}

// storedSecret is shown as *** like any secret, but for JSON, which is sealed
// before it goes anywhere.
type storedSecret struct{ redact.String }

// MarshalJSON reveals the secret to what [refreshDir.save] seals.
func (s storedSecret) MarshalJSON() ([]byte, error) { return json.Marshal(s.Reveal()) }

// UnmarshalJSON reads it back.
func (s *storedSecret) UnmarshalJSON(data []byte) error {
	var v string
	if err := json.Unmarshal(data, &v); err != nil {
		return errors.New("the secret is no string")
	}
	s.String = redact.New(v)
	return nil
}

// refreshDir is the directory of one step.
type refreshDir struct{ path string }

// identityVariable names the variable that holds the identity.
func (d refreshDir) identityVariable() string {
	return "VALETKEY_" + strings.ToUpper(strings.TrimPrefix(filepath.Base(d.path), refreshPrefix))
}

// helper is what git is told to ask. The job knows the directory by another path
// than this container, so the shell that git starts is left to find it.
func (d refreshDir) helper() string {
	return `!"$RUNNER_TEMP/` + filepath.Base(d.path) + `/` + refreshProgram + `" git-credential`
}

// newRefreshDir makes the directory with the program in it, all of it for the user
// that RUNNER_TEMP belongs to and for nobody else.
func newRefreshDir(temp string) (refreshDir, error) {
	if temp == "" {
		return refreshDir{}, actions.Fault{
			Input: "refresh", Problem: "has nowhere to put the program: RUNNER_TEMP is not set", Cure: "the runner sets it",
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
	for _, name := range []string{refreshProgram, refreshLock, "."} { // from then on the directory is in others' hands
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

// own gives a file of the directory to the owner of RUNNER_TEMP: the container runs
// as root, the job's steps mostly don't.
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

// save writes the state, sealed, in one step: a reader sees the old or the new.
func (d refreshDir) save(s refreshState) error {
	to, err := envelope.ParseRecipients(s.Recipient)
	if err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	sealed, err := envelope.Seal(envelope.Payload{Values: map[string]redact.String{refreshFile: redact.New(string(text))}}, to, nil)
	if err != nil {
		return err
	}
	if len(sealed) > maxRefresh {
		return actions.Fault{
			Input: "refresh", Problem: fmt.Sprintf("has more to keep than %d MiB", maxRefresh>>20),
			Cure: "give ca-bundle only the certificates that it takes",
		}
	}
	return safefile.Replace(filepath.Join(d.path, refreshFile), func(f *os.File) error {
		_, err := f.WriteString(sealed)
		if err == nil {
			err = d.own(filepath.Base(f.Name()))
		}
		return err
	})
}

// mintAnew is all that helps against a state that is not as it was left: the causes are
// not those of a file or an envelope that a user gave.
const mintAnew = "find out what else writes below RUNNER_TEMP, and mint again with refresh: true, which makes another state"

// load opens the state with the identity of the job.
func (d refreshDir) load(identity redact.String) (refreshState, error) {
	var s refreshState
	if info, err := os.Lstat(d.path); err == nil && !info.IsDir() {
		return s, errors.New("the directory of refresh was swapped for something else")
	}
	sealed, err := safefile.ReadOwn(filepath.Join(d.path, refreshFile), maxRefresh)
	if err != nil {
		return s, actions.Fault{Problem: "read the state of refresh: " + err.Error(), Cure: mintAnew}
	}
	with, err := envelope.ParseIdentities(identity)
	if err != nil {
		return s, actions.Fault{
			Problem: "the variable " + d.identityVariable() + " " + err.Error(),
			Cure:    "it is set for the later steps of the job that minted with refresh: true",
		}
	}
	opened, err := envelope.Open(string(sealed), with)
	if err != nil {
		return s, actions.Fault{Problem: "the state of refresh " + err.Error(), Cure: mintAnew}
	}
	if err := json.Unmarshal([]byte(opened.Values[refreshFile].Reveal()), &s); err != nil {
		return s, actions.Fault{Problem: "the state of refresh makes no sense", Cure: mintAnew}
	}
	return s, nil
}

// locked runs f while nobody else does: ten clones at once need one mint.
func (d refreshDir) locked(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, refreshWait)
	defer cancel()
	unlock, err := safefile.Lock(ctx, filepath.Join(d.path, refreshLock))
	switch {
	case errors.Is(err, safefile.ErrLocked) && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return actions.Fault{
			Problem: fmt.Sprintf("lock the state of refresh: another process of this job held it for %s, and it is not known which", refreshWait),
			Cure:    "look for a git or a valetkey that hangs in an earlier step, and end it",
		}
	case errors.Is(err, safefile.ErrLocked):
		return errors.New("lock the state of refresh: cancelled while another process held it")
	case err != nil:
		return fmt.Errorf("lock the state of refresh: %w", err)
	}
	defer unlock()
	return f()
}

// refreshing prepares what a job needs that outlives its token. On an error
// nothing is left behind.
func (p Process) refreshing(r *actions.Runner, m minted, w reach) (refreshDir, []actions.Pair, error) {
	identity, recipient, err := envelope.NewIdentity()
	if err != nil {
		return refreshDir{}, nil, err
	}
	r.Mask(identity)
	d, err := newRefreshDir(p.Getenv("RUNNER_TEMP"))
	if err != nil {
		return d, nil, err
	}
	err = d.save(refreshState{
		Issuer: m.Issuer, Key: storedSecret{m.KeyText}, URL: m.Host.URL, Roots: string(m.Host.Roots),
		InsecureHTTP: m.Host.InsecureHTTP, Server: m.Loan.Server, Reach: w,
		Installation: m.Installation.ID, Scope: m.Scope, Recipient: recipient,
		Tokens: []liveToken{{
			Value: storedSecret{m.Token.Value}, Minted: time.Now().Add(m.Host.Skew), Expires: m.Token.ExpiresAt, Skew: m.Host.Skew,
			Announced: true, // as all that this stage minted
		}},
	})
	if err == nil {
		err = r.SaveState(
			actions.Pair{Name: stateRefresh, Value: filepath.Base(d.path)},
			actions.Pair{Name: stateIdentity, Value: identity.Reveal()},
		)
	}
	if err != nil {
		d.remove()
	}
	return d, []actions.Pair{{Name: d.identityVariable(), Value: identity.Reveal()}}, err
}
