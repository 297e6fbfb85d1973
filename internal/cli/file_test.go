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
	"time"

	"github.com/valetkey/valetkey/internal/safefile"
)

// soon fails the test if a stage does not return, for example because it reads
// a named pipe.
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

// hostile makes a workspace as an attacker would arrange it, with a manifest.
// Its links lead to elsewhere.
func hostile(t *testing.T, s *step) (p Process, elsewhere string) {
	t.Helper()
	p, elsewhere = s.process(t), t.TempDir()
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
	s.env["INPUT_MANIFEST"] = "valetkey.yml"
	return p, elsewhere
}

// Files of the workspace neither mislead a step nor keep it waiting, and the
// step checks them before it writes anything at GitHub.
func TestHostileFiles(t *testing.T) {
	const isLink = "it is a link, which may be somebody else's doing"
	s := newFleetStep(t, 1, "", map[string]string{"VALUE": "opensesame-value"})
	p, elsewhere := hostile(t, s)
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
		s.log.Reset()
		was := s.env["INPUT_"+strings.ToUpper(c.input)]
		s.env["INPUT_"+strings.ToUpper(c.input)] = c.path
		soon(t, func() { s.exit = run(context.Background(), p, "sync") })
		s.env["INPUT_"+strings.ToUpper(c.input)] = was
		if line, hint := s.annotation("error"); s.exit != exitFailure || line != c.want || hint == "" {
			t.Errorf("%s %s: exit %d, %q, hint %q, want %q", c.input, c.path, s.exit, line, hint, c.want)
		}
		if s.requests() != "" {
			t.Errorf("%s %s: asked %s", c.input, c.path, s.requests())
		}
	}
	if after, _ := os.ReadDir(elsewhere); len(after) != len(before) {
		t.Errorf("elsewhere there is %v", after)
	}

	// A link that stays in the workspace is the owner's way to arrange it.
	s.env["INPUT_MANIFEST"], s.env["INPUT_STATE-FILE"], s.env["INPUT_REPORT-FILE"] = "inside.yml", "new/state", "dir/report.json"
	for _, stage := range []string{"sync", "rotate"} {
		if s.exit = run(context.Background(), p, stage); s.exit != exitOK {
			t.Error(s.log.String())
		}
	}
	for _, name := range []string{"new/state", "dir/report.json"} {
		if info, err := os.Stat(name); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The report of a sync is written piece by piece, and the pieces make the same
// text as the whole.
func TestReportInPieces(t *testing.T) {
	for _, report := range []*syncReport{
		{Counts: map[string]int{}, Targets: []*syncTarget{}},
		{
			DryRun: true, Counts: map[string]int{"created": 1}, Needs: `"targets": []`,
			Targets: []*syncTarget{{Target: "acme/api", Reason: "<&>"}}, Advice: []string{"a"},
		},
		{
			Counts: map[string]int{}, Targets: []*syncTarget{{Secret: "A"}, {Secret: "B", Reason: `"targets": []`}, {}},
			Stale: []string{"C", "D"},
		},
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

// A report is written whole or not at all, and a reader that has the old one
// open keeps it.
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

// Files that a step makes for later steps get the owner of their directory.
// Nothing behind a link does.
func TestHandedOver(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	elsewhere := t.TempDir()
	t.Chdir(t.TempDir())
	if err := errors.Join(os.Chown(".", 4242, 4243), os.WriteFile(filepath.Join(elsewhere, "state"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	s := newStep(t, nil)
	r := s.process(t).runner()
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
