package actions

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fault"
)

func TestLogCannotBeMistakenForCommands(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"plain", "plain\n"},
		{"::add-mask::x", "| ::add-mask::x\n"},
		{"  ::stop-commands::x", "|   ::stop-commands::x\n"},
		{"said ##[set-output name=a]b", "said # #[set-output name=a]b\n"},
		{"two\n::error::lines", "two\n| ::error::lines\n"},
		{"carriage\r\nreturn", "carriage\nreturn\n"},
		{"100%", "100%\n"},
	} {
		r, log := newRunner(t, nil)
		r.Info("%s", c.text)
		if got := log.String(); got != c.want {
			t.Errorf("Info(%q) wrote %q, want %q", c.text, got, c.want)
		}
	}
}

func FuzzInfo(f *testing.F) {
	f.Add("a\r::error::b")
	f.Fuzz(func(t *testing.T, text string) {
		r, log := newRunner(t, nil)
		r.Info("%s", text)
		// The runner ends a line at LF, CRLF and a lone CR.
		for line := range strings.SplitSeq(strings.ReplaceAll(log.String(), "\r", "\n"), "\n") {
			if strings.Contains(line, "##[") || strings.HasPrefix(strings.TrimSpace(line), "::") {
				t.Errorf("%q became the command %q", text, line)
			}
		}
	})
}

func TestAnnotations(t *testing.T) {
	r, log := newRunner(t, nil)
	r.Error("two\nlines, 100%%")
	r.Warning("  ")
	r.Notice("n")
	r.Debug("not shown")
	if want := "::error::two%0Alines, 100%25\n::notice::n\n"; strings.ReplaceAll(log.String(), "%25%25", "%25") != want {
		t.Errorf("got %q, want %q", log, want)
	}
	loud, log := newRunner(t, map[string]string{"RUNNER_DEBUG": "1"})
	loud.Debug("shown %d", 1)
	if want := "::debug::shown 1\n"; log.String() != want {
		t.Errorf("got %q, want %q", log, want)
	}
}

func TestFailTellsEachFaultWithItsHint(t *testing.T) {
	r, log := newRunner(t, nil)
	r.Fail(errors.Join(
		Fault{Input: "owner", Problem: "is odd", Hint: "name it"},
		errors.Join(fmt.Errorf("wrapped: %w", fault.New("inner", "fix it"))),
		errors.New("no hint known"),
	))
	want := "::error::input owner: is odd%0Ahint: name it\n::error::wrapped: inner%0Ahint: fix it\n::error::no hint known\n"
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Error(diff)
	}
}
