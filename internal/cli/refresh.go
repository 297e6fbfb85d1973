package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
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
		return refreshDir{}, actions.Fault{Input: "refresh", Problem: "has nowhere to put the program: RUNNER_TEMP is not set", Cure: "the runner sets it"}
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
		err = d.own(path)
	}
	if err != nil {
		d.remove()
		return refreshDir{}, fmt.Errorf("put the program where git finds it: %w", err)
	}
	return d, nil
}

func (d refreshDir) remove() { _ = os.RemoveAll(d.path) }

// own gives a file to the owner of RUNNER_TEMP: the container runs as root, the
// job's steps mostly don't.
func (d refreshDir) own(path string) error {
	return sameOwner(path, filepath.Dir(d.path))
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
	if _, err = io.Copy(out, in); err == nil {
		err = refreshDir{filepath.Dir(to)}.own(to)
	}
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
	file := filepath.Join(d.path, refreshFile)
	if err := os.WriteFile(file+".new", []byte(sealed), 0o600); err != nil {
		return err
	}
	if err := d.own(file + ".new"); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// load opens the state with the identity of the job.
func (d refreshDir) load(identity redact.String) (refreshState, error) {
	var s refreshState
	sealed, err := os.ReadFile(filepath.Join(d.path, refreshFile))
	if err != nil {
		return s, fmt.Errorf("read the state of refresh: %w", err)
	}
	with, err := envelope.ParseIdentities(identity)
	if err != nil {
		return s, actions.Fault{Problem: "the variable " + d.identityVariable() + " " + err.Error(), Cure: "it is set for the later steps of the job that minted with refresh: true"}
	}
	opened, err := envelope.Open(string(sealed), with)
	if err != nil {
		return s, fmt.Errorf("the state of refresh %w", err)
	}
	if err := json.Unmarshal([]byte(opened.Values[refreshFile].Reveal()), &s); err != nil {
		return s, errors.New("the state of refresh makes no sense")
	}
	return s, nil
}

// locked runs f while nobody else does: ten clones at once need one mint.
func (d refreshDir) locked(f func() error) error {
	lock, err := os.OpenFile(filepath.Join(d.path, refreshLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock the state of refresh: %w", err)
	}
	defer func() { _ = lock.Close() }() // which unlocks
	if err := exclusive(lock); err != nil {
		return fmt.Errorf("lock the state of refresh: %w", err)
	}
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
		err = r.SaveState(actions.Pair{Name: stateRefresh, Value: filepath.Base(d.path)}, actions.Pair{Name: stateIdentity, Value: identity.Reveal()})
	}
	if err != nil {
		d.remove()
	}
	return d, []actions.Pair{{Name: d.identityVariable(), Value: identity.Reveal()}}, err
}

// endRefresh revokes what refresh made beside the token of the state, and removes the
// directory, in which the App's key lies. Without an api the tokens are kept.
func (p Process) endRefresh(ctx context.Context, r *actions.Runner, api *githubapp.API) {
	name := r.State(stateRefresh)
	if !strings.HasPrefix(name, refreshPrefix) || name != filepath.Base(name) {
		return
	}
	d := refreshDir{filepath.Join(p.Getenv("RUNNER_TEMP"), name)}
	defer d.remove()
	if api == nil {
		return
	}
	s, err := d.load(redact.New(r.State(stateIdentity)))
	if err != nil {
		r.Warning("what refresh minted is not known, and lives until it expires: %v", err)
		return
	}
	others := slices.DeleteFunc(s.Tokens, func(t liveToken) bool { return t.Value.Reveal() == r.State(stateToken) })
	endTokens(ctx, r, api, others...)
}
