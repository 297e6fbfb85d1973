//go:build unix

package safefile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soon fails the test if a call does not return: opening a named pipe waits for
// ever.
func soon(t *testing.T, call func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatal("it waits")
		return nil
	}
}

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func link(t *testing.T, to, path string) string {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func pipe(t *testing.T, path string) string {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func socket(t *testing.T, path string) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return path
}

// device makes a device like /dev/null; a failing test would replace the
// machine's own. Only root may make it.
func device(t *testing.T, path string) (made bool) {
	t.Helper()
	return syscall.Mknod(path, syscall.S_IFCHR|0o600, 1<<8|3) == nil
}

// verbs are the operations on a file.
var verbs = map[string]func(path string) error{
	"read":     func(path string) error { _, err := Read(path, 100); return err },
	"read own": func(path string) error { _, err := ReadOwn(path, 100); return err },
	"replace": func(path string) error {
		return Replace(path, func(f *os.File) error { _, err := f.WriteString("new"); return err })
	},
	"check": Check,
}

// world is a workspace with an attacker's files in it, and a directory
// elsewhere.
func world(t *testing.T) (elsewhere string) {
	t.Helper()
	workspace := t.TempDir()
	elsewhere = t.TempDir()
	t.Chdir(workspace)
	put(t, filepath.Join(elsewhere, "secret"), "theirs")
	put(t, "file", "text")
	put(t, "sub/file", "text")
	put(t, "large", strings.Repeat("x", 101))
	link(t, "file", "inside")
	link(t, "sub", "sublink")
	link(t, filepath.Join(elsewhere, "secret"), "outside")
	link(t, filepath.Join("..", filepath.Base(elsewhere), "secret"), "relative")
	link(t, elsewhere, "outdir")
	link(t, "loop", "loop")
	link(t, "/dev/zero", "zero")
	pipe(t, "pipe")
	link(t, "pipe", "pipelink")
	socket(t, "socket")
	return elsewhere
}

// An empty want is success.
func TestWhatIsOpened(t *testing.T) {
	const out, isLink, isDir = "a link leads out of the workspace", "it is a link, which may be somebody else's doing", "it is a directory"
	const noDir = "a part of its path is not a directory"
	elsewhere := world(t)
	link(t, "secret", filepath.Join(elsewhere, "alias"))
	pipe(t, filepath.Join(elsewhere, "pipe"))
	put(t, filepath.Join(elsewhere, "large"), strings.Repeat("x", 101))
	absolute, err := filepath.Abs("outside")
	if err != nil {
		t.Fatal(err)
	}
	large := "it is larger than the 0 KiB that such a file may have"
	for _, c := range []struct{ path, read, own, replace string }{
		{"file", "", "", ""},
		{"./sub/../file", "", "", ""},
		{"sub/file", "", "", ""},
		{"inside", "", isLink, isLink},
		{"sublink/file", "", "", ""},
		{"outside", out, isLink, isLink},
		{absolute, out, isLink, isLink},
		{"relative", out, isLink, isLink},
		{"outdir/secret", out, out, out},
		{"outdir/new", out, out, out},
		{"loop", "too many levels of symbolic links", isLink, isLink},
		{"zero", out, isLink, isLink},
		{"large", large, large, ""},
		{"sub", isDir, isDir, isDir},
		{".", isDir, isDir, isDir},
		{"", isDir, isDir, isDir},
		{"pipe", "it is a named pipe", "it is a named pipe", "it is a named pipe"},
		{"pipelink", "it is a named pipe", isLink, isLink},
		{"socket", "it is a socket", "it is a socket", "it is a socket"},
		{"file/below", noDir, noDir, noDir},
		{"pipe/below", noDir, noDir, noDir},

		{filepath.Join(elsewhere, "secret"), "", "", ""},
		{filepath.Join(elsewhere, "alias"), "", isLink, isLink},
		{filepath.Join(elsewhere, "pipe"), "it is a named pipe", "it is a named pipe", "it is a named pipe"},
		{filepath.Join(elsewhere, "pipe", "below"), noDir, noDir, noDir},
		{filepath.Join(elsewhere, "large"), large, large, ""},
		{elsewhere, isDir, isDir, isDir},
		{"device", "it is a device", "it is a device", "it is a device"},
		{filepath.Join(elsewhere, "device"), "it is a device", "it is a device", "it is a device"},
	} {
		if filepath.Base(c.path) == "device" && !device(t, c.path) {
			continue
		}
		for verb, want := range map[string]string{"read": c.read, "read own": c.own, "check": c.replace, "replace": c.replace} {
			got := ""
			if err := soon(t, func() error { return verbs[verb](c.path) }); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("%s %s: %q, want %q", verb, c.path, got, want)
			}
			put(t, "file", "text") // again as it was
			put(t, "sub/file", "text")
			put(t, "large", strings.Repeat("x", 101))
			put(t, filepath.Join(elsewhere, "large"), strings.Repeat("x", 101))
			text, err := os.ReadFile(filepath.Join(elsewhere, "secret"))
			put(t, filepath.Join(elsewhere, "secret"), "theirs")
			if own := c.path == filepath.Join(elsewhere, "secret"); !own && (err != nil || string(text) != "theirs") {
				t.Fatalf("%s %s changed what lies elsewhere: %s, %v", verb, c.path, text, err)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(elsewhere, "new")); err == nil {
		t.Error("a file was made elsewhere")
	}
}

// An absent file has an error of its own, and no error repeats a path.
func TestAbsent(t *testing.T) {
	elsewhere := world(t)
	for _, path := range []string{
		"nothing", "no/such/file", filepath.Join(elsewhere, "nothing"), filepath.Join(elsewhere, "no/such/file"),
	} {
		for verb, call := range verbs {
			err := call(path)
			want := ""
			if strings.HasPrefix(verb, "read") {
				want = "no such file or directory"
			}
			if fmt.Sprint(err) != cmp.Or(want, "<nil>") || want != "" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s %s: %v", verb, path, err)
			}
			if verb == "replace" {
				_ = os.RemoveAll(path)
			}
		}
		if dir := filepath.Dir(path); dir != "." && dir != elsewhere {
			_ = os.RemoveAll(filepath.Dir(dir))
		}
	}
}

// A file as large as the bound is still read, and read whole.
func TestBound(t *testing.T) {
	t.Chdir(t.TempDir())
	text := strings.Repeat("x", 3<<20)
	put(t, "file", text)
	for _, read := range []func(string, int64) ([]byte, error){Read, ReadOwn} {
		if got, err := read("file", int64(len(text))); err != nil || string(got) != text {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		got, err := read("file", int64(len(text))-1)
		if got != nil || err == nil {
			t.Errorf("%d bytes of a file that is too large", len(got))
		}
		if got, err := read("file", 2<<20); got != nil || err == nil ||
			err.Error() != "it is larger than the 2 MiB that such a file may have" {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
}

// A file that takes another's place between the check and the opening is not
// read, and not waited for.
func TestSwappedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(t.TempDir())
	for _, path := range []string{"file", filepath.Join(dir, "file")} {
		put(t, path, "ours")
		at, err := locate(path)
		if err != nil {
			t.Fatal(err)
		}
		defer at.close()
		before, err := at.root.Lstat(at.name)
		if err != nil {
			t.Fatal(err)
		}
		for what, swap := range map[string]func(){
			"a named pipe": func() { pipe(t, path) },
			"another file": func() { put(t, path, "theirs") },
			"a link":       func() { link(t, filepath.Base(put(t, path+"-2", "theirs")), path) },
		} {
			if err := os.Rename(path, path+"-was"); err != nil { // which keeps its number from being used again
				t.Fatal(err)
			}
			swap()
			err := soon(t, func() error {
				_, err := openSame(at.root, at.name, os.O_RDONLY, before)
				return err
			})
			if err == nil || err.Error() != "it was swapped for another file while it was opened" {
				t.Errorf("%s: %v", what, err)
			}
			if what == "a named pipe" {
				err := soon(t, func() error {
					f, err := at.open()
					if err != nil {
						return err
					}
					defer func() { _ = f.Close() }()
					_, err = readAll(f, 10)
					return err
				})
				if err == nil || err.Error() != "it is a named pipe" {
					t.Errorf("opened: %v", err)
				}
			}
			if err := os.Rename(path+"-was", path); err != nil {
				t.Fatal(err)
			}
		}
	}
}
