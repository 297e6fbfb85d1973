package secret

import (
	"bytes"
	"encoding/json"
	"errors"
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

var testPublicKey = publicKey{"11", &[32]byte{1, 2, 3}}

// fileOf gives a state file with something in it.
func fileOf(t testing.TB, places ...Place) []byte {
	t.Helper()
	s := openState(t, filepath.Join(t.TempDir(), "state"))
	for i, p := range places {
		for j, name := range []string{"B_<&>", "a", "C"} {
			x := wants(p, name, "the value")
			at := time.Time{} // of the first there is none
			if j > 0 {
				at = time.Unix(int64(j)*(1_780_000_000+int64(i)), 0)
			}
			s.note(&x, at, int64(40+i), testPublicKey)
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
	want := strings.NewReplacer("\t", "").Replace(`{"valetkey":"state of secrets","version":1,"host":"api.github.test","repository":"acme/infra","repository_id":7,"manifest":".github/valetkey.yml","salt":"SALT","wrapped_key":"KEY"}
	{"owner":"acme","repository":"api","repository_id":41,"environment":"production","app":"actions","key_id":"11","public_key":"AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","secrets":[{"name":"A","fingerprint":"…","updated_at":"2026-05-28T20:26:38Z"},{"name":"B_\u003c\u0026\u003e","fingerprint":"…"},{"name":"C","fingerprint":"…","answered_at":"2082-10-23T16:53:22Z"}]}
	{"owner":"acme","repository":"web","repository_id":40,"app":"actions","key_id":"11","public_key":"AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","secrets":[{"name":"A","fingerprint":"…","updated_at":"2026-05-28T20:26:37Z"},{"name":"B_\u003c\u0026\u003e","fingerprint":"…"},{"name":"C","fingerprint":"…","answered_at":"2082-10-23T16:53:20Z"}]}
	{"places":2,"mac":"`)
	s = openStateOf("state")
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
		{"other manifest", resealed(strings.Replace(head, `"repository_id":7`, `"repository_id":8`, 1) + "\n" + rest), "belongs to the manifest .github/valetkey.yml of acme/infra (id 8) at api.github.test, not .github/valetkey.yml of acme/infra (id 7) at api.github.test", "give each manifest a state file of its own, or " + anew},
		{"changed", strings.Replace(whole, `"web"`, `"wen"`, 1), "was changed by somebody else", "restore one that valetkey wrote, or " + anew},
		{"changed manifest", strings.Replace(whole, "infra", "other", 1), "was changed by somebody else", ""},
		{"a line less", strings.Replace(whole, strings.SplitAfter(whole, "\n")[1], "", 1), "was changed by somebody else", ""},
		{"Windows", strings.ReplaceAll(whole, "\n", "\r\n"), "was changed by somebody else", ""},
		{"a time that is none", resealed(strings.Replace(whole, `"updated_at":"2`, `"updated_at":"x2`, 1)), "can't be read", ""},
		{"a fingerprint that is none", resealed(strings.Replace(whole, `"fingerprint":"`, `"fingerprint":"!`, 1)), "can't be read", ""},
		{"a key that is none", resealed(strings.Replace(whole, `"public_key":"`, `"public_key":"AAAA`, 1)), "can't be read", ""},
		{"a line that is none", resealed(strings.Replace(whole, `"secrets":[`, `"secrets":{`, 1)), "can't be read", ""},
		{"written by a fault of ours", resealed(strings.Replace(whole, "\"A\"", "\"a\"", 1)), "can't be read", anew},
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
	if _, err := OpenState(stateFile(t.TempDir())); err == nil || !strings.HasPrefix(err.Error(), "read the state file: ") {
		t.Error(err)
	}
}

// A key that can't be had is another matter than one that does not fit.
func TestStateKeyOutOfReach(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, fileOf(t, webActions), 0o600); err != nil {
		t.Fatal(err)
	}
	f := stateFile(path)
	f.Key = func([]byte) ([]byte, error) { return nil, errors.New("the vault is sealed") }
	for _, previous := range []Derive{nil, derive("k")} {
		f.Previous = previous
		if _, err := OpenState(f); err == nil || err.Error() != "derive the key of the state file: the vault is sealed" {
			t.Errorf("%v", err)
		}
	}
	f.Key = func([]byte) ([]byte, error) { return make([]byte, 16), nil }
	if _, err := OpenState(f); err == nil || err.Error() != "the key of a state file has 32 bytes, not 16" {
		t.Errorf("%v", err)
	}
}

// The state outlives the App's key: the one before opens it once more, and from the
// next save on the new one does. Without either it opens for nobody.
func TestStateKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, fileOf(t, webActions), 0o600); err != nil {
		t.Fatal(err)
	}
	next := stateFile(path)
	next.Key = derive("next")
	refused := "state file " + path + " was made with another key of an App (hint: give the one that it was made with as previous-private-key, or " + anew + ")"
	if _, err := OpenState(next); err == nil || err.Error()+hinted(err) != refused {
		t.Errorf("got %v%s", err, hinted(err))
	}
	next.Previous = derive("k")
	s, err := OpenState(next)
	if err != nil || s.Len() != 3 {
		t.Fatal(err)
	}
	before := s.at(webActions.Key())[0].print
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	next.Previous = nil
	if s, err = OpenState(next); err != nil || s.at(webActions.Key())[0].print != before {
		t.Errorf("after the save: %v", err)
	}
	if _, err := OpenState(stateFile(path)); err == nil {
		t.Error("the key before still opens it")
	}

	reset := stateFile(path)
	reset.Reset = true
	if s, err = OpenState(reset); err != nil || s.Len() != 0 || s.Save() != nil {
		t.Errorf("%v, %d secrets", err, s.Len())
	}
	if s = openState(t, path); s.Len() != 0 {
		t.Error("reset, and yet something is known")
	}
	short := stateFile(filepath.Join(t.TempDir(), "state"))
	short.Key = func([]byte) ([]byte, error) { return []byte("short"), nil }
	if _, err := OpenState(short); err == nil || err.Error() != "the key of a state file has 32 bytes, not 5" {
		t.Error(err)
	}
}

