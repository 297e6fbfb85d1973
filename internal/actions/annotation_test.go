package actions

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fault"
)

// Invisible characters in texts of others are shown as escapes, everywhere.
func TestLogShowsWhatCannotBeSeen(t *testing.T) {
	const text, want = "a\x1b[2Jb\u202ec\u200bd\xffe", `a\x1b[2Jb\u202ec\u200bd\xffe`
	r, log := newRunner(t, map[string]string{"RUNNER_DEBUG": "1"})
	r.Info("%s", text)
	r.Debug("%s", text)
	r.Notice("%s", text)
	r.Warning("%s", text)
	r.Error("%s", text)
	r.Fail(fault.New("no "+text, "fix "+text))
	lines := "W\n::debug::W\n::notice::W\n::warning::W\n::error::W\n::error::no W%0Ahint: fix W\n"
	if diff := cmp.Diff(strings.ReplaceAll(lines, "W", want), log.String()); diff != "" {
		t.Error(diff)
	}

	outside, log := newRunner(t, map[string]string{"GITHUB_ACTIONS": ""})
	outside.Error("%s", text)
	if diff := cmp.Diff("error: "+want+"\n", log.String()); diff != "" {
		t.Error(diff)
	}
}

// The runner may ignore invisible characters when it looks for a command.
func TestInvisibleCharactersHideNoCommand(t *testing.T) {
	for _, before := range []string{"\u200b", "\ufe0f", "\u00ad", "\x00", "\u202e"} {
		r, log := newRunner(t, nil)
		r.Info("%s", before+"::error::x")
		if line := log.String(); !strings.HasPrefix(line, `\`) {
			t.Errorf("%q begins the line %q", before, line)
		}
	}
}

func TestAtMostTenAnnotations(t *testing.T) {
	r, log := newRunner(t, map[string]string{"RUNNER_DEBUG": "1"})
	var errs []error
	var want string
	for i := range 13 {
		errs = append(errs, fault.New(fmt.Sprint("e", i), "fix it"))
		if i < 10 {
			want += fmt.Sprintf("::error::e%d%%0Ahint: fix it\n", i)
		} else {
			want += fmt.Sprintf("error: e%d\nhint: fix it\n", i)
		}
	}
	r.Fail(errors.Join(errs...))
	for i := range 10 {
		r.Notice("n%d", i)
		want += fmt.Sprintf("::notice::n%d\n", i)
	}
	for i := range 11 {
		r.Debug("d%d", i) // no annotation
		want += fmt.Sprintf("::debug::d%d\n", i)
		r.Warning("::w%d", i)
		if i < 10 {
			want += fmt.Sprintf("::warning::::w%d\n", i)
		}
	}
	want += "warning: ::w10\n" +
		"::warning::1 more warning: the log of this step has them all, on lines that begin with \"warning: \"\n" +
		"::error::3 more errors: the log of this step has them all, on lines that begin with \"error: \"\n"
	r.Finish()
	r.Finish() // has nothing to add
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Error(diff)
	}

	outside, log := newRunner(t, map[string]string{"GITHUB_ACTIONS": ""})
	outside.Fail(errors.Join(errs...))
	outside.Finish()
	if n := strings.Count(log.String(), "error: e"); n != 13 || strings.Contains(log.String(), "more") {
		t.Errorf("outside a runner: %s", log)
	}
}
