package secret

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

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
			s.record(&x, time.Unix(1, 0), 0, publicKey{})
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
				s.record(&x, time.Unix(int64(j+1), 0), 0, publicKey{})
				s.saveSoon()
				if j%2 == 1 {
					s.forget(x.Key(), x.Name)
				}
				_ = s.records(x.Key())
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

// A file that could not be read again is not written, and one that is too large
// is not read.
func TestStateIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := file.Truncate(maxState - 1000); err != nil { // takes no space on the disk
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