// A manifest is told by the id of its repository, by its name where one of the two
// sides does not know that, and by its path.
func TestWhoseState(t *testing.T) {
	for _, test := range []struct {
		other Manifest
		same  bool
	}{
		{Manifest{"api.github.test", "acme/infra", 7, ".github/valetkey.yml"}, true},
		{Manifest{"api.github.test", "acme/platform", 7, ".github/valetkey.yml"}, true}, // renamed
		{Manifest{"api.github.test", "ACME/Infra", 0, ".github/Valetkey.yml"}, true},
		{Manifest{"api.github.test", "acme/infra", 8, ".github/valetkey.yml"}, false}, // the name is another's now
		{Manifest{"api.github.test", "acme/other", 0, ".github/valetkey.yml"}, false},
		{Manifest{"api.github.test", "acme/infra", 7, "staging.yml"}, false},
		{Manifest{"api.github.test", "", 0, ".github/valetkey.yml"}, false},
		{Manifest{"github.example", "acme/infra", 7, ".github/valetkey.yml"}, false}, // another GitHub's ids and names
	} {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, fileOf(t, webActions), 0o600); err != nil {
			t.Fatal(err)
		}
		f := stateFile(path)
		f.Manifest = test.other
		s, err := OpenState(f)
		if (err == nil) != test.same {
			t.Errorf("%s: %v", test.other, err)
		}
		test.other.RepositoryID = 7 // not forgotten where one run does not know it
		if err == nil && (s.Save() != nil || s.manifest != test.other || openManifest(t, f) != test.other) {
			t.Errorf("%s: kept as %s", test.other, s.manifest)
		}
	}
}

// openManifest is whose a state file is, as the next run reads it.
func openManifest(t *testing.T, f StateFile) Manifest {
	t.Helper()
	s, err := OpenState(f)
	if err != nil {
		t.Fatal(err)
	}
	return s.manifest
}

// resealed gives a file a true end, as only the owner of the key can.
func resealed(data string) string {
	body := data[:strings.LastIndex(strings.TrimSuffix(data, "\n"), "\n")+1]
	var head headLine
	_ = json.Unmarshal([]byte(body[:strings.Index(body+"\n", "\n")]), &head)
	salt, _ := decode64(head.Salt)
	box, _ := decode64(head.Key)
	key, err := derive("k").open(wrapped{salt, box})
	if err != nil {
		return data
	}
	h := (&State{key: key}).mac("file")
	h.Write([]byte(body))
	end, _ := json.Marshal(endLine{max(0, strings.Count(body, "\n")-1), encode64(h.Sum(nil))})
	return body + string(end) + "\n"
}

