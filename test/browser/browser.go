// Package browser drives a real Chromium without a window, for the tests below
// this folder and for whoever takes pictures of pages. It speaks the DevTools
// protocol through a pipe, so that it needs no port and no module.
//
// A [Page] is looked at as assistive technology sees it: by roles and names.
// The package never becomes part of the program. Start at [Start].
package browser

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// names are those of the program, by the distributions that have it.
var names = []string{"chromium", "chromium-browser", "google-chrome"}

// Chromium is a running browser.
type Chromium struct {
	commands *os.File

	mu      sync.Mutex
	next    int
	answers map[int]chan answer
	events  func(session, method string, params json.RawMessage)
	err     error // why it ended
}

type answer struct {
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// Start starts a browser that ends with the test. It skips the test where there
// is no Chromium, unless VALETKEY_BROWSER is set.
func Start(t *testing.T) *Chromium {
	t.Helper()
	program := ""
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	switch {
	case program == "" && os.Getenv("VALETKEY_BROWSER") != "":
		t.Fatalf("none of %s is installed", strings.Join(names, ", "))
	case program == "":
		t.Skipf("none of %s is installed", strings.Join(names, ", "))
	}
	c, err := start(t, program)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func start(t *testing.T, program string) (*Chromium, error) {
	t.Helper()
	theirs, commands, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	messages, said, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	args := []string{
		"--headless", "--remote-debugging-pipe", "--user-data-dir=" + t.TempDir(), "--no-first-run", "--disable-gpu",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
	}
	if os.Getuid() == 0 {
		args = append(args, "--no-sandbox") // it has none for root
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.ExtraFiles = []*os.File{theirs, said} // file descriptors 3 and 4
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	_, _ = theirs.Close(), said.Close()
	c := &Chromium{commands: commands, answers: map[int]chan answer{}, events: func(string, string, json.RawMessage) {}}
	read := make(chan struct{})
	go func() { defer close(read); c.read(messages) }()
	t.Cleanup(func() {
		_, _ = c.call("", "Browser.close", nil)
		_ = cmd.Wait()
		<-read
		_, _ = commands.Close(), messages.Close()
	})
	return c, nil
}

// read takes the browser's messages apart, until it ends.
func (c *Chromium) read(from *os.File) {
	r := bufio.NewReader(from)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			c.end(errors.New("the browser has ended"))
			return
		}
		var message struct {
			ID      int             `json:"id"`
			Session string          `json:"sessionId"`
			Method  string          `json:"method"`
			Params  json.RawMessage `json:"params"`
			answer
		}
		if err := json.Unmarshal(text[:len(text)-1], &message); err != nil {
			c.end(err)
			return
		}
		c.mu.Lock()
		to, events := c.answers[message.ID], c.events
		delete(c.answers, message.ID)
		c.mu.Unlock()
		switch {
		case to != nil:
			to <- message.answer
		case message.Method != "":
			events(message.Session, message.Method, message.Params)
		}
	}
}

func (c *Chromium) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	for id, to := range c.answers {
		close(to)
		delete(c.answers, id)
	}
}

// patience is how long the browser may take for one command.
const patience = time.Minute

// call sends a command, to a page or (without a session) to the browser.
func (c *Chromium) call(session, method string, params any) (json.RawMessage, error) {
	to := make(chan answer, 1)
	c.mu.Lock()
	c.next++
	id, ended := c.next, c.err
	c.answers[id] = to
	c.mu.Unlock()
	if ended != nil {
		return nil, ended
	}
	if params == nil {
		params = struct{}{}
	}
	text, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params, "sessionId": session})
	if session == "" {
		text, err = json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	}
	if err == nil {
		_, err = c.commands.Write(append(text, 0))
	}
	if err != nil {
		return nil, err
	}
	select {
	case got, ok := <-to:
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: the browser has ended", method)
		case got.Error != nil:
			return nil, fmt.Errorf("%s: %s", method, got.Error.Message)
		}
		return got.Result, nil
	case <-time.After(patience):
		return nil, fmt.Errorf("%s: no answer", method)
	}
}
