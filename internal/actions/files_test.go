package actions

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fakerunner"
)

// newRunner returns a runner with empty files in a directory of its own, and
// the log that it writes.
func newRunner(t testing.TB, env map[string]string) (*Runner, *strings.Builder) {
	t.Helper()
	all := map[string]string{"GITHUB_ACTIONS": "true"}
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"} {
		all[name] = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(all[name], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range env {
		all[name] = value
	}
	var log strings.Builder
	return New(&log, func(name string) string { return all[name] }), &log
}

func read(t testing.TB, r *Runner, variable string) string {
	t.Helper()
	data, err := os.ReadFile(r.getenv(variable))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The runner reads back exactly the value that was written, and no other pair.
func FuzzOutputRoundTrip(f *testing.F) {
	f.Add("token", "ghs_x")
	f.Add("a", "x\nadmin=true")
	f.Add("a", "x\n_GitHubActionsFileCommandDelimeter_\nadmin=true\nb<<_GitHubActionsFileCommandDelimeter_\n")
	f.Add("a<<b", "x")
	f.Add("a=b", "x")
	f.Add("a", "\r\n \r")
	f.Fuzz(func(t *testing.T, name, value string) {
		r, _ := newRunner(t, nil)
		err := r.Output(Pair{name, value}, Pair{"last", "one"})
		valid := name != "" && !strings.ContainsAny(name, "\r\n=<") && utf8.ValidString(value) && !strings.ContainsRune(value, 0)
		if value == "" {
			valid = true // not written at all
		}
		if (err == nil) != valid {
			t.Fatalf("Output(%q, %q) = %v", name, value, err)
		}
		if err != nil {
			if text := read(t, r, "GITHUB_OUTPUT"); text != "" {
				t.Errorf("after %v the file holds %q", err, text)
			}
			return
		}
		got, err := fakerunner.ReadPairs(r.getenv("GITHUB_OUTPUT"))
		want := map[string]string{}
		if value != "" {
			want[name] = value
		}
		want["last"] = "one"
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestHeredocRefusesItsDelimiter(t *testing.T) {
	if _, err := heredoc("a", "x\nDELIMITER\ny", "DELIMITER"); err == nil {
		t.Error("a value that holds the delimiter was written")
	}
}

func TestCheckFiles(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"all there", nil, ""},
		{"no state file in a runner", map[string]string{"GITHUB_STATE": ""}, "GITHUB_STATE is not set"},
		{"no state file outside", map[string]string{"GITHUB_STATE": "", "GITHUB_ACTIONS": ""}, ""},
		{"no output", map[string]string{"GITHUB_OUTPUT": ""}, "GITHUB_OUTPUT is not set"},
		{
			"a file that is not there is not made",
			map[string]string{"GITHUB_OUTPUT": filepath.Join(t.TempDir(), "none")},
			"GITHUB_OUTPUT can't be written",
		},
		{"a directory", map[string]string{"GITHUB_OUTPUT": t.TempDir()}, "GITHUB_OUTPUT can't be written"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := newRunner(t, c.env)
			err := r.CheckFiles()
			if got := errorText(err); !strings.HasPrefix(got, c.want) || (c.want == "") != (err == nil) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestSummary(t *testing.T) {
	r, _ := newRunner(t, nil)
	if err := r.Summary(strings.Repeat("x", maxSummary+1)); err == nil {
		t.Error("a summary that the runner would drop was written")
	}
	if err := r.Summary("# all well\n"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, r, "GITHUB_STEP_SUMMARY"); strings.TrimSpace(got) != "# all well" {
		t.Errorf("got %q", got)
	}
	none, _ := newRunner(t, map[string]string{"GITHUB_STEP_SUMMARY": ""})
	if err := none.Summary("x"); err != nil {
		t.Errorf("without a place for it: %v", err)
	}
}