// Every byte of the file counts.
func TestStateFlipped(t *testing.T) {
	whole := fileOf(t, webActions, production)
	for i := range whole {
		for _, flip := range []byte{1, 0x20, 0x80} {
			data := bytes.Clone(whole)
			data[i] ^= flip
			if err := openStateOf("state").decode(data, stateFile("state")); err == nil {
				t.Fatalf("byte %d of %d by %#x: not seen", i, len(whole), flip)
			}
		}
		if err := openStateOf("state").decode(whole[:i], stateFile("state")); err == nil {
			t.Fatalf("cut at %d: not seen", i)
		}
	}
}

// What a state file may be, there is one way to write it.
func FuzzState(f *testing.F) {
	var empty bytes.Buffer
	if err := openStateOf("state").encode(&empty); err != nil {
		f.Fatal(err)
	}
	head, _, _ := strings.Cut(empty.String(), "\n")
	whole := resealed(head + "\n" +
		`{"owner":"a","app":"actions","secrets":[{"name":"A","fingerprint":"AAAAAAAAAAAAAAAAAAAAAA","updated_at":"2026-05-28T20:26:41Z"}]}` + "\n\n")
	if err := openStateOf("state").decode([]byte(whole), stateFile("state")); err != nil {
		f.Fatalf("%v:\n%s", err, whole)
	}
	f.Add(whole, 7, byte(1))
	f.Add(strings.Replace(whole, "updated_at", "Updated_at", 1), 1, byte(32))
	f.Add(strings.Replace(whole, `"app":"actions",`, "", 1), 200, byte(255))
	f.Fuzz(func(t *testing.T, data string, at int, flip byte) {
		for _, text := range []string{data, resealed(data)} {
			s := openStateOf("state")
			if err := s.decode([]byte(text), stateFile("state")); err != nil {
				continue
			}
			var again bytes.Buffer
			if err := s.encode(&again); err != nil || again.String() != text {
				t.Fatalf("%v: read\n%s\nwritten\n%s", err, text, again.String())
			}
			if flip != 0 {
				other := []byte(text)
				other[uint(at)%uint(len(other))] ^= flip
				if err := openStateOf("state").decode(other, stateFile("state")); err == nil {
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
			s.note(&x, time.Unix(1, 0), 0, publicKey{})
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
				s.note(&x, time.Unix(int64(j+1), 0), 0, publicKey{})
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

// What could not be read again is not written, and what is too large not read.
func TestStateIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := file.Truncate(maxState - 1000); err != nil { // takes no room
		t.Fatal(err)
	}
	if err := openStateOf(path).write(file); err != nil {
		t.Error(err)
	}
	if err := file.Truncate(maxState + 1); err != nil {
		t.Fatal(err)
	}
	if err := openStateOf(path).write(file); err == nil || err.Error() != "it has grown beyond the 64 MiB that a state file may have" {
		t.Error(err)
	}
	_, err = OpenState(stateFile(path))
	const want = "read the state file: it is larger than the 64 MiB that such a file may have (hint: check that it is the right file)"
	if err == nil || err.Error()+hinted(err) != want {
		t.Errorf("%v%s", err, hinted(err))
	}
	reset := stateFile(path)
	reset.Reset = true
	if _, err := OpenState(reset); err != nil {
		t.Errorf("a new start: %v", err)
	}
}

// A state file is never a link, neither when it is read nor when it is written.
func TestStateIsNoLink(t *testing.T) {
	dir := t.TempDir()
	path, victim := filepath.Join(dir, "state"), filepath.Join(t.TempDir(), "victim")
	s := openState(t, path)
	if err := os.WriteFile(victim, fileOf(t, webActions), 0o600); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(victim)
	if err := os.Symlink(victim, path); err != nil {
		t.Fatal(err)
	}
	const isLink = " the state file: it is a link, which may be somebody else's doing" +
		" (hint: give the path of the file itself, or delete the link)"
	if _, err := OpenState(stateFile(path)); err == nil || err.Error()+hinted(err) != "read"+isLink {
		t.Errorf("%v%s", err, hinted(err))
	}
	reset := stateFile(path)
	reset.Reset = true
	if _, err := OpenState(reset); err == nil || err.Error()+hinted(err) != "read"+isLink {
		t.Errorf("%v%s", err, hinted(err))
	}
	if err := s.Save(); err == nil || err.Error()+hinted(err) != "save"+isLink {
		t.Errorf("%v%s", err, hinted(err))
	}
	if after, err := os.ReadFile(victim); err != nil || !bytes.Equal(before, after) {
		t.Errorf("what it leads to has changed: %v", err)
	}
}
