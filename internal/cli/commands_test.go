package cli

import (
	"archive/tar"
	"crypto/rand"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/valetkey/valetkey/internal/apicall"
	"github.com/valetkey/valetkey/internal/wording"
)

// The table of commands agrees with the folders of the actions and with what
// each action.yml starts.
func TestCommandsAreTheActions(t *testing.T) {
	files, err := fs.Glob(os.DirFS("../.."), "*/action.yml")
	if err != nil {
		t.Fatal(err)
	}
	read := func(file string) string {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var got, want []string
	for _, file := range append(files, "action.yml") {
		if strings.Contains(read(file), "\n  using: docker\n") { // native starts the command of another action
			want = append(want, file)
		}
	}
	for _, c := range commands() {
		if c.Action == nil {
			continue
		}
		file := path.Join(*c.Action, "action.yml")
		got = append(got, file)
		if !strings.Contains(read(file), "\n  args: ["+c.Name+"]\n") {
			t.Errorf("%s does not start %s", file, c.Name)
		}
		if c.Flags || c.Data {
			t.Errorf("%s is an action: it takes no flags, and its output is the runner's", c.Name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the table has %v, the folders %v", got, want)
	}
}

// Help names every input with its description and its default.
func TestHelpHasEveryInput(t *testing.T) {
	for _, c := range commands() {
		if c.Action == nil {
			continue
		}
		var out, log strings.Builder
		p := Process{
			Args: []string{"valetkey", c.Name, "--help"}, Stdout: &out, Stderr: &log,
			Getenv: func(string) string { return "" },
		}
		if code := Main(p); code != exitOK || log.Len() > 0 {
			t.Errorf("%s: exit %d, %s", c.Name, code, log.String())
		}
		for _, in := range schemaOf(*c.Action).Inputs {
			line := "\n  " + in.Name
			if in.Default != "" {
				line += " (default " + in.Default + ")"
			}
			help := line + "\n" + wording.Wrap("      ", "      ", in.Description)
			if in.Description == "" || !strings.Contains(out.String(), help) {
				t.Errorf("%s: the help does not have %s", c.Name, in.Name)
			}
		}
	}
}

// A panic becomes one error without a stack and without the value at hand. The
// post stage does not fail the job even then.
func TestPanicIsOneError(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		exit int
	}{
		{"mint", []string{"/valetkey", "mint"}, exitFailure},
		{"sync", []string{"/valetkey", "sync"}, exitFailure},
		{"post", []string{"/post", "mint"}, exitOK},
		{"post on Windows", []string{"post.exe", "mint"}, exitOK},
	} {
		var out, log strings.Builder
		code := Main(Process{
			Args: c.args, Stdout: &out, Stderr: &log,
			Environ: func() []string { return nil },
			Getenv: func(name string) string {
				if name == "INPUT_CA-BUNDLE" { // each of them reads it
					panic("ghs_" + rand.Text())
				}
				return map[string]string{"GITHUB_ACTIONS": "true", "STATE_token": "ghs_" + rand.Text()}[name]
			},
		})
		text := withoutMasks(out.String())
		const begin = "::error::valetkey has a bug: a check of its own failed, in internal/cli.TestPanicIsOneError."
		if code != c.exit || !strings.HasPrefix(text, begin) || strings.Count(text, "\n") != 1 || log.Len() > 0 {
			t.Errorf("%s: exit %d:\n%s%s", c.name, code, text, log.String())
		}
	}
	// What the runtime says of itself names types and numbers.
	var out strings.Builder
	p := Process{Stdout: &out, Getenv: func(string) string { return "" }}
	code := guard(p.runner(), exitFailure, func() int {
		return len(p.Args[len(p.Args)+3])
	})
	const index = "error: valetkey has a bug: index out of range [3] with length 0, in internal/cli.TestPanicIsOneError"
	if code != exitFailure || !strings.HasPrefix(out.String(), index) {
		t.Errorf("exit %d: %s", code, out.String())
	}
	// One of many goroutines at work.
	out.Reset()
	code = guard(p.runner(), exitFailure, func() int {
		apicall.Each(2, 2, func(i int) { _ = p.Args[len(p.Args)+3+i*0] })
		return exitOK
	})
	if code != exitFailure || !strings.HasPrefix(out.String(), index) {
		t.Errorf("in a goroutine: exit %d: %s", code, out.String())
	}
	secret := rand.Text()
	out.Reset()
	guard(p.runner(), exitFailure, func() int { panic("at hand: " + secret) })
	if strings.Contains(out.String(), secret) || !strings.Contains(out.String(), "a check of its own failed") {
		t.Errorf("a panic shows its value: %s", out.String())
	}
}

// A panic after the mint leaves no token alive.
func TestPanicTakesTheTokenBack(t *testing.T) {
	s := newStep(t, nil)
	s.onVariable = func(name string) {
		if name == "GITHUB_OUTPUT" && len(s.Tokens()) == 1 {
			s.onVariable = nil
			panic("now")
		}
	}
	p := s.process(t)
	s.exit = guard(p.runner(), exitFailure, func() int { return run(t.Context(), p, "mint") })
	tokens := s.Tokens()
	revoked := strings.Contains(s.log.String(), "the token that was minted is revoked\n")
	if s.exit != exitFailure || len(tokens) != 1 || s.Alive(tokens[0].Value) || !revoked {
		t.Errorf("exit %d, %d tokens: %s", s.exit, len(tokens), withoutMasks(s.log.String()))
	}
}

func TestBuild(t *testing.T) {
	commit := strings.Repeat("0123456789abcdef", 3)[:40]
	checkout := &debug.BuildInfo{
		Main:     debug.Module{Version: "v0.0.0-20260101000000-0123456789ab"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: "true"}},
	}
	bare := &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}
	for _, c := range []struct {
		name, archived string
		info           *debug.BuildInfo
		want           string
	}{
		{"an archive of a release", commit + " v1.2.3\n", bare, "valetkey v1.2.3 (commit " + commit + ")"},
		{"an archive of a later commit", commit + " v1.2.3-4-g0123456\n", bare, "valetkey v1.2.3-4-g0123456 (commit " + commit + ")"},
		{"an archive without tags", commit + " \n", bare, "valetkey development (commit " + commit + ")"},
		{"an archive of an old git", commit + " %(describe:tags)\n", bare, "valetkey development (commit " + commit + ")"},
		{
			"a checkout", "$" + "Format:%H %(describe:tags)$\n", checkout,
			"valetkey v0.0.0-20260101000000-0123456789ab (commit " + commit + ", changed since)",
		},
		{"a module", "$" + "Format:%H$\n", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "valetkey v1.2.3 (commit unknown)"},
		{"neither", "$" + "Format:%H$\n", bare, "valetkey development (commit unknown)"},
		{"nothing", "", &debug.BuildInfo{}, "valetkey development (commit unknown)"},
	} {
		if got := buildOf(c.archived, c.info).String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The runner builds the image from an archive that git made of the repository.
// It has no history, and the program still knows its commit.
func TestArchiveKnowsItsCommit(t *testing.T) {
	git := func(args ...string) string {
		command := exec.Command("git", args...)
		command.Dir = "../.."
		out, err := command.Output()
		if err != nil {
			t.Skipf("this is no checkout of git's: git %v: %v", args, err)
		}
		return string(out)
	}
	head := strings.TrimSpace(git("rev-parse", "HEAD"))
	archive := tar.NewReader(strings.NewReader(git("archive", "--worktree-attributes", "HEAD", "internal/cli/commit.txt")))
	for {
		header, err := archive.Next()
		if err != nil {
			t.Fatalf("the archive does not have the file: %v", err)
		}
		if header.Name != "internal/cli/commit.txt" {
			continue
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if got := buildOf(string(text), &debug.BuildInfo{}); got.Commit != head {
			t.Errorf("it says %q, which comes to %v; want the commit %s", text, got, head)
		}
		return
	}
}

// A command line that is not understood is told by its exit code from a step
// that failed, and by the stream from what a command prints.
func TestExitCodes(t *testing.T) {
	for line, want := range map[string]int{
		"": exitUsage, "mnt": exitUsage, "post": exitUsage, "mint extra": exitUsage, "version extra": exitUsage,
		"help mint extra": exitUsage, "git-credential": exitUsage, "git-credential -client-id= get": exitUsage,
		"mint --print extra": exitUsage,
		"explain":            exitUsage, "explain -scope repo": exitUsage, "explain -scopes=": exitUsage,
		"explain -scopes repo extra": exitUsage, "completion": exitUsage, "completion cmd": exitUsage, "man page": exitUsage,
		"mint": exitFailure, "mint --print": exitFailure, "token": exitFailure, "git-credential get": exitFailure,
		"explain -scopes repo -format xml": exitFailure,
		"help":                             exitOK, "-h": exitOK, "help mint": exitOK, "version": exitOK, "git-credential store": exitOK,
		"explain -h": exitOK, "explain -scopes repo": exitOK, "completion bash": exitOK, "completion -h": exitOK, "man": exitOK,
	} {
		var out, log strings.Builder
		got := Main(Process{
			Args: append([]string{"valetkey"}, strings.Fields(line)...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &log,
			Getenv: func(string) string { return "" }, Environ: func() []string { return nil },
		})
		if got != want {
			t.Errorf("valetkey %s: exit %d, want %d", line, got, want)
		}
		if want == exitUsage && (out.Len() > 0 && line != "explain" || log.Len() == 0) { // explain shows its flags, too
			t.Errorf("valetkey %s says %q and, on the stream for data, %q", line, log.String(), out.String())
		}
	}
}

// brokenPipe panics when it is written to.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { panic("broken") }

// Standard output of a command that is no action belongs to another program. An
// error of our own goes elsewhere, too.
func TestDataIsKeptApart(t *testing.T) {
	for _, c := range commands() {
		if c.Action == nil && c.Name != "demo" && !c.Data {
			t.Errorf("the output of %s is not data", c.Name)
		}
	}
	for _, line := range []string{
		"version", "manifest-schema", "help", "explain -h", "git-credential -h", "mint --print -h", "completion zsh", "man",
	} {
		var log strings.Builder
		code := Main(Process{
			Args: append([]string{"valetkey"}, strings.Fields(line)...), Stdout: brokenPipe{}, Stderr: &log,
			Getenv: func(string) string { return "" },
		})
		if code != exitFailure || !strings.HasPrefix(log.String(), "error: valetkey has a bug: ") {
			t.Errorf("%s: exit %d, %q", line, code, log.String())
		}
	}
}

// Help fits a terminal.
func TestHelpFits(t *testing.T) {
	for _, c := range commands() {
		var out strings.Builder
		for _, args := range [][]string{{"help"}, {c.Name, "-h"}} {
			Main(Process{
				Args: append([]string{"valetkey"}, args...), Stdout: &out, Stderr: io.Discard, Getenv: func(string) string { return "" },
			})
		}
		for line := range strings.Lines(out.String()) {
			n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n"))
			if words := strings.Fields(line); n > wording.Columns && len(words) > 1 { // one word may be that long
				t.Errorf("%s: %d columns: %s", c.Name, n, line)
			}
		}
	}
}
