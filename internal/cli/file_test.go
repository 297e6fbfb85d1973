//go:build unix

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
	"github.com/valetkey/valetkey/internal/safefile"
)

// soon fails where a stage does not come back, as from a named pipe.
func soon(t *testing.T, stage func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		stage()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("it waits")
	}
}

// hostile is a workspace of somebody else's making, with a manifest; elsewhere is what
// it would like to reach.
func hostile(t *testing.T, d *day) (p Process, elsewhere string) {
	t.Helper()
	p, elsewhere = d.process(t), t.TempDir()
	t.Chdir(t.TempDir())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"valetkey.yml": oneSecret + oneRotation, filepath.Join(elsewhere, "valetkey.yml"): oneSecret + oneRotation,
		"large": oneSecret + strings.Repeat("#", maxManifest),
	} {
		must(os.WriteFile(name, []byte(text), 0o600))
	}
	must(os.Mkdir("dir", 0o700))
	must(syscall.Mkfifo("pipe", 0o600))
	for name, to := range map[string]string{
		"inside.yml": "valetkey.yml", "outside.yml": filepath.Join(elsewhere, "valetkey.yml"), "out": elsewhere, "stdout": "/dev/stdout",
	} {
		must(os.Symlink(to, name))
	}
	d.env["INPUT_MANIFEST"] = "valetkey.yml"
	return p, elsewhere
}

// Files of the workspace neither mislead a step nor keep it waiting, and nothing is
// written at GitHub before that is known.
func TestHostileFiles(t *testing.T) {
	const isLink = "it is a link, which may be somebody else's doing"
	d := newFleetDay(t, 1, "", map[string]string{"VALUE": "opensesame-value"})
	p, elsewhere := hostile(t, d)
	before, _ := os.ReadDir(elsewhere)
	for _, c := range []struct{ input, path, want string }{
		{"manifest", "pipe", `input manifest: "pipe" can't be read: it is a named pipe`},
		{"manifest", "dir", `input manifest: "dir" can't be read: it is a directory`},
		{"manifest", "large", `input manifest: "large" can't be read: it is larger than the 1 MiB that such a file may have`},
		{"manifest", "outside.yml", `input manifest: "outside.yml" can't be read: a link leads out of the workspace`},
		{"manifest", "out/valetkey.yml", `input manifest: "out/valetkey.yml" can't be read: a link leads out of the workspace`},
		{"manifest", "/dev/zero", `input manifest: "/dev/zero" can't be read: it is a device`},
		{"report-file", "pipe", `input report-file: "pipe" can't be written: it is a named pipe`},
		{"report-file", "dir", `input report-file: "dir" can't be written: it is a directory`},
		{"report-file", "stdout", `input report-file: "stdout" can't be written: ` + isLink},
		{"report-file", "out/report.json", `input report-file: "out/report.json" can't be written: a link leads out of the workspace`},
		{"report-file", "./valetkey.yml", "input report-file: is the manifest"},
		{"state-file", "pipe", "read the state file: it is a named pipe"},
		{"state-file", "dir", "read the state file: it is a directory"},
		{"state-file", "inside.yml", "read the state file: " + isLink},
		{"state-file", "out/state", "read the state file: a link leads out of the workspace"},
		{"state-file", "out/new/state", "read the state file: a link leads out of the workspace"},
		{"state-file", "valetkey.yml/state", "read the state file: a part of its path is not a directory"},
	} {
		d.log.Reset()
		was := d.env["INPUT_"+strings.ToUpper(c.input)]
		d.env["INPUT_"+strings.ToUpper(c.input)] = c.path
		soon(t, func() { d.exit = run(context.Background(), p, "sync") })
		d.env["INPUT_"+strings.ToUpper(c.input)] = was
		if line, hint := d.said("error"); d.exit != exitFailure || line != c.want || hint == "" {
			t.Errorf("%s %s: exit %d, %q, hint %q, want %q", c.input, c.path, d.exit, line, hint, c.want)
		}
		if d.asked() != "" {
			t.Errorf("%s %s: asked %s", c.input, c.path, d.asked())
		}
	}
	if after, _ := os.ReadDir(elsewhere); len(after) != len(before) {
		t.Errorf("elsewhere there is %v", after)
	}

	// A link that stays in the workspace is the owner's way to arrange it.
	d.env["INPUT_MANIFEST"], d.env["INPUT_STATE-FILE"], d.env["INPUT_REPORT-FILE"] = "inside.yml", "new/state", "dir/report.json"
	for _, stage := range []string{"sync", "rotate"} {
		if d.exit = run(context.Background(), p, stage); d.exit != exitOK {
			t.Error(d.log.String())
		}
	}
	for _, name := range []string{"new/state", "dir/report.json"} {
		if info, err := os.Stat(name); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The report of a sync is written piece by piece, and is what all of it at once would be.
func TestReportInPieces(t *testing.T) {
	for _, report := range []*syncReport{
		{Counts: map[string]int{}, Targets: []*syncTarget{}},
		{
			DryRun: true, Counts: map[string]int{"created": 1}, Needs: `"targets": []`,
			Targets: []*syncTarget{{Target: "acme/api", Reason: "<&>"}}, Advice: []string{"a"},
		},
		{Counts: map[string]int{}, Targets: []*syncTarget{{Secret: "A"}, {Secret: "B", Reason: `"targets": []`}, {}}, Stale: []string{"C", "D"}},
	} {
		want, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if err := report.encode(&got); err != nil || got.String() != string(want)+"\n" {
			t.Errorf("%v: got\n%s\nwant\n%s", err, got.String(), want)
		}
	}
}

// A report is written whole or not at all, beside readers that have the old one open.
func TestReportIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	if err := writeReport(path, map[string]int{"old": 1}); err != nil {
		t.Fatal(err)
	}
	old, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Close() }()
	if err := writeReport(path, map[string]int{"new": 1}); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 100)
	n, _ := old.Read(text)
	now, err := os.ReadFile(path)
	if err != nil || string(text[:n]) != "{\n  \"old\": 1\n}\n" || string(now) != "{\n  \"new\": 1\n}\n" {
		t.Errorf("the reader has %q; now there is %q, %v", text[:n], now, err)
	}
	if err := writeReport(path, func() {}); err == nil {
		t.Error("no error")
	}
	if again, err := os.ReadFile(path); err != nil || !slices.Equal(again, now) {
		t.Errorf("%s, %v", again, err)
	}
}

