package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
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

// refreshed runs a mint with refresh: true, and hands its variables to the
// later steps.
func refreshed(t *testing.T, prepare ...func(*step)) (*step, refreshDir) {
	t.Helper()
	s := newStep(t, map[string]string{"INPUT_GIT": "true", "INPUT_REFRESH": "true", "RUNNER_TEMP": t.TempDir()})
	for _, f := range prepare {
		f(s)
	}
	s.run(t, "mint")
	if s.exit != exitOK {
		t.Fatal(s.log.String())
	}
	for file, prefix := range map[string]string{"GITHUB_STATE": "STATE_", "GITHUB_ENV": ""} {
		pairs, err := fakerunner.ReadPairs(s.env[file])
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range pairs {
			s.env[prefix+name] = value
		}
	}
	return s, refreshDir{filepath.Join(s.env["RUNNER_TEMP"], s.env["STATE_"+stateRefresh])}
}

// changeState changes the state in the directory, or only looks at it.
func (s *step) changeState(t *testing.T, dir refreshDir, change func(*refreshState)) {
	t.Helper()
	state, err := dir.load(redact.New(s.env[dir.identityVariable()]))
	if err == nil {
		change(&state)
		err = dir.save(state)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// mints is how many tokens have been minted after some time.
type mints struct {
	wait time.Duration
	want int
}

// checkMints asks for the job's token at one time after the other, and checks
// that the token is alive and that no more were minted than needed.
func (s *step) checkMints(t *testing.T, dir refreshDir, times []mints) {
	t.Helper()
	p := s.process(t)
	for _, m := range times {
		time.Sleep(m.wait)
		token, err := currentToken(context.Background(), p, p.runner(), dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(s.Tokens()); n != m.want || !s.Alive(token.Value.Reveal()) {
			t.Errorf("after %s: %d mints, want %d; alive is %v", m.wait, n, m.want, s.Alive(token.Value.Reveal()))
		}
	}
}

func TestRefreshOverTime(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		s, dir := refreshed(t)
		s.checkMints(t, dir, []mints{{0, 1}, {54 * time.Minute, 1}, {2 * time.Minute, 2}, {54 * time.Minute, 2}, {3 * time.Hour, 3}})
		s.ResetRequests()
		s.run(t, "post")
		if _, err := os.Stat(dir.path); !os.IsNotExist(err) {
			t.Errorf("the directory is left behind: %v", err)
		}
		s.checkRevoked(t)
		if want := "DELETE /installation/token, DELETE /installation/token"; s.requests() != want {
			t.Errorf("asked %s, want the revocation of main's token and of the last one: the other was sent one before", s.requests())
		}
	})
}

// Ten clones that start at the end of a token's life take one mint.
func TestRefreshIsShared(t *testing.T) {
	s, dir := refreshed(t)
	p := s.process(t)
	s.changeState(t, dir, func(state *refreshState) { state.Tokens[0].Expires = time.Now().Add(time.Minute) })
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
		if value != s.Tokens()[1].Value {
			t.Error("not all got the same new token")
		}
	}
	if n := len(s.Tokens()); n != 2 {
		t.Errorf("%d mints, want 2", n)
	}
}

// The helper redacts its own secrets in the lines that it writes, and masks
// nothing, since no runner reads them.
func TestRefreshKnowsItsSecrets(t *testing.T) {
	testKey()
	synctest.Test(t, func(t *testing.T) {
		s, dir := refreshed(t)
		time.Sleep(56 * time.Minute)
		for _, what := range []string{"minting", "handing out"} {
			var log strings.Builder
			p := s.process(t)
			p.Stderr = &log
			r := p.plain()
			token, err := currentToken(context.Background(), p, r, dir, nil)
			if err != nil || len(s.Tokens()) != 2 {
				t.Fatalf("%d mints, %v", len(s.Tokens()), err)
			}
			secrets := append(actions.Encodings(token.Value.String), redact.New(s.env[dir.identityVariable()]))
			if what == "minting" {
				secrets = append(secrets, actions.LongLines(redact.New(testKey()))...)
			}
			for _, secret := range secrets {
				r.Error("it is %s", secret.Reveal())
			}
			if want := strings.Repeat("error: it is ***\n", len(secrets)); log.String() != want {
				t.Errorf("%s: of %d secrets, not all are hidden, or more is written", what, len(secrets))
			}
		}
	})
}

// The state on disk is useless without the job's environment.
func TestRefreshStateIsSealed(t *testing.T) {
	s, dir := refreshed(t)
	for _, file := range []string{refreshFile, refreshProgram} {
		info, err := os.Stat(filepath.Join(dir.path, file))
		if err != nil || (runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0) { // there are no such modes there
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir.path, refreshFile))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), s.Tokens()[0].Value) || strings.Contains(string(text), "PRIVATE KEY") {
		t.Error("the state is readable")
	}
	if _, err := dir.load(redact.New("")); err == nil {
		t.Error("the state opens without the identity")
	}
	var empty githubapp.Scope
	state, err := dir.load(redact.New(s.env[dir.identityVariable()]))
	if err != nil || len(state.Scope.Repositories) == 0 || state.Scope.AllRepositories != empty.AllRepositories {
		t.Errorf("the state does not say what to mint: %v", err)
	}
	s.checkHidden(t)
}

// Post removes the key even if the token is left alive on purpose.
func TestRefreshLeavesNoKeyBehind(t *testing.T) {
	s, dir := refreshed(t, func(s *step) { s.env["INPUT_SKIP-TOKEN-REVOKE"] = "true" })
	s.run(t, "post")
	if _, err := os.Stat(dir.path); !os.IsNotExist(err) {
		t.Errorf("the directory is left behind: %v", err)
	}
	if !s.Alive(s.Tokens()[0].Value) {
		t.Error("the token was to be left alive")
	}
}

func TestStoredSecretIsNotShown(t *testing.T) {
	secret := rand.Text()
	s := refreshState{Key: storedKey{PEM: storedSecret{redact.New(secret)}}, Tokens: []liveToken{{Value: storedSecret{redact.New(secret)}}}}
	if text := fmt.Sprintf("%v %+v %#v %s", s, s, s, s.Key); strings.Contains(text, secret) {
		t.Errorf("the state shows its secrets: %s", text)
	}
}

// The hint for a state that was tampered with is not the one for a file or an
// envelope that a user gave.
func TestRefreshSaysWhatHelps(t *testing.T) {
	s, dir := refreshed(t)
	path, identity := filepath.Join(dir.path, refreshFile), redact.New(s.env[dir.identityVariable()])
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
