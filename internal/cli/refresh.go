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
	Server       string          `json:"server"`
	Reach        reach           `json:"reach"` // what git is answered for
	Installation int64           `json:"installation"`
	Scope        githubapp.Scope `json:"scope"`
	Tokens       []liveToken     `json:"tokens"`    // the last one is handed out
	Recipient    string          `json:"recipient"` // whom the file is for
}

type liveToken struct {
	Value     storedSecret `json:"value"`
	Expires   time.Time    `json:"expires"`
	Announced bool         `json:"announced"` // the runner masks it in every later step
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

// fresh gives a token with enough life left, minting one where that is needed.
// announce, which may be nil, is called once for a token that the runner has not been
// told of.
func (p Process) fresh(
	ctx context.Context, r *actions.Runner, d refreshDir, announce func(redact.String),
) (t liveToken, err error) {
	err = d.locked(func() error {
		identity := redact.New(p.Getenv(d.identityVariable()))
		r.Mask(identity)
		s, err := d.load(identity)
		if err != nil {
			return err
		}
		minted := false
		if n := len(s.Tokens); n == 0 || time.Until(s.Tokens[n-1].Expires) <= refreshBefore {
			if t, err = p.again(ctx, r, s); err != nil {
				return err
			}
			s.Tokens, minted = append(alive(s.Tokens), t), true
		}
		last := &s.Tokens[len(s.Tokens)-1]
		r.Mask(actions.Forms(last.Value.String)...)
		told := announce != nil && !last.Announced
		if told {
			announce(last.Value.String)
			last.Announced = true
		}
		t = *last
		if minted || told {
			return d.save(s)
		}
		return nil
	})
	return t, err
}

// again mints what the state says.
func (p Process) again(ctx context.Context, r *actions.Runner, s refreshState) (liveToken, error) {
	r.Mask(actions.Lines(s.Key.String)...)
	key, err := githubapp.ParseKey(s.Key.String)
	if err != nil {
		return liveToken{}, err
	}
	api, err := p.connect(r, host{URL: s.URL, Roots: []byte(s.Roots)})
	if err != nil {
		return liveToken{}, err
	}
	app, err := api.App(s.Issuer, key)
	if err != nil {
		return liveToken{}, err
	}
	ctx, cancel := inTime(ctx)
	defer cancel()
	m := minted{mintRequest{Scope: s.Scope}, githubapp.Installation{ID: s.Installation, Account: s.Reach.Owner}, githubapp.Token{}}
	if m.Token, err = app.Mint(ctx, m.Installation, s.Scope); err != nil {
		return liveToken{}, err
	}
	if err := m.sameScope(); err != nil {
		takeBack(ctx, r, api, m.Token)
		return liveToken{}, err
	}
	return liveToken{Value: storedSecret{m.Token.Value}, Expires: m.Token.ExpiresAt}, nil
}

// alive drops the tokens that have expired.
func alive(tokens []liveToken) []liveToken {
	var left []liveToken
	for _, t := range tokens {
		if time.Now().Before(t.Expires) {
			left = append(left, t)
		}
	}
	return left
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
		Issuer: m.Issuer, Key: storedSecret{m.KeyText}, URL: m.Host.URL, Roots: string(m.Host.Roots), Server: m.Loan.Server, Reach: w,
		Installation: m.Installation.ID, Scope: m.Scope, Recipient: recipient,
		Tokens: []liveToken{{Value: storedSecret{m.Token.Value}, Expires: m.Token.ExpiresAt, Announced: true}}, // as all that this stage minted
	})
	if err == nil {
		err = r.SaveState(actions.Pair{Name: stateRefresh, Value: filepath.Base(d.path)}, actions.Pair{Name: stateIdentity, Value: identity.Reveal()})
	}
	if err != nil {
		d.remove()
	}
	return d, []actions.Pair{{Name: d.identityVariable(), Value: identity.Reveal()}}, err
}

// endRefresh gives the tokens that are still alive, and removes the directory.
func (p Process) endRefresh(r *actions.Runner) []liveToken {
	name := r.State(stateRefresh)
	if !strings.HasPrefix(name, refreshPrefix) || name != filepath.Base(name) {
		return nil
	}
	d := refreshDir{filepath.Join(p.Getenv("RUNNER_TEMP"), name)}
	defer d.remove()
	s, err := d.load(redact.New(r.State(stateIdentity)))
	if err != nil {
		r.Warning("what refresh minted is not known, and lives until it expires: %v", err)
	}
	return alive(s.Tokens)
}
