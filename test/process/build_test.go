//go:build unix

package process_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/test/program"
)

// A release names its image by digest in each action.yml, and the image is built
// before its digest is known. So the program must not contain what an action.yml
// runs.
func TestWhatActionsRunIsNotInTheProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program twice")
	}
	files, err := filepath.Glob("../../*/action.yml")
	if err != nil {
		t.Fatal(err)
	}
	replaced := map[string]string{}
	dir := t.TempDir()
	for _, path := range append(files, "../../action.yml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, _, ok := strings.Cut(string(text), "\nruns:\n")
		if !ok {
			t.Fatalf("%s does not say what it runs", path)
		}
		before += "\nruns:\n  using: docker\n  image: docker://example.com/other@sha256:00\n"
		other := filepath.Join(dir, strings.ReplaceAll(path, "/", "-"))
		if err := os.WriteFile(other, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		if path, err = filepath.Abs(path); err != nil {
			t.Fatal(err)
		}
		replaced[path] = other
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile, first, second := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "first"), filepath.Join(dir, "second")
	err = errors.Join(
		os.WriteFile(overlayFile, overlay, 0o600),
		program.BuildReleased("../..", first),
		program.BuildReleased("../..", second, "GOFLAGS=-overlay="+overlayFile),
	)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, first), read(t, second)) {
		t.Error("with another image in each action.yml, the program is another one")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
