//go:build unix

package actions

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soon fails the test if a call does not return, as with a named pipe.
func soon(t *testing.T, call func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		call()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("it blocks")
	}
}

func pipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A file of the runner's that is not a plain file is an error, and does not
// block.
func TestRunnerFileIsNone(t *testing.T) {
	read := pipe(t)
	reader, err := os.OpenFile(read, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	const notPlain = "GITHUB_OUTPUT can't be written: it is no longer the plain file that the runner made"
	for _, c := range []struct{ name, path, runner, want string }{
		{"a pipe without a reader", pipe(t), "true", "GITHUB_OUTPUT can't be written: open "},
		{"a pipe without a reader, no runner", pipe(t), "", "GITHUB_OUTPUT can't be written: open "},
		{"a pipe with a reader", read, "true", notPlain},
		{"a device", "/dev/null", "true", notPlain},
		{"a device, no runner", "/dev/null", "", ""},
	} {
		r, _ := newRunner(t, map[string]string{"GITHUB_OUTPUT": c.path, "GITHUB_ACTIONS": c.runner})
		for what, call := range map[string]func() error{
			"check": r.CheckFiles, "output": func() error { return r.Output(Pair{"a", "b"}) },
		} {
			soon(t, func() {
				err := call()
				if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
					t.Errorf("%s, %s: %v, want %s", c.name, what, err, c.want)
				}
			})
		}
	}
}

// An event that can't be read counts as no fork, and does not block.
func TestEventIsNone(t *testing.T) {
	fork := `{"pull_request":{"head":{"repo":{"full_name":"stranger/api"}}}}`
	file := filepath.Join(t.TempDir(), "event.json")
	for _, c := range []struct {
		name, text string
		fork       bool
	}{
		{"from a fork", fork, true},
		{"cut off", fork[:len(fork)-1], false},
		{"with something behind it", fork + "}", false},
		{"too large", fork + strings.Repeat(" ", maxEvent), false},
		{"a pipe", "", false},
	} {
		path := file
		if c.text == "" {
			path = pipe(t)
		} else if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		r, _ := newRunner(t, map[string]string{
			"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": path, "GITHUB_REPOSITORY": "acme/api",
		})
		soon(t, func() {
			if cause, _ := r.WithoutSecrets(""); (cause != "") != c.fork {
				t.Errorf("%s: %q", c.name, cause)
			}
		})
	}
}
