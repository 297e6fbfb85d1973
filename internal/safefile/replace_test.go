//go:build unix

package safefile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func write(text string) func(*os.File) error {
	return func(f *os.File) error {
		_, err := f.WriteString(text)
		return err
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestReplace(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"file", "a/b/file", filepath.Join(t.TempDir(), "c", "file")} {
		for _, text := range []string{"the first one, which is longer", "the second"} {
			if err := Replace(path, write(text)); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != text {
				t.Errorf("%s: %s, %v", path, got, err)
			}
			if got := names(t, filepath.Dir(path)); !slices.Contains(got, "file") || strings.Contains(fmt.Sprint(got), temporaryInfix) {
				t.Errorf("%s: there is %v", path, got)
			}
			if err := os.Chmod(path, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if err := Replace(path, write("last")); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if info, err := os.Stat("a"); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("a directory that was made: %v, %v", info.Mode(), err)
	}
}

// A writer that fails leaves the old file and nothing beside it.
func TestReplaceFails(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "file", "old")
	for name, f := range map[string]func(*os.File) error{
		"half":   func(f *os.File) error { return errors.Join(write("ha")(f), io.ErrUnexpectedEOF) },
		"closed": func(f *os.File) error { return f.Close() },
	} {
		if err := Replace("file", f); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got, err := os.ReadFile("file"); err != nil || string(got) != "old" {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		if got := names(t, "."); !slices.Equal(got, []string{"file"}) {
			t.Errorf("%s: there is %v", name, got)
		}
	}
}

// The directory stays open: it does not matter where its name leads meanwhile.
func TestReplaceStaysInItsDirectory(t *testing.T) {
	elsewhere := t.TempDir()
	t.Chdir(t.TempDir())
	put(t, "dir/file", "old")
	err := Replace("dir/file", func(f *os.File) error {
		return errors.Join(write("new")(f), os.Rename("dir", "moved"), os.Symlink(elsewhere, "dir"))
	})
	if got, readErr := os.ReadFile("moved/file"); err != nil || readErr != nil || string(got) != "new" {
		t.Errorf("%v: %s, %v", err, got, readErr)
	}
	if got := names(t, elsewhere); len(got) > 0 {
		t.Errorf("elsewhere there is %v", got)
	}
}

// A link that takes the file's place while it is written is replaced, not
// followed.
func TestReplaceDoesNotFollow(t *testing.T) {
	victim := put(t, filepath.Join(t.TempDir(), "victim"), "theirs")
	t.Chdir(t.TempDir())
	err := Replace("file", func(f *os.File) error { return errors.Join(write("new")(f), os.Symlink(victim, "file")) })
	if got, readErr := os.ReadFile("file"); err != nil || readErr != nil || string(got) != "new" {
		t.Errorf("%v: %s, %v", err, got, readErr)
	}
	if got, err := os.ReadFile(victim); err != nil || string(got) != "theirs" {
		t.Errorf("%s, %v", got, err)
	}
}

// Of concurrent writers one wins, and every reader sees a whole file.
func TestReplaceAtOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	whole := func(got []byte) bool {
		return len(got) == 1<<16 && strings.Trim(string(got), string(got[:1])) == ""
	}
	if err := Replace("file", write(strings.Repeat("z", 1<<16))); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 20 {
				if err := Replace("file", write(strings.Repeat(string(rune('a'+i)), 1<<16))); err != nil {
					t.Error(err)
				}
				if got, err := ReadOwn("file", 1<<16); err != nil || !whole(got) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			}
		})
	}
	all.Wait()
	if got := names(t, "."); !slices.Equal(got, []string{"file"}) {
		t.Errorf("there is %v", got)
	}
}

// halfWriter turns this test program into a writer that is killed in the
// middle.
const halfWriter = "SAFEFILE_TEST_HALF_WRITER"

func TestReplaceKilled(t *testing.T) {
	if path := os.Getenv(halfWriter); path != "" {
		_ = Replace(path, func(f *os.File) error {
			_, _ = f.WriteString("ha")
			fmt.Println("half")
			select {}
		})
		return
	}
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "file"), "old")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestReplaceKilled$")
	cmd.Env = append(os.Environ(), halfWriter+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("%s, %v", got, err)
	}
	if got := names(t, dir); len(got) != 2 {
		t.Fatalf("there is %v: it was not killed in the middle", got)
	}
	put(t, filepath.Join(dir, "file-1"+temporaryInfix+"x"), "another's")
	if err := os.Mkdir(filepath.Join(dir, "file"+temporaryInfix+"dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	Sweep(path)
	want := []string{"file", "file-1" + temporaryInfix + "x", "file" + temporaryInfix + "dir"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("there is %v, want %v", got, want)
	}
}

// Sweep removes nothing behind a link that leads out of the workspace.
func TestSweepStays(t *testing.T) {
	elsewhere := t.TempDir()
	put(t, filepath.Join(elsewhere, "file"+temporaryInfix+"x"), "theirs")
	t.Chdir(t.TempDir())
	link(t, elsewhere, "dir")
	Sweep("dir/file")
	if got := names(t, elsewhere); len(got) != 1 {
		t.Error("it is gone")
	}
}
