package manifest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/valetkey/valetkey/internal/fault"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (go test -update writes it anew):\n%s", path, diff)
	}
}

// faultsOf splits a joined error.
func faultsOf(t testing.TB, err error) []*Fault {
	t.Helper()
	if err == nil {
		return nil
	}
	var all []*Fault
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		all = append(all, e.(*Fault))
	}
	return all
}

// report returns what a user reads.
func report(t testing.TB, err error) string {
	t.Helper()
	var out strings.Builder
	for _, f := range faultsOf(t, err) {
		out.WriteString(fault.Text(f) + "\n\n")
	}
	return out.String()
}

// eachFile parses the files of a folder of testdata. Each has its golden file
// next to it.
func eachFile(t *testing.T, folder string, least int, check func(t *testing.T, golden string, f *File, err error)) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join("testdata", folder, "*.yml"))
	if len(files) < least {
		t.Fatalf("%d files", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f, err := Parse(filepath.Base(file), text)
			check(t, strings.TrimSuffix(file, ".yml")+".out", f, err)
		})
	}
}

func TestFaults(t *testing.T) {
	eachFile(t, "err", 10, func(t *testing.T, path string, f *File, err error) {
		if f != nil || err == nil {
			t.Fatal("was accepted")
		}
		golden(t, path, report(t, err))
		for _, f := range faultsOf(t, err) {
			if f.Hint == "" || strings.Contains(f.Error(), "s3cret") || strings.Contains(f.Hint, "s3cret") {
				t.Errorf("%+v", f)
			}
		}
	})
}

func TestAccepted(t *testing.T) {
	eachFile(t, "ok", 1, func(t *testing.T, path string, f *File, err error) {
		if err != nil {
			t.Fatal(report(t, err))
		}
		golden(t, path, dump(f))
	})
}

// These texts can't be files of testdata: editors and git would change their
// bytes.
func TestTexts(t *testing.T) {
	const one = "secrets: [{name: A, to: [{repositories: [acme/api]}]}]\n"
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "m.yml: an empty manifest"},
		{"comments only", "# later\n", "m.yml: an empty manifest"},
		{"null", "~\n", "m.yml: an empty manifest"},
		{"byte order mark", "\ufeff" + one, ""},
		{"CRLF", strings.ReplaceAll(one, "\n", "\r\n") + "rotations: 1\r\n", "m.yml:2:12: rotations takes a list, not a number"},
		{"CR", strings.ReplaceAll(one, "\n", "\r") + "rotations: 1\r", "m.yml:2:12: rotations takes a list, not a number"},
		{"document start", "---\n" + one, ""},
		{"comment, document start", "# ours\n---\n" + one, ""},
		{"document end", one + "...\n", ""},
		{"two documents", one + "---\n" + one, "m.yml:2:1: more than one document"},
		{"NUL", "secrets: \x00\n", "m.yml:1:10: a control character"},
		{"latin 1", "secrets: \xe9\n", "m.yml: not UTF-8 text"},
		{"too long", strings.Repeat("#", maxText+1), "m.yml: more than 1 MiB"},
		{"deep brackets", strings.Repeat("[", 100_000), "m.yml:1:21: too many brackets within brackets"},
		{"deep dashes", strings.Repeat("- ", 100_000), "m.yml:1:401: too deep"},
		{"deep questions", strings.Repeat("? ", 100_000), "m.yml:1:401: too deep"},
		{"tag", "secrets: !!binary s3cret\n", "m.yml:1:10: a tag"},
		{"directive", "%YAML 1.1\n---\n" + one, "m.yml:1:1: a directive"},
		{"alias of a whole", "&a [*a]\n", "m.yml:1:4: not a mapping, but a list"},
		{"alias of itself", "secrets: &a [*a]\n", "m.yml:1:13: an entry of secrets takes a mapping, not a list"},
		{"alias of nothing", "secrets: *a\n", "m.yml:1:10: an alias without an anchor above it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("m.yml", []byte(tt.text))
			got := ""
			if all := faultsOf(t, err); len(all) > 0 {
				got, _, _ = strings.Cut(all[0].Error(), "\n")
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Aliases that multiply don't take time in proportion.
func TestAliasesAreBounded(t *testing.T) {
	text := "secrets:\n- {name: A, to: &t [" + strings.Repeat("{repositories: &r [acme/a"+strings.Repeat(",acme/a", 1000)+
		"]},", 20) + "]}\n" +
		strings.Repeat("- {name: A, to: *t}\n", 1_000)
	start := time.Now()
	_, err := Parse("m.yml", []byte(text))
	if got := report(t, err); !strings.Contains(got, "too many values") {
		t.Error(got)
	}
	if took := time.Since(start); took > time.Minute {
		t.Error(took)
	}
}

func TestManyFaults(t *testing.T) {
	_, err := Parse("m.yml", []byte(strings.Repeat("x:\n", 60)+"y: 1\n"))
	all := faultsOf(t, err)
	if got := all[len(all)-1].Error(); len(all) != maxFaults+1 || got != "m.yml: 11 more faults" {
		t.Errorf("%d faults, the last: %s", len(all), got)
	}
}

func TestFaultAfterParsing(t *testing.T) {
	f, err := Parse("m.yml", []byte("secrets:\n  - name: A\n    to: [{repositories: [acme/api]}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := f.Fault(f.Secrets[0].To[0].Position, "no such repository", "make it").Error()
	want := "m.yml:3:10: no such repository\n  |     to: [{repositories: [acme/api]}]\n  |          ^"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestIntervals(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"10m": 10 * time.Minute, "45m": 45 * time.Minute, "12h": 12 * time.Hour,
		"30d": 720 * time.Hour, "2w": 336 * time.Hour, "9999w": 9999 * 168 * time.Hour,
		"0m": 0, "9m": 0, "1s": 0, "1h30m": 0, "-1d": 0, "1.5h": 0, "10000d": 0, "m": 0, "010m": 0, "1 d": 0, "1D": 0, "30": 0, "''": 0,
	} {
		f, err := Parse("m.yml", []byte("rotations: [{name: a, random: {}, every: "+text+", store: [{repository: a/b, secret: S}]}]"))
		switch {
		case want == 0 && err == nil:
			t.Errorf("%s was taken for %v", text, f.Rotations[0].Every)
		case want != 0 && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != 0 && f.Rotations[0].Every != want:
			t.Errorf("%s: got %v, want %v", text, f.Rotations[0].Every, want)
		}
	}
}

// A manifest of one secret, and one with a secret for each of many teams.
func BenchmarkParse(b *testing.B) {
	for _, secrets := range []int{1, 500} {
		var text strings.Builder
		text.WriteString("secrets:\n")
		for i := range secrets {
			fmt.Fprintf(&text, "  - {name: NPM_TOKEN_%d, to: [{repositories: [\"acme/team-%d-*\", \"!acme/team-%d-old\"]}]}\n", i, i, i)
		}
		b.Run(fmt.Sprintf("secrets=%d", secrets), func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse("valetkey.yml", []byte(text.String())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
