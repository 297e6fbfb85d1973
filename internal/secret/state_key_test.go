package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valetkey/valetkey/internal/redact"
)

// A key that can't be derived is another error than one that does not fit.
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

// The state outlives the App's key: the previous one opens it once more, and
// from the next save on the new one does. Without either of them, it does not
// open.
func TestStateKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, fileOf(t, webActions), 0o600); err != nil {
		t.Fatal(err)
	}
	next := stateFile(path)
	next.Key = derive("next")
	refused := "state file " + path + " was made with another key of an App (hint: give the one that it was made with as " +
		"previous-private-key or previous-key, or " + startOver + ")"
	if _, err := OpenState(next); err == nil || err.Error()+hinted(err) != refused {
		t.Errorf("got %v%s", err, hinted(err))
	}
	next.Previous = derive("k")
	s, err := OpenState(next)
	if err != nil || s.Len() != 3 {
		t.Fatal(err)
	}
	before := s.records(webActions.Key())[0].print
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	next.Previous = nil
	if s, err = OpenState(next); err != nil || s.records(webActions.Key())[0].print != before {
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

// A manifest is identified by the id of its repository, by its name if one of
// the two sides does not know the id, and by its path.
func TestWhoseState(t *testing.T) {
	for _, test := range []struct {
		other Manifest
		same  bool
	}{
		{Manifest{"api.github.test", "acme/infra", 7, ".github/valetkey.yml"}, true},
		{Manifest{"api.github.test", "acme/platform", 7, ".github/valetkey.yml"}, true}, // renamed
		{Manifest{"api.github.test", "ACME/Infra", 0, ".github/Valetkey.yml"}, true},
		{Manifest{"api.github.test", "acme/infra", 8, ".github/valetkey.yml"}, false}, // another repository has the name now
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
		test.other.RepositoryID = 7 // not lost if one run does not know it
		if err == nil && (s.Save() != nil || s.manifest != test.other || openManifest(t, f) != test.other) {
			t.Errorf("%s: kept as %s", test.other, s.manifest)
		}
	}
}

// openManifest returns the manifest of a state file, as the next run reads it.
func openManifest(t *testing.T, f StateFile) Manifest {
	t.Helper()
	s, err := OpenState(f)
	if err != nil {
		t.Fatal(err)
	}
	return s.manifest
}

// resealed returns a file with a true end, as only the owner of the key can
// make it.
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

// There is only one way to write any state file, but for what its head says of
// the manifest: an older name of it, or no id, which the next run replaces.
func FuzzState(f *testing.F) {
	var empty bytes.Buffer
	if err := openStateOf("state").encode(&empty); err != nil {
		f.Fatal(err)
	}
	head, _, _ := strings.Cut(empty.String(), "\n")
	whole := resealed(head + "\n" +
		`{"owner":"a","app":"actions","secrets":[` +
		`{"name":"A","fingerprint":"AAAAAAAAAAAAAAAAAAAAAA","updated_at":"2026-05-28T20:26:41Z"}]}` + "\n\n")
	if err := openStateOf("state").decode([]byte(whole), stateFile("state")); err != nil {
		f.Fatalf("%v:\n%s", err, whole)
	}
	f.Add(whole, 7, byte(1))
	f.Add(strings.Replace(whole, "updated_at", "Updated_at", 1), 1, byte(32))
	f.Add(strings.Replace(whole, `"app":"actions",`, "", 1), 200, byte(255))
	f.Add(strings.Replace(whole, `"repository":"acme/infra",`, "", 1), 0, byte(0))
	f.Add(strings.Replace(whole, "valetkey.yml", "Valetkey.yml", 1), 0, byte(0))
	f.Fuzz(func(t *testing.T, data string, at int, flip byte) {
		for _, text := range []string{data, resealed(data)} {
			s := openStateOf("state")
			if err := s.decode([]byte(text), stateFile("state")); err != nil {
				continue
			}
			var head struct {
				Host, Repository, Manifest string
				ID                         int64 `json:"repository_id"`
			}
			if err := json.Unmarshal([]byte(text[:strings.Index(text, "\n")]), &head); err != nil {
				t.Fatal(err)
			}
			s.manifest = Manifest{head.Host, head.Repository, head.ID, head.Manifest}
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

// Equal values don't show, wherever they are, and bytes can't be moved from one
// part to the next.
func TestFingerprints(t *testing.T) {
	s := openStateOf("state")
	seen := map[fingerprint]string{}
	for _, x := range []Wanted{
		wants(apiActions, "KEY", "value"), wants(webActions, "KEY", "value"), wants(production, "KEY", "value"),
		wants(acmeOrg, "KEY", "value"), wants(apiActions, "KEYV", "alue"), wants(apiActions, "KEY", "value "),
		wants(apiActions, "KEY", ""), wants(apiActions, "", "KEYvalue"),
	} {
		sum := s.fingerprint(x.Key(), x.Name, x.Value)
		if other := seen[sum]; other != "" {
			t.Errorf("%s of %s is as %s", x.Name, x.Place, other)
		}
		seen[sum] = x.Name + " of " + x.String()
	}
	capitals := Place{"Acme", "API", "", "actions"}
	if s.fingerprint(apiActions.Key(), "key", redact.New("value")) != s.fingerprint(capitals.Key(), "KEY", redact.New("value")) {
		t.Error("names know a case")
	}
}
