package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valetkey/valetkey/internal/redact"
)

// fileOf gives a state file with something in it.
func fileOf(t testing.TB, places ...Place) []byte {
	t.Helper()
	s := openState(t, filepath.Join(t.TempDir(), "state"))
	for i, p := range places {
		for j, name := range []string{"B_<&>", "a", "C"} {
			x := wants(p, name, "the value")
			s.note(&x, int64(j)*(1_780_000_000+int64(i))) // the first without a time
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
	want := strings.NewReplacer("\t", "").Replace(`{"valetkey":"state of secrets","version":1,"manifest":"acme/infra .github/valetkey.yml","key_check":"KEY"}
	{"owner":"acme","repository":"api","environment":"production","app":"actions","secrets":[{"name":"A","fingerprint":"…","updated_at":"2026-05-28T20:26:41Z"},{"name":"B_\u003c\u0026\u003e","fingerprint":"…"},{"name":"C","fingerprint":"…","updated_at":"2082-10-23T16:53:22Z"}]}
	{"owner":"acme","repository":"web","app":"actions","secrets":[{"name":"A","fingerprint":"…","updated_at":"2026-05-28T20:26:40Z"},{"name":"B_\u003c\u0026\u003e","fingerprint":"…"},{"name":"C","fingerprint":"…","updated_at":"2082-10-23T16:53:20Z"}]}
	{"places":2,"mac":"`)
	want = strings.Replace(want, "KEY", s.keyCheck(), 1)
	got := string(data)
	for _, p := range []Place{production, webActions} { // in the file's order
		for _, name := range []string{"a", "B_<&>", "C"} {
			sum := s.fingerprint(p.Key(), name, redact.New("the value"))
			text := base64.RawURLEncoding.EncodeToString(sum[:])
			if strings.Count(got, text) != 1 {
				t.Errorf("%s of %s is there %d times", name, p, strings.Count(got, text))
			}
			got = strings.Replace(got, text, "…", 1)
		}
	}
	if !strings.HasPrefix(got, want) || strings.Count(got[len(want):], "\n") != 1 {
		t.Errorf("got\n%swant\n%s", got, want)
	}

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
	if fmt.Sprint(names) != "[state state-1.tmp-4]" { // the other is another shard's
		t.Errorf("files %v", names)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the directory %v, %v", info.Mode(), err)
	}
}

func TestStateFaults(t *testing.T) {
	whole := string(fileOf(t, webActions, production))
	head, rest, _ := strings.Cut(whole, "\n")
	for _, test := range []struct{ name, data, want, hint string }{
		{"cut off in a line", whole[:len(whole)-100], "is cut off", "restore a whole one, or " + anew},
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
		{"newer", strings.Replace(whole, `"version":1`, `"version":2`, 1), "is of version 2, made by a newer valetkey; this one knows 1", "use the newer one, or " + anew},
		{"newer and shorter", `{"valetkey":"state of secrets","version":3}`, "is of version 3, made by a newer valetkey; this one knows 1", ""},
		{"other manifest", resealed(strings.Replace(head, "infra", "other", 1) + "\n" + rest), "belongs to the manifest acme/other .github/valetkey.yml, not acme/infra .github/valetkey.yml", "give each manifest a state file of its own, or " + anew},
		{"changed", strings.Replace(whole, `"web"`, `"wen"`, 1), "was changed by somebody else", "restore one that valetkey wrote, or " + anew},
		{"changed manifest", strings.Replace(whole, "infra", "other", 1), "was changed by somebody else", ""},
		{"a line less", strings.Replace(whole, strings.SplitAfter(whole, "\n")[1], "", 1), "was changed by somebody else", ""},
		{"Windows", strings.ReplaceAll(whole, "\n", "\r\n"), "was changed by somebody else", ""},
		{"written by a fault of ours", resealed(strings.Replace(whole, "\"A\"", "\"a\"", 1)), "can't be read", anew},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			if err := os.WriteFile(path, []byte(test.data), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := OpenState(path, stateKey, testManifest)
			want := "state file " + path + " " + test.want
			if err == nil || err.Error() != want || test.hint != "" && hinted(err) != " (hint: "+test.hint+")" {
				t.Errorf("got %v%s\nwant %s (hint: %s)", err, hinted(err), want, test.hint)
			}
			if left, _ := os.ReadFile(path); string(left) != test.data {
				t.Error("the file was touched")
			}
		})
	}
	path := filepath.Join(t.TempDir(), "state")
	_ = os.WriteFile(path, []byte(whole), 0o600)
	_, err := OpenState(path, []byte(strings.Repeat("x", 32)), testManifest)
	if want := "state file " + path + " was made with another key (hint: use the App key that it was made with, or " + anew + ")"; err == nil || err.Error()+hinted(err) != want {
		t.Errorf("%v%s", err, hinted(err))
	}
	if _, err := OpenState(path, []byte("short"), testManifest); err == nil || err.Error() != "the key of a state has 32 bytes, not 5" {
		t.Error(err)
	}
	if _, err := OpenState(filepath.Dir(path), stateKey, testManifest); err == nil || !strings.HasPrefix(err.Error(), "read the state file: ") {
		t.Error(err)
	}
}

// resealed gives a file a true end, as only the owner of the key can.
func resealed(data string) string {
	body := data[:strings.LastIndex(strings.TrimSuffix(data, "\n"), "\n")+1]
	h := openStateOf("state").mac("file")
	h.Write([]byte(body))
	end, _ := json.Marshal(endLine{max(0, strings.Count(body, "\n")-1), base64.RawURLEncoding.EncodeToString(h.Sum(nil))})
	return body + string(end) + "\n"
}

// Every byte of the file counts.
func TestStateFlipped(t *testing.T) {
	whole := fileOf(t, webActions, production)
	for i := range whole {
		for _, flip := range []byte{1, 0x20, 0x80} {
			data := bytes.Clone(whole)
			data[i] ^= flip
			if err := openStateOf("state").decode(data); err == nil {
				t.Fatalf("byte %d of %d by %#x: not seen", i, len(whole), flip)
			}
		}
		if err := openStateOf("state").decode(whole[:i]); err == nil {
			t.Fatalf("cut at %d: not seen", i)
		}
	}
}

// What a state file may be, there is one way to write it.
func FuzzState(f *testing.F) {
	whole := resealed(fmt.Sprintf(stateIntro+`1,"manifest":%q,"key_check":%q}`+"\n"+
		`{"owner":"a","app":"actions","secrets":[{"name":"A","fingerprint":"AAAAAAAAAAAAAAAAAAAAAA","updated_at":"2026-05-28T20:26:41Z"}]}`+"\n\n",
		testManifest, openStateOf("state").keyCheck()))
	if err := openStateOf("state").decode([]byte(whole)); err != nil {
		f.Fatalf("%v:\n%s", err, whole)
	}
	f.Add(whole, 7, byte(1))
	f.Add(strings.Replace(whole, "updated_at", "Updated_at", 1), 1, byte(32))
	f.Add(strings.Replace(whole, `"app":"actions",`, "", 1), 200, byte(255))
	f.Fuzz(func(t *testing.T, data string, at int, flip byte) {
		for _, text := range []string{data, resealed(data)} {
			s := openStateOf("state")
			if err := s.decode([]byte(text)); err != nil {
				continue
			}
			var again bytes.Buffer
			if err := s.encode(&again); err != nil || again.String() != text {
				t.Fatalf("%v: read\n%s\nwritten\n%s", err, text, again.String())
			}
			if flip != 0 {
				other := []byte(text)
				other[uint(at)%uint(len(other))] ^= flip
				if err := openStateOf("state").decode(other); err == nil {
					t.Fatalf("changed at %d by %#x: not seen", at, flip)
				}
			}
		}
	})
}

// Equal values don't show, wherever they are, and framing can't be shifted.
func TestFingerprints(t *testing.T) {
	s := openStateOf("state")
	seen := map[fingerprint]string{}
	for _, x := range []Wanted{
		wants(apiActions, "KEY", "value"), wants(webActions, "KEY", "value"), wants(production, "KEY", "value"), wants(acmeOrg, "KEY", "value"),
		wants(apiActions, "KEYV", "alue"), wants(apiActions, "KEY", "value "), wants(apiActions, "KEY", ""), wants(apiActions, "", "KEYvalue"),
	} {
		sum := s.fingerprint(x.Key(), x.Name, x.Value)
		if other := seen[sum]; other != "" {
			t.Errorf("%s of %s is as %s", x.Name, x.Place, other)
		}
		seen[sum] = x.Name + " of " + x.String()
	}
	if s.fingerprint(apiActions.Key(), "key", redact.New("value")) != s.fingerprint(Place{"Acme", "API", "", "actions"}.Key(), "KEY", redact.New("value")) {
		t.Error("names know a case")
	}
	if (&State{key: []byte("other")}).keyCheck() == s.keyCheck() {
		t.Error("keys can't be told from each other")
	}
}

func TestSaveSoon(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := openState(t, filepath.Join(dir, "state"))
		saved := func() bool {
			t.Helper()
			known := len(openState(t, s.path).Places())
			return known == len(s.Places())
		}
		note := func(name string) {
			x := wants(Place{Owner: "acme", Repository: name, App: "actions"}, "A", "a")
			s.note(&x, 1)
			s.saveSoon()
		}
		if note("a"); !saved() {
			t.Error("the first was not saved at once")
		}
		if note("b"); saved() {
			t.Error("saved again at once")
		}
		time.Sleep(saveEvery)
		if note("c"); !saved() {
			t.Error("not saved after a while")
		}
		s.took = time.Second // a large file
		time.Sleep(19 * time.Second)
		if note("d"); saved() {
			t.Error("saving takes more than its share")
		}
		time.Sleep(time.Second)
		if note("e"); !saved() {
			t.Error("not saved after its share")
		}
	})
}

func TestStateAtOnce(t *testing.T) {
	s := openState(t, filepath.Join(t.TempDir(), "state"))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				x := wants(Place{Owner: "acme", Repository: fmt.Sprint(j), App: "actions"}, fmt.Sprint("S", i), "a")
				s.note(&x, int64(j+1))
				s.saveSoon()
				if j%2 == 1 {
					s.forget(x.Key(), x.Name)
				}
				_ = s.at(x.Key())
			}
			if err := s.Save(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := len(openState(t, s.path).Places()); n != 25 {
		t.Errorf("%d places", n)
	}
}
