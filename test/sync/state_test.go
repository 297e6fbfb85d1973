//go:build unix

package sync_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func (f *killFixture) temporary() []string {
	left, err := filepath.Glob(f.env["INPUT_STATE-FILE"] + ".*")
	if err != nil {
		f.tb.Fatal(err)
	}
	return left
}

// touched returns the time at which the state file changed.
func (f *killFixture) touched() time.Time {
	info, err := os.Stat(f.env["INPUT_STATE-FILE"])
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

type stateEntry struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	UpdatedAt   string `json:"updated_at"`
	AnsweredAt  string `json:"answered_at"`
}

// state reads the state file without the program's own code: whole lines of
// JSON, a head first and an end last.
func (f *killFixture) state() map[string]stateEntry {
	f.tb.Helper()
	text, err := os.ReadFile(f.env["INPUT_STATE-FILE"])
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		f.tb.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	head, end := `{"valetkey":`, fmt.Sprintf(`{"places":%d,`, len(lines)-2)
	if len(lines) < 2 || !strings.HasPrefix(lines[0], head) || !strings.HasPrefix(lines[len(lines)-1], end) ||
		!strings.HasSuffix(string(text), "\n") {
		f.tb.Fatalf("a torn state file of %d lines and %d bytes", len(lines), len(text))
	}
	all := map[string]stateEntry{}
	for _, line := range lines[1 : len(lines)-1] {
		var place struct {
			Repository string       `json:"repository"`
			Secrets    []stateEntry `json:"secrets"`
		}
		if err := json.Unmarshal([]byte(line), &place); err != nil {
			f.tb.Fatalf("a torn line in the state file: %v", err)
		}
		for _, s := range place.Secrets {
			all[place.Repository+" "+s.Name] = s
		}
	}
	return all
}
