package safefile

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key.pem")
	if err := CheckNew(path); err != nil {
		t.Error(err)
	}
	if err := Create(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	link, away := filepath.Join(dir, "link"), filepath.Join(t.TempDir(), "away")
	if err := os.Symlink(away, link); err != nil {
		t.Skip(err)
	}
	for path, want := range map[string]string{
		path:                                  errExists.Error(),
		link:                                  errExists.Error(), // also one that leads nowhere
		dir:                                   errExists.Error(),
		filepath.Join(dir, "none", "key.pem"): errNoDirectory.Error(),
		filepath.Join(path, "key.pem"):        errNotDirectory.Error(),
	} {
		for what, do := range map[string]func() error{
			"CheckNew": func() error { return CheckNew(path) },
			"Create":   func() error { return Create(path, []byte("second")) },
		} {
			if err := do(); err == nil || err.Error() != want {
				t.Errorf("%s(%s): %v, want %s", what, filepath.Base(path), err, want)
			}
		}
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "first" {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := os.Stat(away); err == nil {
		t.Error("it was written through a link")
	}
}
