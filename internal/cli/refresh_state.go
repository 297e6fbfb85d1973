package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/envelope"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/safefile"
)

// refreshState is the content of the state file.
type refreshState struct {
	Issuer       string          `json:"issuer"`
	Key          storedKey       `json:"key"`
	URL          string          `json:"url"`
	Roots        string          `json:"roots"`
	InsecureHTTP bool            `json:"insecure_http"`
	Server       string          `json:"server"`
	Reach        reach           `json:"reach"` // the repositories that git gets an answer for
	Installation int64           `json:"installation"`
	Scope        githubapp.Scope `json:"scope"`
	Tokens       []liveToken     `json:"tokens"`    // the last of them is handed out
	Recipient    string          `json:"recipient"` // of the file
}

// liveToken is a token that has to be revoked. Its times are by GitHub's clock.
type liveToken struct {
	Value     storedSecret  `json:"value"`
	Minted    time.Time     `json:"minted"`
	Expires   time.Time     `json:"expires"`
	Skew      time.Duration `json:"skew"`      // how far GitHub's clock was ahead of this machine's at the mint
	Announced bool          `json:"announced"` // the runner masks it in every later step
}

// unexpired reports whether the token will live long enough to be handed out,
// at a time of this machine. It reports false for a time before the token was
// minted: this machine's clock was set since, so nothing is known.
func (t liveToken) unexpired(now time.Time) bool {
	now = now.Add(t.Skew)
	return now.After(t.Minted.Add(-time.Minute)) && t.Expires.Sub(now) > refreshBefore
}

// storedSecret prints as *** like any secret, except in JSON, which is sealed
// before it goes anywhere.
type storedSecret struct{ redact.String }

// MarshalJSON reveals the secret to [refreshDir.save], which seals it.
func (s storedSecret) MarshalJSON() ([]byte, error) { return json.Marshal(s.Reveal()) }

// UnmarshalJSON reads the secret back.
func (s *storedSecret) UnmarshalJSON(data []byte) error {
	var v string
	if err := json.Unmarshal(data, &v); err != nil {
		return errors.New("the secret is not a string")
	}
	s.String = redact.New(v)
	return nil
}

// save writes the state, sealed, in one step: a reader sees the old one or the
// new one.
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
			Hint: "give ca-bundle only the certificates that are needed",
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

// mintAnew is the only hint that helps if somebody else changed the state.
// Those of a file or an envelope that a user gave would mislead.
const mintAnew = "find out what else writes below RUNNER_TEMP, and mint again with refresh: true, which makes another state"

// load opens the state with the identity of the job.
func (d refreshDir) load(identity redact.String) (refreshState, error) {
	var s refreshState
	if info, err := os.Lstat(d.path); err == nil && !info.IsDir() {
		return s, errors.New("the directory of refresh was swapped for something else")
	}
	sealed, err := safefile.ReadOwn(filepath.Join(d.path, refreshFile), maxRefresh)
	if err != nil {
		return s, fault.New("read the state of refresh: "+err.Error(), mintAnew)
	}
	with, err := envelope.ParseIdentities(identity)
	if err != nil {
		return s, &fault.Error{
			Problem: "the variable " + d.identityVariable() + " " + err.Error(),
			Hint:    "it is set for the later steps of the job that minted with refresh: true",
		}
	}
	opened, err := envelope.Open(string(sealed), with)
	if err != nil {
		return s, fault.New("the state of refresh "+err.Error(), mintAnew)
	}
	if err := json.Unmarshal([]byte(opened.Values[refreshFile].Reveal()), &s); err != nil {
		return s, fault.New("the state of refresh makes no sense", mintAnew)
	}
	return s, nil
}
