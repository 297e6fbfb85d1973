package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/actions"
	"github.com/valetkey/valetkey/internal/fakerunner"
	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/githubapp"
	"github.com/valetkey/valetkey/internal/redact"
)

// refreshed is a job with refresh: true, an hour or more of it, without waiting.
func refreshed(t *testing.T, prepare ...func(*day)) (*day, refreshDir) {
	t.Helper()
	d := newDay(t, map[string]string{"INPUT_GIT": "true", "INPUT_REFRESH": "true", "RUNNER_TEMP": t.TempDir()})
	for _, f := range prepare {
		f(d)
	}
	d.run(t, "mint")
	if d.exit != exitOK {
		t.Fatal(d.log.String())
	}
	for file, prefix := range map[string]string{"GITHUB_STATE": "STATE_", "GITHUB_ENV": ""} {
		pairs, err := fakerunner.ReadPairs(d.env[file])
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range pairs {
			d.env[prefix+name] = value
		}
	}
	return d, refreshDir{filepath.Join(d.env["RUNNER_TEMP"], d.env["STATE_"+stateRefresh])}
}

func TestRefreshOverTime(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		d, dir := refreshed(t)
		p := d.process(t)
		for _, step := range []struct {
			wait  time.Duration
			mints int
		}{{0, 1}, {54 * time.Minute, 1}, {2 * time.Minute, 2}, {54 * time.Minute, 2}, {3 * time.Hour, 3}} {
			time.Sleep(step.wait)
			token, err := currentToken(context.Background(), p, p.runner(), dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(d.Tokens()); n != step.mints || !d.Alive(token.Value.Reveal()) {
				t.Errorf("after %s: %d mints, want %d; alive is %v", step.wait, n, step.mints, d.Alive(token.Value.Reveal()))
			}
		}
		d.ResetRequests()
		d.run(t, "post")
		if _, err := os.Stat(dir.path); !os.IsNotExist(err) {
			t.Errorf("the directory is left behind: %v", err)
		}
		for i, token := range d.Tokens() {
			if d.Alive(token.Value) {
				t.Errorf("token %d is alive", i)
			}
		}
		if want := "DELETE /installation/token, DELETE /installation/token"; d.asked() != want {
			t.Errorf("asked %s, want the revocation of main's token and of the last one: the other was sent one before", d.asked())
		}
	})
}

// Ten clones at once, at the end of a token's life, need one mint.
func TestRefreshIsShared(t *testing.T) {
	d, dir := refreshed(t)
	p := d.process(t)
	s, err := dir.load(redact.New(d.env[dir.identityVariable()]))
	if err != nil {
		t.Fatal(err)
	}
	s.Tokens[0].Expires = time.Now().Add(time.Minute)
	if err := dir.save(s); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	values := make([]string, 10)
	for i := range values {
		all.Go(func() {
			token, err := currentToken(t.Context(), p, Process{Getenv: p.Getenv, Stdout: &strings.Builder{}}.runner(), dir, nil)
			if err != nil {
				t.Error(err)
			}
			values[i] = token.Value.Reveal()
		})
	}
	all.Wait()
	for _, value := range values {
		if value != d.Tokens()[1].Value {
			t.Error("not all got the same new token")
		}
	}
	if n := len(d.Tokens()); n != 2 {
		t.Errorf("%d mints, want 2", n)
	}
}

// A helper takes out of its own lines what it knows, and tells nobody of it.
func TestRefreshKnowsItsSecrets(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		d, dir := refreshed(t)
		time.Sleep(56 * time.Minute)
		for _, what := range []string{"minting", "handing out"} {
			var log strings.Builder
			p := d.process(t)
			p.Stderr = &log
			r := p.plain()
			token, err := currentToken(context.Background(), p, r, dir, nil)
			if err != nil || len(d.Tokens()) != 2 {
				t.Fatalf("%d mints, %v", len(d.Tokens()), err)
			}
			secrets := append(actions.Forms(token.Value.String), redact.New(d.env[dir.identityVariable()]))
			if what == "minting" {
				secrets = append(secrets, actions.Lines(redact.New(testKey()))...)
			}
			for _, s := range secrets {
				r.Error("it is %s", s.Reveal())
			}
			if want := strings.Repeat("error: it is ***\n", len(secrets)); log.String() != want {
				t.Errorf("%s: of %d secrets, not all are hidden, or more is written", what, len(secrets))
			}
		}
	})
}

// What lies on disk is of no use without the job's environment.
func TestRefreshStateIsSealed(t *testing.T) {
	d, dir := refreshed(t)
	for _, file := range []string{refreshFile, refreshProgram} {
		info, err := os.Stat(filepath.Join(dir.path, file))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir.path, refreshFile))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), d.Tokens()[0].Value) || strings.Contains(string(text), "PRIVATE KEY") {
		t.Error("the state is readable")
	}
	if _, err := dir.load(redact.New("")); err == nil {
		t.Error("the state opens without the identity")
	}
	var empty githubapp.Scope
	s, err := dir.load(redact.New(d.env[dir.identityVariable()]))
	if err != nil || len(s.Scope.Repositories) == 0 || s.Scope.AllRepositories != empty.AllRepositories {
		t.Errorf("the state does not say what to mint: %v", err)
	}
	d.checkHidden(t)
}

// A token that is left alive on purpose leaves no key behind all the same.
func TestRefreshLeavesNoKeyBehind(t *testing.T) {
	d, dir := refreshed(t, func(d *day) { d.env["INPUT_SKIP-TOKEN-REVOKE"] = "true" })
	d.run(t, "post")
	if _, err := os.Stat(dir.path); !os.IsNotExist(err) {
		t.Errorf("the directory is left behind: %v", err)
	}
	if !d.Alive(d.Tokens()[0].Value) {
		t.Error("the token was to be left alive")
	}
}

func TestStoredSecretIsNotShown(t *testing.T) {
	secret := rand.Text()
	s := refreshState{Key: storedSecret{redact.New(secret)}, Tokens: []liveToken{{Value: storedSecret{redact.New(secret)}}}}
	if text := fmt.Sprintf("%v %+v %#v %s", s, s, s, s.Key); strings.Contains(text, secret) {
		t.Errorf("the state shows its secrets: %s", text)
	}
}

// What helps against a state that was tampered with is not what helps against a file
// or an envelope that a user gave.
func TestRefreshSaysWhatHelps(t *testing.T) {
	d, dir := refreshed(t)
	path, identity := filepath.Join(dir.path, refreshFile), redact.New(d.env[dir.identityVariable()])
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, tamper := range map[string]func() error{
		"cut off": func() error { return os.WriteFile(path, whole[:100], 0o600) },
		"a link":  func() error { return os.Symlink(os.DevNull, path) },
		"gone":    func() error { return nil },
	} {
		if err := errors.Join(os.Remove(path), tamper()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if _, err := dir.load(identity); fault.Hint(err) != mintAnew {
			t.Errorf("%s: %v, hint %q", name, err, fault.Hint(err))
		}
	}
}
