package secret

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

var testPublicKey = publicKey{"11", &[32]byte{1, 2, 3}}

// fileOf returns a state file with some secrets in it.
func fileOf(t testing.TB, places ...Place) []byte {
	t.Helper()
	s := openState(t, filepath.Join(t.TempDir(), "state"))
	for i, p := range places {
		for j, name := range []string{"B_<&>", "a", "C"} {
			x := wants(p, name, "the value")
			at := time.Time{} // the first has none
			if j > 0 {
				at = time.Unix(int64(j)*(1_780_000_000+int64(i)), 0)
			}
			s.record(&x, at, int64(40+i), testPublicKey)
			if j == 1 && !s.settle(p.Key(), name, at.Unix()-3) {
				t.Fatal("the time of the second is not settled")
			}
		}
	}
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestStateFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there")
	path := filepath.Join(dir, "state")
	s := openState(t, path)
	if len(s.Places()) != 0 || s.Save() != nil {
		t.Error("a missing file is no empty state")
	}
	data := fileOf(t, webActions, production)
	checkText(t, data)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{"state.tmp-123", "state-1.tmp-4"} {
		if err := os.WriteFile(filepath.Join(dir, left), data[:10], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = openState(t, path)
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(path); !bytes.Equal(again, data) {
		t.Errorf("saved again it is\n%s", again)
	}
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if fmt.Sprint(names) != "[state state-1.tmp-4]" { // the other one belongs to another shard
		t.Errorf("files %v", names)
	}
	if runtime.GOOS == "windows" { // there are no such modes there
		return
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the directory %v, %v", info.Mode(), err)
	}
}

// checkText checks the text of a file that fileOf returns for webActions and
// production.
func checkText(t *testing.T, data []byte) {
	t.Helper()
	const key = `"app":"actions","key_id":"11","public_key":"AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",`
	const neverSeen = `{"name":"B_\u003c\u0026\u003e","fingerprint":"…"}`
	want := `{"valetkey":"state of secrets","version":1,"host":"api.github.test","repository":"acme/infra","repository_id":7,` +
		`"manifest":".github/valetkey.yml","salt":"SALT","wrapped_key":"KEY"}` + "\n" +
		`{"owner":"acme","repository":"api","repository_id":41,"environment":"production",` + key +
		`"secrets":[{"name":"A","fingerprint":"…","updated_at":"2026-05-28T20:26:38Z"},` + neverSeen +
		`,{"name":"C","fingerprint":"…","answered_at":"2082-10-23T16:53:22Z"}]}` + "\n" +
		`{"owner":"acme","repository":"web","repository_id":40,` + key +
		`"secrets":[{"name":"A","fingerprint":"…","updated_at":"2026-05-28T20:26:37Z"},` + neverSeen +
		`,{"name":"C","fingerprint":"…","answered_at":"2082-10-23T16:53:20Z"}]}` + "\n" +
		`{"places":2,"mac":"`
	s := openStateOf("state")
	if err := s.decode(data, stateFile("state")); err != nil {
		t.Fatal(err)
	}
	want = strings.NewReplacer("SALT", encode64(s.wrapped.salt), "KEY", encode64(s.wrapped.box)).Replace(want)
	got := string(data)
	for _, p := range []Place{production, webActions} { // in the file's order
		for _, name := range []string{"a", "B_<&>", "C"} {
			sum := s.fingerprint(p.Key(), name, redact.New("the value"))
			text := encode64(sum[:])
			if strings.Count(got, text) != 1 {
				t.Errorf("%s of %s is there %d times", name, p, strings.Count(got, text))
			}
			got = strings.Replace(got, text, "…", 1)
		}
	}
	if !strings.HasPrefix(got, want) || strings.Count(got[len(want):], "\n") != 1 {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestStateFaults(t *testing.T) {
	whole := string(fileOf(t, webActions, production))
	head, rest, _ := strings.Cut(whole, "\n")
	for _, test := range []struct{ name, data, want, hint string }{
		{"cut off in a line", whole[:len(whole)-100], "is cut off", "restore a complete one, or " + startOver},
		{"cut off after a line", whole[:strings.LastIndex(whole, "{")], "is cut off", ""},
		{"cut off by a byte", whole[:len(whole)-1], "is cut off", ""},
		{"cut off early", whole[:12], "is cut off", ""},
		{"cut off in the first line", whole[:60], "is cut off", ""},
		{"the first line alone", head + "\n", "is cut off", ""},
		{"empty", "", "is cut off", ""},
		{"something after it", whole + "\n", "is cut off", ""},
		{"a merge conflict", "<<<<<<< HEAD\n" + whole, "is not a state file", "give state-file another path, or delete that file"},
		{"a manifest", "secrets:\n", "is not a state file", ""},
		{"other JSON", `{"version":1}`, "is not a state file", ""},
		{"no version", strings.Replace(whole, `"version":1`, `"version":0`, 1), "is not a state file", ""},
		{"no JSON", strings.Replace(whole, `"version":1`, `"version":x`, 1), "is not a state file", ""},
		{
			"newer", strings.Replace(whole, `"version":1`, `"version":2`, 1),
			"is of version 2, made by a newer valetkey; this one knows 1", "use the newer one, or " + startOver,
		},
		{
			"newer and shorter", `{"valetkey":"state of secrets","version":3}`,
			"is of version 3, made by a newer valetkey; this one knows 1", "",
		},
		{
			"other manifest", resealed(strings.Replace(head, `"repository_id":7`, `"repository_id":8`, 1) + "\n" + rest),
			"belongs to the manifest .github/valetkey.yml of acme/infra (id 8) at api.github.test, not .github/valetkey.yml of " +
				"acme/infra (id 7) at api.github.test",
			"give each manifest a state file of its own, or " + startOver,
		},
		{
			"changed", strings.Replace(whole, `"web"`, `"wen"`, 1), "was changed by somebody else",
			"restore one that valetkey wrote, or " + startOver,
		},
		{"changed manifest", strings.Replace(whole, "infra", "other", 1), "was changed by somebody else", ""},
		{"a line less", strings.Replace(whole, strings.SplitAfter(whole, "\n")[1], "", 1), "was changed by somebody else", ""},
		{"Windows", strings.ReplaceAll(whole, "\n", "\r\n"), "was changed by somebody else", ""},
		{"a time that is none", resealed(strings.Replace(whole, `"updated_at":"2`, `"updated_at":"x2`, 1)), "can't be read", ""},
		{"a fingerprint that is none", resealed(strings.Replace(whole, `"fingerprint":"`, `"fingerprint":"!`, 1)), "can't be read", ""},
		{"a key that is none", resealed(strings.Replace(whole, `"public_key":"`, `"public_key":"AAAA`, 1)), "can't be read", ""},
		{"a line that is none", resealed(strings.Replace(whole, `"secrets":[`, `"secrets":{`, 1)), "can't be read", ""},
		{"written by a fault of ours", resealed(strings.Replace(whole, "\"A\"", "\"a\"", 1)), "can't be read", startOver},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			if err := os.WriteFile(path, []byte(test.data), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := OpenState(stateFile(path))
			want := "state file " + path + " " + test.want
			if err == nil || err.Error() != want || test.hint != "" && hinted(err) != " (hint: "+test.hint+")" {
				t.Errorf("got %v%s\nwant %s (hint: %s)", err, hinted(err), want, test.hint)
			}
			if left, _ := os.ReadFile(path); string(left) != test.data {
				t.Error("the file was touched")
			}
		})
	}
}

func TestStateThatIsADirectory(t *testing.T) {
	if _, err := OpenState(stateFile(t.TempDir())); err == nil || !strings.HasPrefix(err.Error(), "read the state file: ") {
		t.Error(err)
	}
}