// What is put in the place of the files of refresh neither keeps git waiting nor leads
// elsewhere, in a later step and in post.
func TestRefreshFilesSwapped(t *testing.T) {
	const isLink = "it is a link, which may be somebody else's doing"
	aPipe := func(path string) error { return syscall.Mkfifo(path, 0o600) }
	for _, c := range []struct {
		name, file string
		put        func(path string) error
		want       string
	}{
		{"a named pipe", refreshFile, aPipe, "read the state of refresh: it is a named pipe"},
		{"a link", refreshFile, func(path string) error { return os.Symlink(path+"-was", path) }, "read the state of refresh: " + isLink},
		{
			"a large file", refreshFile,
			func(path string) error { return os.WriteFile(path, make([]byte, maxRefresh+1), 0o600) },
			"read the state of refresh: it is larger than the 1 MiB that such a file may have",
		},
		{"a directory", refreshFile, func(path string) error { return os.Mkdir(path, 0o700) }, "read the state of refresh: it is a directory"},
		{"nothing", refreshFile, func(string) error { return nil }, "read the state of refresh: no such file or directory"},
		{"a pipe for a lock", refreshLock, aPipe, "lock the state of refresh: it is a named pipe"},
		{
			"a link for a lock", refreshLock, func(path string) error { return os.Symlink("/dev/zero", path) },
			"lock the state of refresh: " + isLink,
		},
		{
			"a lock for all", refreshLock,
			func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o666)) },
			"lock the state of refresh: others may open it",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, dir := refreshed(t)
			path := filepath.Join(dir.path, c.file)
			if err := errors.Join(os.Rename(path, path+"-was"), c.put(path)); err != nil {
				t.Fatal(err)
			}
			p := d.process(t)
			soon(t, func() {
				if _, err := currentToken(t.Context(), p, p.runner(), dir, nil); err == nil || err.Error() != c.want {
					t.Errorf("got %v, want %s", err, c.want)
				}
			})
			soon(t, func() { d.exit = run(t.Context(), p, "post") })
			if _, err := os.Lstat(dir.path); d.exit != exitOK || d.Alive(d.Tokens()[0].Value) || !os.IsNotExist(err) {
				t.Errorf("post: exit %d, %v: %s", d.exit, err, d.log.String())
			}
		})
	}
}

// Post follows no link that has taken the directory's place.
func TestRefreshDirectorySwapped(t *testing.T) {
	d, dir := refreshed(t)
	moved := filepath.Join(t.TempDir(), "moved")
	if err := errors.Join(os.Rename(dir.path, moved), os.Symlink(moved, dir.path)); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.load(redact.New(d.env[dir.identityVariable()])); err == nil || !strings.Contains(err.Error(), "was swapped") {
		t.Error(err)
	}
	d.run(t, "post")
	if _, err := os.Stat(filepath.Join(moved, refreshProgram)); err != nil || d.Alive(d.Tokens()[0].Value) {
		t.Errorf("%v: %s", err, d.log.String())
	}
	if _, err := os.Lstat(dir.path); !os.IsNotExist(err) {
		t.Error("the link is left behind")
	}
}

// Nobody waits for ever for a process that hangs with the lock.
func TestRefreshLockHeld(t *testing.T) {
	d, dir := refreshed(t)
	p := d.process(t)
	synctest.Test(t, func(t *testing.T) {
		unlock, err := safefile.Lock(t.Context(), filepath.Join(dir.path, refreshLock))
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		began := time.Now()
		_, err = currentToken(t.Context(), p, p.runner(), dir, nil)
		const held = "lock the state of refresh: another process of this job held it for 1m30s"
		if err == nil || time.Since(began) != refreshWait || !strings.HasPrefix(err.Error(), held) {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(time.Second, cancel)
		began = time.Now()
		_, err = currentToken(ctx, p, p.runner(), dir, nil)
		const cancelled = "lock the state of refresh: cancelled while another process held it"
		if err == nil || time.Since(began) != time.Second || err.Error() != cancelled {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// What this step made for later ones is given to whom the place belongs to, and
// nothing is that a link leads to.
func TestHandedOver(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	elsewhere := t.TempDir()
	t.Chdir(t.TempDir())
	if err := errors.Join(os.Chown(".", 4242, 4243), os.WriteFile(filepath.Join(elsewhere, "state"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	d := newDay(t, nil)
	r := d.process(t).runner()
	file, swapped := chownLater("a/b/state"), chownLater("c/state")
	if err := errors.Join(os.MkdirAll("a/b", 0o700), os.WriteFile("a/b/state", nil, 0o600), os.Symlink(elsewhere, "c")); err != nil {
		t.Fatal(err)
	}
	file.apply(r)
	swapped.apply(r)
	for path, want := range map[string]int{"a": 4242, "a/b": 4242, "a/b/state": 4242, filepath.Join(elsewhere, "state"): 0, elsewhere: 0} {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if uid, _, _ := safefile.Owner(info); uid != want {
			t.Errorf("%s belongs to %d, want %d", path, uid, want)
		}
	}
}
