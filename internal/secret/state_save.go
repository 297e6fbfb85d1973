package secret

import (
	"fmt"
	"os"
	"time"

	"github.com/valetkey/valetkey/internal/fault"
	"github.com/valetkey/valetkey/internal/safefile"
)

// The state is saved as results come in: not so often that a large file would
// slow the work, and often enough that little has to be repeated after a killed
// run.
const (
	saveEvery = 250 * time.Millisecond
	saveShare = 20 // saving takes at most one of this many parts of the time
)

// Save writes the file completely or not at all.
func (s *State) Save() error {
	if !s.kept() {
		return nil
	}
	s.disk.Lock()
	defer s.disk.Unlock()
	return s.save()
}

// saveSoon saves unless that was done just now. The last Save reports a
// failure.
func (s *State) saveSoon() {
	if !s.kept() || !s.disk.TryLock() {
		return
	}
	defer s.disk.Unlock()
	if time.Since(s.saved) >= max(saveEvery, saveShare*s.took) {
		_ = s.save()
	}
}

// save writes the file. The caller holds the lock of the disk.
func (s *State) save() error {
	began := time.Now()
	err := safefile.Replace(s.path, s.write)
	s.saved = time.Now()
	s.took = s.saved.Sub(began)
	if err != nil {
		return stateFault("save", err, "give state-file a path in a directory that this step can write to")
	}
	return nil
}

// write writes the new file. It fails if the file could not be read again.
func (s *State) write(file *os.File) error {
	s.mu.Lock()
	err := s.encode(file)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && info.Size() > maxState {
		err = fault.New(
			fmt.Sprintf("it has grown beyond the %d MiB that a state file may have", maxState>>20),
			"split the manifest, and give each part a state-file of its own",
		)
	}
	return err
}
